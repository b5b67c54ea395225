"""codecarbon: labelled as the model it is, and never heard, seen or written by."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from runner.measure.energy.codecarbon_ import CodeCarbon
from runner.measure.energy.source import Available, SourceError, Unavailable
from runner.measure.energy.tracker import LocalTracker

REAL_RUN = """
import json, logging, os, socket, sys, time

real = socket.socket
opened = []

def refuse(*arguments, **keywords):
    opened.append(arguments)
    raise OSError("no network here")

class Blocked(real):
    # Making one is let pass: urllib3 binds one to itself on import to learn of IPv6.
    connect = connect_ex = sendto = send = sendall = refuse

socket.socket = Blocked
socket.create_connection = socket.getaddrinfo = refuse

from runner.measure.energy.codecarbon_ import CodeCarbon
from runner.measure.energy.tracker import LocalTracker
from runner.measure.energy.recipe import measure_energy
from runner.measure.energy.discover import sort_sources

assert "codecarbon" not in sys.modules
source = CodeCarbon(device="cpu", tracker=LocalTracker("PRT"))
found = sort_sources([source])

class Limits:
    energy_window_seconds = 10.0
    energy_windows = 5
    energy_idle_seconds = 0.5
    energy_cooldown_seconds = 5.0

def work(index):
    end = time.perf_counter() + 0.1
    while time.perf_counter() < end:
        sum(range(1000))

began = time.perf_counter()
outcome = measure_energy(
    work, sources=found.sources, missing=found.missing, limits=Limits(), device="cpu", cycle=2
)
seconds = time.perf_counter() - began
(reading,) = outcome.readings
print(json.dumps({
    "seconds": seconds, "opened": len(opened), "primary": outcome.primary,
    "reason": outcome.reason, "label": reading.label, "gross": reading.gross_j,
    "net": reading.net_j, "net_reason": reading.net_reason, "windows": reading.windows,
    "batches": reading.batches, "scope": reading.scope, "detail": json.loads(reading.detail),
    "environment": os.environ.get("CODECARBON_LOG_LEVEL"),
}))
"""


@pytest.mark.timed
@pytest.mark.skipif(sys.platform != "linux", reason="the modes asserted are Linux's")
def test_the_real_tracker_is_silent_offline_and_an_estimate(tmp_path: Path) -> None:
    pytest.importorskip("codecarbon")
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", REAL_RUN],
        cwd=tmp_path,
        env={"PYTHONPATH": str(root), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []
    assert not Path("/tmp/.codecarbon.lock").exists()
    said = json.loads(done.stdout)
    assert said["opened"] == 0
    assert said["label"] == "estimated" and said["environment"] is None
    # A model says the same of every second: a window of 2 s is enough, with no idle or cooldown.
    assert said["windows"] == 1 and said["seconds"] < 9
    assert said["batches"] % 2 == 0
    detail = said["detail"]["codecarbon"]
    data = detail["emissions_data"]
    assert len(data) == 1 and data[0]["country_iso_code"] == "PRT"
    assert data[0]["duration"] == pytest.approx(2, abs=0.5)
    assert data[0]["tracking_mode"] == "machine"
    if "cpu: cpu_load" in detail["modes"]:
        joules = (data[0]["cpu_energy"] + data[0]["ram_energy"]) * 3.6e6
        assert said["primary"] == "codecarbon" and said["scope"] == "machine: cpu+ram"
        assert said["gross"] == pytest.approx(joules / said["batches"], rel=1e-5)
        assert said["net"] is None and "estimate" in said["net_reason"]
        emissions = said["detail"]["emissions"]
        assert emissions["kg_per_kwh"] == pytest.approx(0.1656, abs=0.02)
        assert emissions["kg_per_batch"] == pytest.approx(
            said["gross"] / 3.6e6 * emissions["kg_per_kwh"]
        )
    else:
        assert "a sum of different labels" in said["reason"]


@dataclasses.dataclass
class Data:
    """The part of EmissionsData that is read; kWh."""

    cpu_energy: float = 2e-6
    gpu_energy: float = 5e-6
    ram_energy: float = 1e-6
    energy_consumed: float = 8e-6


class Tracker:
    """A tracker over given hardware; remembers how it was made."""

    def __init__(self, hardware: list[object], **arguments: object) -> None:
        self.arguments = arguments
        self._hardware = hardware
        self.run_id = "1"
        self.active: str | None = None
        self.stopped = False

    def start_task(self, name: str) -> None:
        assert self.active is None
        self.active = name

    def stop_task(self, name: str | None = None) -> Data:
        assert self.active is not None
        self.active = None
        return Data()

    def stop(self) -> None:
        self.stopped = True


def part(kind: str, **fields: str) -> object:
    return type(kind, (), fields)()


def fake_of(*hardware: object) -> tuple[list[Tracker], object]:
    made: list[Tracker] = []

    def tracker(**arguments: object) -> Tracker:
        made.append(Tracker(list(hardware), **arguments))
        return made[-1]

    energy = SimpleNamespace(from_energy=lambda kWh: kWh)  # noqa: N803
    emissions = SimpleNamespace(get_private_infra_emissions=lambda kwh, geo: kwh * 0.2)
    modules = {
        "codecarbon": SimpleNamespace(OfflineEmissionsTracker=tracker),
        "codecarbon.core.emissions": SimpleNamespace(Emissions=lambda data, token: emissions),
        "codecarbon.input": SimpleNamespace(
            DataSource=lambda: SimpleNamespace(get_global_energy_mix_data=lambda: {"PRT": 1})
        ),
        "codecarbon.external.geography": SimpleNamespace(GeoMetadata=SimpleNamespace),
        "codecarbon.core.units": SimpleNamespace(Energy=energy),
    }
    return made, modules.__getitem__


RAM, LOAD = part("RAM"), part("CPU", _mode="cpu_load")
COUNTER, GPU = part("CPU", _mode="intel_rapl"), part("GPU")


def window(source: CodeCarbon) -> float:
    from runner.measure.energy.source import Span

    source.open()
    begin = source.begin()
    end = source.end()
    return source.joules(Span(begin, end, begin.time_s, end.time_s, 1), 0.0)


def test_models_of_cpu_and_memory_add_up_and_an_idle_gpu_is_left_out() -> None:
    made, load = fake_of(RAM, LOAD, GPU)
    assert window(CodeCarbon(device="cpu", tracker=LocalTracker(load=load))) == pytest.approx(
        3e-6 * 3.6e6
    )
    arguments = made[0].arguments
    assert arguments["output_methods"] == [] and arguments["emissions_endpoint"] is None
    assert arguments["allow_multiple_runs"] is True and arguments["log_level"] == "critical"
    # A forced intensity keeps it from asking a server for one.
    assert arguments["force_carbon_intensity_g_co2e_kwh"] == pytest.approx(200.0)


@pytest.mark.parametrize(
    ("device", "hardware", "reason"),
    [
        ("cuda", (RAM, LOAD), "sees no GPU here"),
        ("cuda", (RAM, LOAD, GPU), "adds GPU by NVML to a memory model"),
        ("cuda", (RAM, COUNTER, GPU), "adds CPU by intel_rapl and GPU by NVML"),
        ("cpu", (RAM, COUNTER), "adds CPU by intel_rapl to a memory model"),
    ],
)
def test_a_sum_of_labels_is_kept_but_is_no_figure(device, hardware, reason) -> None:
    _, load = fake_of(*hardware)
    source = CodeCarbon(device=device, tracker=LocalTracker(load=load))
    with pytest.raises(SourceError, match=reason):
        window(source)
    assert json.loads(source.extra())["emissions_data"] == [dataclasses.asdict(Data())]


def test_closing_stops_the_tracker_and_twice_is_harmless() -> None:
    made, load = fake_of(RAM, LOAD)
    source = CodeCarbon(tracker=LocalTracker(load=load))
    source.open()
    source.close()
    source.close()
    assert made[0].stopped


def test_a_tracker_that_swallowed_its_own_failure_is_a_reason() -> None:
    _, load = fake_of()
    broken = SimpleNamespace(OfflineEmissionsTracker=lambda **arguments: object())
    tracker = LocalTracker(load=lambda name: broken if name == "codecarbon" else load(name))
    source = CodeCarbon(tracker=tracker)
    with pytest.raises(SourceError, match="did not start"):
        source.open()


@pytest.mark.parametrize(
    ("version", "usable"),
    [("3.3.1", False), ("2.8.4", False), ("3.3.2", True), ("3.4.0rc1", True), ("4.0", True)],
)
def test_versions_that_count_old_gpus_as_nothing_are_refused(version: str, usable: bool) -> None:
    answer = CodeCarbon(version=lambda name: version).probe()
    assert isinstance(answer, Available if usable else Unavailable)


def test_absent_is_a_reason() -> None:
    def version(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    answer = CodeCarbon(version=version).probe()
    assert isinstance(answer, Unavailable) and "not installed" in answer.reason


def test_an_unknown_country_is_told_apart_from_a_known_one() -> None:
    for country, basis in (("PRT", "country PRT"), ("XXX", "world mean")):
        _, load = fake_of(RAM, LOAD)
        source = CodeCarbon(tracker=LocalTracker(country, load=load))
        source.open()
        assert source.carbon is not None and basis in source.carbon.basis


ASKED = """
import json
from runner.measure.energy.tracker import LocalTracker

tracker = LocalTracker("PRT")
tracked = tracker.open()
tracker.begin()
task = tracker.end()
theirs = tracker._tracker
settings = {name: repr(value) for name, value in theirs._conf.items()}
print(json.dumps({
    "settings": settings, "modes": tracked.modes, "ram_w": task["ram_power"], "pue": task["pue"],
    "tdp_w": [getattr(part, "_tdp", None) for part in theirs._hardware],
}))
tracker.close()
"""

ELSEWHERE = {
    "pue": "2",
    "wue": "3",
    "force_cpu_power": "300",
    "force_ram_power": "77",
    "force_mode_cpu_load": "true",
    "gpu_ids": "7",
    "tracking_mode": "process",
    "rapl_include_dram": "true",
    "measure_power_secs": "1",
    "output_dir": "/nowhere",
    "country_2letter_iso_code": "DE",
    "region": "quebec",
    "save_to_file": "true",
}
"""What a user of codecarbon may have set for other work."""


@pytest.mark.e2e
@pytest.mark.parametrize("place", ["home", "folder", "variables"])
def test_settings_of_other_work_change_nothing(tmp_path: Path, place: str) -> None:
    """By every way that codecarbon reads them: the settings, and so the figure, are the same."""
    pytest.importorskip("codecarbon")
    root = Path(__file__).parents[3]

    def asked(name: str, *, set_there: bool) -> dict[str, object]:
        home, folder = tmp_path / name / "home", tmp_path / name / "folder"
        home.mkdir(parents=True)
        folder.mkdir()
        lines = "\n".join(f"{key}={value}" for key, value in ELSEWHERE.items())
        variables = {f"CODECARBON_{key.upper()}": value for key, value in ELSEWHERE.items()}
        if set_there and place != "variables":
            chosen = home if place == "home" else folder
            (chosen / ".codecarbon.config").write_text(f"[codecarbon]\n{lines}\n")
        done = subprocess.run(
            [sys.executable, "-c", ASKED],
            cwd=folder,
            env={
                "PYTHONPATH": str(root),
                "HOME": str(home),
                "PATH": "/usr/bin:/bin",
                **(variables if set_there and place == "variables" else {}),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert not list(folder.glob("*.csv"))
        found: dict[str, object] = json.loads(done.stdout)
        return found

    plain, other = asked("plain", set_there=False), asked("other", set_there=True)
    for key in ("ram_w", "pue", "tdp_w", "modes"):
        assert other[key] == plain[key], key
    ours = {name for name in ELSEWHERE if name != "save_to_file"}
    for name in ours:
        assert other["settings"][name] == plain["settings"][name], name  # type: ignore[index]
    assert other["pue"] == 1.0
