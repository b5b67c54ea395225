"""Joules over the counted time of levels of load, of simulated machines with known power."""

from __future__ import annotations

import threading

import pytest

from runner.measure.conditions import CpuTimes
from runner.measure.energy.levels import LevelMeters, LevelPower, MetersThread
from runner.passes.load import with_joules
from tests.report.test_load_change import level


def meters_of(machine, sources, device="cpu", **more) -> LevelMeters:
    for source in sources:
        source.probe()
    more.setdefault("cpu_times", lambda: None)
    return LevelMeters(device, sources, clock=machine.clock, sleep=machine.clock.sleep, **more)


def hold(meters: LevelMeters, machine, watts: float, seconds: float) -> None:
    """A level at a power that goes on beyond both ends of the counted time."""
    machine.set_power(watts)
    machine.clock.sleep(0.5)
    meters.begin()
    for _ in range(10):
        machine.clock.sleep(seconds / 10)
        meters.touch()
    meters.end()
    machine.clock.sleep(0.5)
    machine.set_power(machine.idle_w)


@pytest.mark.parametrize(("kind", "device"), [("Counter", "cpu"), ("Sensor", "cuda")])
def test_each_level_has_its_own_power(lab, kind: str, device: str) -> None:
    machine = lab.machine()
    meters = meters_of(machine, [getattr(lab, kind)(machine, 0.02)], device)
    meters.open()
    for watts in (60.0, 240.0):
        hold(meters, machine, watts, 10.0)
    meters.close()
    found = meters.found()
    assert [one.mean_w for one in found] == pytest.approx([60.0, 240.0], rel=5e-3)
    label, source = {"Counter": ("measured", "rapl"), "Sensor": ("sampled", "nvml-sampled")}[kind]
    assert {(one.label, one.source, one.reason) for one in found} == {(label, source, None)}


def test_a_level_that_is_too_short_for_the_source_has_a_reason(lab) -> None:
    machine = lab.machine()
    meters = meters_of(machine, [lab.Counter(machine, 0.02)])
    meters.open()
    hold(meters, machine, 100.0, 1.0)
    hold(meters, machine, 100.0, 4.0)
    meters.close()
    short, whole = meters.found()
    assert (short.mean_w, short.label, short.source) == (None, None, None)
    assert short.reason is not None and "is shorter than 2 s" in short.reason
    assert whole.mean_w == pytest.approx(100.0, rel=5e-3)
    slow = lab.machine()
    meters = meters_of(slow, [lab.Counter(slow, 0.5)])
    meters.open()
    hold(meters, slow, 100.0, 5.0)
    meters.close()
    (ticks,) = meters.found()
    assert ticks.mean_w is None and ticks.reason is not None and "fewer than 20" in ticks.reason


def test_a_source_that_fails_leaves_the_levels_before_it(lab) -> None:
    machine = lab.machine()
    counter = lab.Counter(machine, 0.02)
    meters = meters_of(machine, [counter])
    meters.open()
    hold(meters, machine, 100.0, 4.0)
    counter.fail_at = machine.clock.now + 2
    hold(meters, machine, 100.0, 4.0)
    hold(meters, machine, 100.0, 4.0)
    meters.close()
    first, *later = meters.found()
    assert first.mean_w == pytest.approx(100.0, rel=5e-3)
    for one in later:
        assert one.mean_w is None and one.reason == "rapl: the counter vanished"


def test_the_cpu_time_of_others_refuses_that_level_alone(lab) -> None:
    machine = lab.machine()
    times = iter([(0.0, 0.0, 0.0), (8.0, 8.0, 5.0), (10.0, 10.0, 5.0), (18.0, 18.0, 13.0)])
    meters = meters_of(
        machine, [lab.Counter(machine, 0.02)], cpu_times=lambda: CpuTimes(*next(times))
    )
    meters.open()
    hold(meters, machine, 100.0, 4.0)
    hold(meters, machine, 100.0, 4.0)
    meters.close()
    shared, alone = meters.found()
    assert shared.mean_w is None and shared.reason is not None and "others used" in shared.reason
    assert alone.mean_w == pytest.approx(100.0, rel=5e-3)


def test_no_source_is_a_reason(lab) -> None:
    machine = lab.machine()
    meters = meters_of(machine, [])
    meters.open()
    hold(meters, machine, 100.0, 4.0)
    meters.close()
    assert meters.found() == (LevelPower(None, None, None, "no energy source serves this device"),)


class Slow:
    """Meters whose first mark takes until it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.calls: list[str] = []

    def open(self) -> None:
        self.calls.append("open")

    def begin(self) -> None:
        assert self.go.wait(30)
        self.calls.append("begin")

    def touch(self) -> None:
        pass

    def end(self) -> None:
        self.calls.append("end")

    def close(self) -> None:
        self.calls.append("close")

    def found(self) -> tuple[LevelPower, ...]:
        return (LevelPower(50.0, "measured", "rapl", None),)


def test_requests_do_not_wait_for_a_mark() -> None:
    slow = Slow()
    thread = MetersThread(slow)  # type: ignore[arg-type]
    for begins in (True, False, True, False):
        thread.window(begins)
    assert slow.calls == ["open"], "the caller is through, the first mark is not"
    slow.go.set()
    assert thread.close()[0].mean_w == 50.0
    assert slow.calls == ["open", "begin", "end", "begin", "end", "close"]


def test_joules_are_those_of_the_counted_time() -> None:
    levels = (level(window_s=30.0), level(window_s=12.5))
    power = (LevelPower(50.0, "sampled", "nvml-sampled", None), LevelPower(None, None, None, "why"))
    first, second = with_joules(levels, power, "")
    assert (first.energy_j, first.energy_label, first.energy_source) == (
        1500.0,
        "sampled",
        "nvml-sampled",
    )
    assert first.energy_reason is None
    assert (second.energy_j, second.energy_label, second.energy_reason) == (None, None, "why")
    assert {one.energy_reason for one in with_joules(levels, (), "not asked")} == {"not asked"}
