"""The NVML sources over boards like those people have: P100, V100, A100, H200."""

from __future__ import annotations

import math

import pytest

from runner.measure.energy.nvml_counter import NvmlCounter
from runner.measure.energy.nvml_sampled import NvmlSampled
from runner.measure.energy.recipe import measure_energy
from runner.measure.energy.source import Available, SourceError, Unavailable
from runner.measure.nvml import NoGpu

PROFILES = {
    "P100": {"counter_tick_s": None, "power_tick_s": 0.02, "instant": False, "architecture": 4},
    "V100": {"counter_tick_s": 0.02, "power_tick_s": 0.02, "instant": False, "architecture": 5},
    "A100": {"counter_tick_s": 0.1, "power_tick_s": 0.1, "architecture": 7},
    "H200": {"counter_tick_s": 0.1, "power_tick_s": 0.1, "architecture": 9},
}


def sources_of(lab, machine, **fields):
    nvml = lab.Nvml(machine, **fields)
    gpu = lab.boards(nvml).find("cuda", environ={}, torch_uuid=lambda index: None)
    clock = machine.clock
    counter = NvmlCounter(gpu, clock=clock, sleep=clock.sleep)
    sampled = NvmlSampled(gpu, clock=clock, sleep=clock.sleep, ticker=lab.Ticker(clock))
    return nvml, counter, sampled


def measure(lab, machine, sources, **limits):
    return measure_energy(
        machine.work,
        sources=[s for s in sources if isinstance(s.probe(), Available)],
        limits=lab.Limits(**limits),
        device="cuda",
        clock=machine.clock,
        sleep=machine.clock.sleep,
        cpu_times=lambda: None,
    )


@pytest.mark.parametrize("board", PROFILES)
def test_every_board_gives_its_true_joules(lab, board: str) -> None:
    machine = lab.machine(idle_w=35.0, busy_w=220.0, batch_s=0.13)
    _, *sources = sources_of(lab, machine, names=(board,), **PROFILES[board])
    outcome = measure(lab, machine, sources)
    readings = {reading.source: reading for reading in outcome.readings}
    assert outcome.primary == ("nvml-sampled" if board == "P100" else "nvml-counter")
    assert outcome.warnings == ()
    for reading in readings.values():
        assert reading.gross_j == pytest.approx(machine.batch_j, rel=0.01)
        assert reading.net_j == pytest.approx(0.13 * 185, rel=0.015)
        assert reading.scope == "board GPU-0aaaa-bbbb"
    assert set(readings) == ({"nvml-sampled"} if board == "P100" else {s.name for s in sources})


def test_a_board_without_a_counter_says_what_serves_it(lab) -> None:
    _, counter, _ = sources_of(lab, lab.machine(), **PROFILES["P100"])
    answer = counter.probe()
    assert isinstance(answer, Unavailable)
    assert "no energy counter" in answer.reason and "Not Supported" in answer.reason
    assert "nvml-sampled" in (answer.remedy or "")


def test_the_counters_refresh_is_measured_not_assumed(lab) -> None:
    _, counter, _ = sources_of(lab, lab.machine(), counter_tick_s=0.06)
    answer = counter.probe()
    assert isinstance(answer, Available) and answer.refresh_s == pytest.approx(0.06, rel=0.05)


def test_a_sensor_at_rest_has_its_refresh_assumed_and_says_so(lab) -> None:
    _, _, sampled = sources_of(lab, lab.machine())
    answer = sampled.probe()
    assert isinstance(answer, Available) and answer.refresh_s == 0.1
    assert "is assumed" in (answer.note or "")


def test_a_sensor_that_moves_has_its_refresh_measured(lab) -> None:
    machine = lab.machine()
    values = iter(range(10**6))
    _, _, sampled = sources_of(
        lab, machine, power_value=lambda watts: 30_000 + machine.clock.now // 0.05
    )
    assert next(values) == 0
    answer = sampled.probe()
    assert isinstance(answer, Available) and answer.refresh_s == pytest.approx(0.05, rel=0.1)
    assert answer.note == "power field 186"


def test_the_one_second_average_of_new_boards_widens_the_edge(lab) -> None:
    _, _, sampled = sources_of(lab, lab.machine(), instant=False, architecture=8)
    answer = sampled.probe()
    assert isinstance(answer, Available) and "one-second average" in (answer.note or "")
    assert sampled.edge_s == 1.0
    _, _, pascal = sources_of(lab, lab.machine(), instant=False, architecture=4)
    pascal.probe()
    assert pascal.edge_s == 0.1


@pytest.mark.parametrize("value", [0.0, math.nan])
def test_a_sensor_that_reads_nothing_is_no_source(lab, value: float) -> None:
    _, _, sampled = sources_of(lab, lab.machine(), instant=False, power_value=lambda w: value)
    answer = sampled.probe()
    assert isinstance(answer, Unavailable) and "gives no power" in answer.reason


def test_field_186_reading_zero_falls_back_to_power_usage(lab) -> None:
    machine = lab.machine()
    nvml, _, sampled = sources_of(lab, machine)
    nvml.nvmlDeviceGetFieldValues = lambda handle, fields: [
        type("F", (), {"nvmlReturn": 0, "value": type("V", (), {"uiVal": 0})})
    ]
    answer = sampled.probe()
    assert isinstance(answer, Available)
    assert (answer.note or "").startswith("nvmlDeviceGetPowerUsage")


def test_a_counter_going_back_is_a_reloaded_driver(lab) -> None:
    machine = lab.machine()
    nvml, counter, _ = sources_of(lab, machine)
    nvml.backwards_at = machine.clock.now + 20
    outcome = measure(lab, machine, [counter])
    assert outcome.primary is None and "was reset" in (outcome.reason or "")


def test_other_processes_on_the_board_refuse_its_energy(lab) -> None:
    machine = lab.machine()
    nvml, *sources = sources_of(lab, machine)
    nvml.pids = (11, 12, 13)
    outcome = measure(lab, machine, sources, energy_windows=1)
    assert outcome.primary is None
    assert "2 other compute processes on the board" in (outcome.reason or "")


def test_power_above_the_enforced_limit_is_refused(lab) -> None:
    machine = lab.machine(busy_w=400.0)
    _, *sources = sources_of(lab, machine, limit_mw=250_000)
    outcome = measure(lab, machine, sources, energy_windows=1)
    assert "above 1.1 of the power limit 250 W" in (outcome.reason or "")


def test_mig_is_refused_for_it_covers_other_instances(lab) -> None:
    _, *sources = sources_of(lab, lab.machine(), mig=True)
    for source in sources:
        answer = source.probe()
        assert isinstance(answer, Unavailable) and "MIG" in answer.reason


def test_no_board_is_a_reason_and_never_a_number() -> None:
    gone = NoGpu("NVML shows no board", "install the driver")
    for source in (NvmlCounter(gone), NvmlSampled(gone)):
        assert source.probe() == Unavailable("NVML shows no board", "install the driver")
        assert source.disturbance() is None
        with pytest.raises(SourceError):
            source.open() if isinstance(source, NvmlSampled) else source.begin()
            source._read_w()
