"""RAPL over trees in a temporary folder: what counts, what does not, wraps, permissions."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.measure.energy.rapl import Rapl, find_zones, unwrap
from runner.measure.energy.source import Available, SourceError, Span, Unavailable


def zone(parent: Path, directory: str, name: str, energy: int, range_uj: int | None) -> Path:
    path = parent / directory
    path.mkdir(parents=True)
    (path / "name").write_text(name + "\n")
    (path / "energy_uj").write_text(f"{energy}\n")
    if range_uj is not None:
        (path / "max_energy_range_uj").write_text(f"{range_uj}\n")
    return path


RANGE = 262_143_328_850


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Nested as the kernel makes it, with the class directory's links; returns sysfs's root."""
    root = tmp_path / "devices" / "virtual" / "powercap"
    control = root / "intel-rapl"
    package = zone(control, "intel-rapl:0", "package-0", 5_000_000, RANGE)
    zone(package, "intel-rapl:0:0", "core", 3_000_000, RANGE)
    zone(package, "intel-rapl:0:1", "uncore", 1_000_000, RANGE)
    zone(package, "intel-rapl:0:2", "dram", 700_000, 65_712_999_613)
    zone(control, "intel-rapl:1", "psys", 9_000_000, RANGE)
    mmio = root / "intel-rapl-mmio"
    zone(mmio, "intel-rapl-mmio:0", "package-0", 5_000_000, RANGE)
    links = tmp_path / "class" / "powercap"
    links.mkdir(parents=True)
    for target in (control, mmio, package, package / "intel-rapl:0:2", control / "intel-rapl:1"):
        (links / target.name).symlink_to(target)
    return tmp_path


class Turning:
    """A clock whose every reading adds power to the zones' files."""

    def __init__(self, watts: dict[Path, float], step_s: float = 0.0005) -> None:
        self.watts = watts
        self.step_s = step_s
        self.now = 50.0

    def __call__(self) -> float:
        self.sleep(self.step_s)
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for path, watts in self.watts.items():
            value = int((path / "energy_uj").read_text()) + round(watts * seconds * 1e6)
            limit = path / "max_energy_range_uj"
            if limit.exists():
                value %= int(limit.read_text())
            (path / "energy_uj").write_text(str(value))


def package_of(tree: Path) -> Path:
    return tree / "devices" / "virtual" / "powercap" / "intel-rapl" / "intel-rapl:0"


def rapl_of(tree: Path, watts: dict[Path, float], **more: Path) -> tuple[Rapl, Turning]:
    clock = Turning(watts)
    more.setdefault("host_root", tree / "none")
    return Rapl(clock=clock, sleep=clock.sleep, sysfs_root=tree, **more), clock


def test_package_and_dram_are_added_core_psys_and_mmio_are_not(tree: Path) -> None:
    package = package_of(tree)
    parts = {package: 40.0, package / "intel-rapl:0:0": 25.0, package / "intel-rapl:0:2": 10.0}
    parts[package.parent / "intel-rapl:1"] = 90.0
    rapl, clock = rapl_of(tree, parts)
    available = rapl.probe()
    assert isinstance(available, Available) and 0 < (available.refresh_s or 0) < 0.005
    assert rapl.scope == "package+dram"
    rapl.open()
    begin = rapl.begin()
    clock.sleep(10.0)
    end = rapl.end()
    assert rapl.mean_power(Span(begin, end, 0, 0)) == pytest.approx(50.0, rel=1e-3)


def test_the_class_directory_serves_too_and_counts_each_zone_once(tree: Path) -> None:
    names = [z.name for z in find_zones(tree / "class" / "powercap")]
    assert names == ["package-0", "package-0/dram"]


def test_the_hosts_tree_is_preferred_in_a_container(tree: Path, tmp_path: Path) -> None:
    host = tmp_path / "host"
    package = zone(host / "intel-rapl", "intel-rapl:0", "package-0", 1, RANGE)
    rapl, _ = rapl_of(tree, {package: 30.0}, host_root=host)
    assert isinstance(rapl.probe(), Available)
    assert rapl.scope == "package"


def test_a_masked_tree_is_no_zones(tmp_path: Path) -> None:
    (tmp_path / "devices" / "virtual" / "powercap").mkdir(parents=True)
    rapl, _ = rapl_of(tmp_path, {})
    answer = rapl.probe()
    assert isinstance(answer, Unavailable) and "no RAPL zones" in answer.reason
    assert "-v /sys/devices/virtual/powercap:/host/powercap:ro" in (answer.remedy or "")


def test_dangling_links_are_no_zones(tmp_path: Path) -> None:
    links = tmp_path / "class" / "powercap"
    links.mkdir(parents=True)
    (links / "intel-rapl:0").symlink_to(tmp_path / "gone")
    rapl, _ = rapl_of(tmp_path, {})
    assert isinstance(rapl.probe(), Unavailable)


class Forbidden(type(Path())):
    """A path below which counters may not be read: mode 0400 as root's tests cannot see it."""

    def read_text(self, *arguments, **keywords) -> str:
        if self.name == "energy_uj":
            raise PermissionError(13, "Permission denied", str(self))
        return super().read_text(*arguments, **keywords)


def test_forbidden_counters_name_the_lines_that_allow_them(tree: Path) -> None:
    rapl = Rapl(sysfs_root=Forbidden(tree), host_root=tree / "none")
    answer = rapl.probe()
    assert isinstance(answer, Unavailable)
    assert "no permission" in answer.reason and "intel-rapl:0/energy_uj" in answer.reason
    assert "sudo chgrp" in (answer.remedy or "") and "chmod 0440" in (answer.remedy or "")


def test_a_counter_that_stands_still_is_no_source(tree: Path) -> None:
    rapl, _ = rapl_of(tree, {})
    answer = rapl.probe()
    assert isinstance(answer, Unavailable) and "did not advance" in answer.reason


def test_a_wrap_within_the_window_is_undone(tree: Path) -> None:
    package = package_of(tree)
    (package / "energy_uj").write_text(str(RANGE - 2_000_000))
    rapl, clock = rapl_of(tree, {package: 100.0})
    rapl.probe()
    rapl.open()
    begin = rapl.begin()
    for _ in range(20):
        clock.sleep(0.5)
        rapl.touch()
    end = rapl.end()
    assert int((package / "energy_uj").read_text()) < RANGE // 2
    assert rapl.mean_power(Span(begin, end, 0, 0)) == pytest.approx(100.0, rel=1e-3)


def test_a_reset_is_not_taken_for_a_wrap(tree: Path) -> None:
    package = package_of(tree)
    (package / "energy_uj").write_text(str(100_000_000_000))
    rapl, clock = rapl_of(tree, {package: 50.0})
    rapl.probe()
    rapl.open()
    clock.sleep(1.0)
    (package / "energy_uj").write_text("12")
    with pytest.raises(SourceError, match="it was reset"):
        rapl.touch()


def test_going_back_without_a_range_is_a_reset(tree: Path) -> None:
    package = package_of(tree)
    (package / "max_energy_range_uj").unlink()
    rapl, _ = rapl_of(tree, {package: 50.0})
    assert isinstance(rapl.probe(), Available)
    rapl.open()
    (package / "energy_uj").write_text("12")
    with pytest.raises(SourceError, match="it was reset"):
        rapl.touch()


def test_a_file_that_vanishes_is_a_reason(tree: Path) -> None:
    package = package_of(tree)
    rapl, _ = rapl_of(tree, {package: 50.0})
    rapl.probe()
    rapl.open()
    rapl.touch()
    (package / "intel-rapl:0:2" / "energy_uj").unlink()
    with pytest.raises(SourceError, match="can no longer be read"):
        rapl.touch()
    with pytest.raises(SourceError, match="can no longer be read"):
        rapl.open()


def test_dies_that_show_one_counter_count_once(tmp_path: Path) -> None:
    control = tmp_path / "intel-rapl"
    zone(control, "intel-rapl:0", "package-0-die-0", 7_000_000, RANGE)
    zone(control, "intel-rapl:1", "package-0-die-1", 7_000_000, RANGE)
    zone(control, "intel-rapl:2", "package-1-die-0", 7_000_000, RANGE)
    names = [z.name for z in find_zones(tmp_path)]
    assert names == ["package-0-die-0", "package-1-die-0"]


def test_dies_and_sockets_of_their_own_are_all_kept(tmp_path: Path) -> None:
    control = tmp_path / "intel-rapl"
    # Less than a joule apart, which other tools take for one counter.
    zone(control, "intel-rapl:0", "package-0", 7_000_000, RANGE)
    zone(control, "intel-rapl:1", "package-1", 7_000_000, RANGE)
    zone(control, "intel-rapl:10", "package-2-die-0", 7_000_000, RANGE)
    zone(control, "intel-rapl:9", "package-2-die-1", 7_400_000, RANGE)
    names = [z.name for z in find_zones(tmp_path)]
    assert names == ["package-0", "package-1", "package-2-die-1", "package-2-die-0"]


@given(
    start=st.integers(0, RANGE - 1),
    steps=st.lists(st.integers(0, RANGE - 1), max_size=30),
)
def test_differences_across_wraps_sum_to_what_was_drawn(start: int, steps: list[int]) -> None:
    raw, total = start, 0
    for step in steps:
        after = (raw + step) % RANGE
        total += unwrap(raw, after, RANGE)
        raw = after
    assert total == sum(steps)
