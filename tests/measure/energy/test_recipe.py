"""The whole recipe over simulated machines whose true joules are known."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.estimate import ENERGY_WINDOW_S
from runner.measure.conditions import CpuTimes
from runner.measure.energy.codecarbon_ import CodeCarbon
from runner.measure.energy.evaluate import (
    MIN_WINDOW_S,
    Recording,
    choose_primary,
    cross_check,
    disagreement,
    disturbed_estimate,
    judge,
)
from runner.measure.energy.recipe import (
    measure_around,
    measure_energy,
    only_estimated,
)
from runner.measure.energy.source import Available, EnergySource, Mark, SourceError, Span
from runner.measure.energy.windows import required_window_s
from store.records import EnergyReading


def measure(machine, sources, limits, device="cpu", **more):
    for source in sources:
        source.probe()
    more.setdefault("cpu_times", lambda: None)
    return measure_energy(
        machine.work,
        sources=sources,
        limits=limits,
        device=device,
        clock=machine.clock,
        sleep=machine.clock.sleep,
        **more,
    )


@pytest.mark.parametrize("tick", [0.001, 0.02, 0.1])
def test_a_counter_gives_the_true_joules_of_a_batch(lab, tick: float) -> None:
    machine = lab.machine()
    outcome = measure(machine, [lab.Counter(machine, tick)], lab.Limits())
    (reading,) = outcome.readings
    assert outcome.primary == "rapl" and outcome.reason is None
    assert reading.label == "measured" and reading.windows == 5
    assert reading.gross_j == pytest.approx(machine.batch_j, rel=2e-3)
    assert reading.net_j == pytest.approx((150 - 30) * 0.25, rel=2e-3)
    assert reading.idle_w == pytest.approx(30.0, rel=1e-2)
    assert reading.mean_w == pytest.approx(150.0, rel=2e-3)
    assert reading.refresh_s == pytest.approx(tick, rel=0.1)


def test_a_sensor_gives_the_true_joules_of_a_batch(lab) -> None:
    machine = lab.machine()
    outcome = measure(machine, [lab.Sensor(machine, 0.02)], lab.Limits(), device="cuda")
    (reading,) = outcome.readings
    assert outcome.primary == "nvml-sampled"
    assert reading.label == "sampled"
    assert reading.gross_j == pytest.approx(machine.batch_j, rel=5e-3)
    assert reading.net_j == pytest.approx(30.0, rel=6e-3)


@settings(deadline=None, max_examples=40)
@given(
    idle=st.floats(5, 80),
    step=st.floats(20, 400),
    batch=st.floats(0.01, 3.0),
    tick=st.sampled_from([0.001, 0.02, 0.1]),
    counter=st.booleans(),
    cycle=st.integers(1, 4),
)
def test_the_error_stays_within_the_stated_uncertainty(
    lab, idle: float, step: float, batch: float, tick: float, counter: bool, cycle: int
) -> None:
    machine = lab.machine(idle_w=idle, busy_w=idle + step, batch_s=batch)
    source = lab.Counter(machine, tick) if counter else lab.Sensor(machine, max(tick, 0.02))
    limits = lab.Limits(2.0, 4, 2.0, 0.5)
    outcome = measure(machine, [source], limits, device="cpu" if counter else "cuda", cycle=cycle)
    (reading,) = outcome.readings
    assert reading.gross_j is not None, reading.reason
    error = abs(reading.gross_j - machine.batch_j)
    # Where a round outlasts a window two are measured, whose scatter is not known.
    assert (reading.uncertainty_j is None) == (reading.windows < 4)
    if reading.uncertainty_j is not None:
        assert error <= 3 * reading.uncertainty_j
    # Without the share allowed for the sensor's bias, which these have not: one edge a window.
    edge = source.edge_s * step / (reading.batches / reading.windows)
    assert error <= edge + 2e-3 * machine.batch_j
    assert idle * batch * 0.999 <= reading.gross_j <= (idle + step) * batch * 1.02
    assert reading.batches % cycle == 0


def test_windows_hold_whole_rounds_and_last_a_hundred_ticks(lab) -> None:
    machine = lab.machine(batch_s=0.7)
    counter = lab.Counter(machine, 0.1)
    counter.probe()
    assert required_window_s([counter], lab.Limits(energy_window_seconds=2)) == pytest.approx(
        10.0, rel=0.05
    )
    outcome = measure(machine, [counter], lab.Limits(2.0, 2, 1.0, 0.0), cycle=4)
    (reading,) = outcome.readings
    # 10 s is 3.6 rounds of 4 batches of 0.7 s, so each window holds 4 rounds.
    assert reading.batches == 2 * 4 * 4
    assert machine.batches == [0, 1, 2, 3] * 8
    assert reading.window_s == pytest.approx(32 * 0.7, rel=1e-2)


def test_what_is_only_estimated_has_a_window_of_two_seconds(lab) -> None:
    machine = lab.machine(batch_s=0.7)
    meter = lab.Counter(machine, 0.001)
    meter.probe()
    estimate = CodeCarbon()
    limits = lab.Limits(energy_window_seconds=10)
    assert required_window_s([estimate], limits) == MIN_WINDOW_S
    # Beside a meter it is over the same window.
    assert required_window_s([estimate, meter], limits) == 10


class Estimate(EnergySource):
    """A model that says 30 W of whatever was between its two marks, and may drop out."""

    name, label, domain, scope = "codecarbon", "estimated", "machine", "machine: cpu+ram"
    begun_s = 0.0

    def __init__(self, machine, *, fails: str | None = None) -> None:
        super().__init__(clock=machine.clock, sleep=machine.clock.sleep)
        self.fails = fails
        self.calls: list[str] = []

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if name == self.fails:
            raise SourceError(f"no {name}")

    def probe(self):
        return Available(None)

    def open(self) -> None:
        self._call("open")

    def close(self) -> None:
        self._call("close")

    def begin(self) -> Mark:
        self._call("begin")
        self.begun_s = self.clock()
        return Mark(self.begun_s, 0)

    def end(self) -> Mark:
        self._call("end")
        return Mark(self.clock(), round(30e6 * (self.clock() - self.begun_s)))

    def joules(self, span: Span, edge_w: float) -> float:
        return (span.end.energy_uj or 0) / 1e6

    def touch(self) -> None:
        self._call("touch")


@pytest.mark.parametrize("fails", [None, "open", "begin", "end"])
def test_a_loop_that_is_run_anyway_is_the_window_of_an_estimate(lab, fails) -> None:
    machine = lab.machine(batch_s=0.5)
    source = Estimate(machine, fails=fails)
    asked: list[float] = []

    def loop(least_s: float) -> int:
        asked.append(least_s)
        for _ in range(8):
            machine.work(0)
        return 8

    limits = lab.Limits(10.0, 5, 10.0, 5.0)
    outcome = measure_around(
        loop,
        sources=[source],
        limits=limits,
        device="cpu",
        clock=machine.clock,
        cpu_times=lambda: None,
    )
    # Once, for the seconds of a window, without rest before it, and with nothing within it.
    assert asked == [MIN_WINDOW_S] and machine.batches == [0] * 8
    assert "touch" not in source.calls and source.calls[-1] == "close"
    (reading,) = outcome.readings
    if fails is None:
        assert reading.gross_j == pytest.approx(30 * 0.5, rel=1e-3)
        assert (reading.windows, reading.batches) == (1, 8)
        assert reading.window_s == pytest.approx(4.0, rel=1e-3)
    else:
        assert reading.gross_j is None and f"no {fails}" in (reading.reason or "")


def test_a_loop_that_raises_closes_the_sources(lab) -> None:
    source = Estimate(lab.machine())

    def loop(least_s: float) -> int:
        raise MemoryError("the batch does not fit")

    with pytest.raises(MemoryError):
        measure_around(loop, sources=[source], limits=lab.Limits(), device="cpu")
    assert source.calls[-1] == "close"


def test_a_meter_keeps_windows_of_its_own(lab) -> None:
    machine = lab.machine()
    estimate, meter = Estimate(machine), lab.Counter(machine, 0.001)
    assert only_estimated([estimate])
    assert not only_estimated([estimate, meter]) and not only_estimated([])


def test_a_window_that_is_asked_for_too_short_is_lengthened_and_gives_joules(lab) -> None:
    machine = lab.machine(batch_s=0.05)
    outcome = measure(machine, [lab.Counter(machine, 0.001)], lab.Limits(0.2, 1, 0.5, 0.0))
    (reading,) = outcome.readings
    assert reading.reason is None and reading.gross_j is not None
    assert reading.window_s == pytest.approx(MIN_WINDOW_S, rel=0.05)
    assert outcome.primary == "rapl" and outcome.reason is None
    assert MIN_WINDOW_S == ENERGY_WINDOW_S


def test_a_tenth_of_a_joule_in_a_fifth_of_a_second_is_refused(lab) -> None:
    # A published figure for one inference on a GPU: 0.11 J in 204 ms, which is 0.54 W.
    machine = lab.machine()
    source = lab.Counter(machine, 0.001)
    source.refresh_s = 0.001
    idle = Span(Mark(0.0, 0), Mark(10.0, 300_000_000), 0.0, 10.0)
    window = Span(Mark(20.0, 0), Mark(20.204, 110_000), 20.0, 20.204, 1)
    reading = judge(Recording(source, (idle, idle), (window,)))
    assert reading.gross_j is None
    assert "shorter than 2 s" in (reading.reason or "")
    assert "0.539 W, below 0.9 of the idle 30 W" in (reading.reason or "")


def span(joules: float, seconds: float = 10.0, batches: int = 10) -> Span:
    return Span(Mark(0.0, 0), Mark(seconds, int(joules * 1e6)), 0.0, seconds, batches)


@pytest.mark.parametrize(
    ("window", "fields", "reason"),
    [
        (span(1500), {"disturbances": ("2 other compute processes on the board",)}, "2 other"),
        (span(1500), {"foreign_cpu": 0.31}, "others used 31% of the machine's CPU"),
        (span(0), {}, "did not advance"),
        (span(-5), {}, "was reset"),
        (span(200), {}, "20 W, below 0.9 of the idle 30 W"),
        (span(9000), {}, "900 W, above 1.1 of the power limit 300 W"),
        (span(1500), {"failure": "the counter vanished"}, "the counter vanished"),
        (span(1500, 3.0), {}, "holds 15 refresh periods of 0.2 s, fewer than 20"),
    ],
)
def test_what_cannot_be_trusted_is_refused_with_its_numbers(lab, window, fields, reason) -> None:
    source = lab.Counter(lab.machine(), 0.2)
    source.refresh_s, source.limit_w = 0.2, 300.0
    idle = span(300, batches=0)
    reading = judge(Recording(source, (idle, idle), (window,) * 2, **fields))
    assert reading.gross_j is None and reading.net_j is None
    assert reason in (reading.reason or "")


def test_a_small_foreign_load_is_let_pass_and_recorded(lab) -> None:
    source = lab.Counter(lab.machine(), 0.001)
    idle = span(300, batches=0)
    reading = judge(Recording(source, (idle, idle), (span(1500),) * 2, foreign_cpu=0.04))
    assert reading.gross_j == pytest.approx(150.0)
    assert json.loads(reading.detail or "")["foreign_cpu"] == 0.04


def test_net_within_its_noise_is_refused_while_gross_stands(lab) -> None:
    source = lab.Counter(lab.machine(), 0.001)
    before, after = span(290, batches=0), span(310, batches=0)
    reading = judge(Recording(source, (before, after), (span(310), span(312))))
    assert reading.gross_j == pytest.approx(31.1)
    assert reading.net_j is None and "below 2 standard deviations" in (reading.net_reason or "")


def test_uncertainty_is_the_recipes_formula(lab) -> None:
    source = lab.Counter(lab.machine(), 0.1)
    source.refresh_s = 0.1
    before, after = span(290, batches=0), span(330, batches=0)
    windows = (span(1480), span(1500), span(1500), span(1520))
    reading = judge(Recording(source, (before, after), windows))
    bias = 0.05 * 150
    edge = 0.1 * (150 - 31) / 3**0.5 / 10
    scatter = (8 / 3) ** 0.5 / 4**0.5
    gross = (bias**2 + edge**2 + scatter**2) ** 0.5
    assert reading.uncertainty_j == pytest.approx(gross)
    assert reading.net_uncertainty_j == pytest.approx((gross**2 + (1.0 * 2.0) ** 2) ** 0.5)
    assert reading.net_j == pytest.approx(150 - 31)


@pytest.mark.parametrize("windows", [1, 2, 3])
def test_fewer_than_four_windows_give_joules_without_uncertainty(lab, windows: int) -> None:
    source = lab.Counter(lab.machine(), 0.001)
    before, after = span(290, batches=0), span(290, batches=0)
    each = tuple(span(1500 + number) for number in range(windows))
    reading = judge(Recording(source, (before, after), each))
    assert reading.gross_j == pytest.approx(150, rel=1e-3)
    assert reading.net_j == pytest.approx(121, rel=1e-3)
    assert (reading.uncertainty_j, reading.net_uncertainty_j) == (None, None)
    said = json.loads(reading.detail or "")["uncertainty"]
    assert said == "fewer than 4 windows do not tell their scatter"


def test_a_sensor_that_goes_deaf_within_a_window_is_refused(lab) -> None:
    machine = lab.machine()
    sensor = lab.Sensor(machine, 0.1)
    start = machine.clock.now + 1 + 10 + 20
    sensor.deaf = (start, start + 1.0)
    outcome = measure(machine, [sensor], lab.Limits(), device="cuda")
    assert "was not read for 1." in (outcome.reason or "")


def test_a_source_that_fails_leaves_the_others_their_figures(lab) -> None:
    machine = lab.machine()
    good, bad = lab.Counter(machine, 0.001), lab.Sensor(machine, 0.1)
    broken = lab.Counter(machine, 0.02)
    broken.name = "nvml-counter"
    broken.fail_at = machine.clock.now + 20
    outcome = measure(machine, [good, bad, broken], lab.Limits())
    by_source = {reading.source: reading for reading in outcome.readings}
    assert by_source["nvml-counter"].reason == "the counter vanished"
    assert by_source["rapl"].gross_j == pytest.approx(machine.batch_j, rel=2e-3)
    assert by_source["nvml-sampled"].gross_j == pytest.approx(machine.batch_j, rel=2e-2)


def test_a_counter_that_is_reset_is_refused(lab) -> None:
    machine = lab.machine()
    counter = lab.Counter(machine, 0.001)
    counter.reset_at = machine.clock.now + 15
    outcome = measure(machine, [counter], lab.Limits())
    assert outcome.primary is None and "was reset" in (outcome.reason or "")


def test_foreign_load_is_taken_over_the_windows_alone(lab) -> None:
    machine = lab.machine()

    def cpu_times() -> CpuTimes:
        # Two CPUs; this process uses one, others 20 % of the machine, all the time.
        t = machine.clock.now
        return CpuTimes(total_s=2 * t, busy_s=1.4 * t, own_s=1.0 * t)

    outcome = measure(machine, [lab.Counter(machine, 0.001)], lab.Limits(), cpu_times=cpu_times)
    assert "others used 20% of" in (outcome.reason or "")


def test_an_estimate_among_others_stands_with_a_warning(lab) -> None:
    estimate = reading("codecarbon", 9.0, "estimated")
    assert "75% of" in (disturbed_estimate([estimate], "codecarbon", 0.75) or "")
    assert disturbed_estimate([estimate], "codecarbon", 0.03) is None
    assert disturbed_estimate([reading("rapl", 5.0)], "rapl", 0.75) is None
    assert disturbed_estimate([estimate], None, 0.75) is None


def test_work_that_raises_stops_the_polling(lab) -> None:
    machine = lab.machine()
    sensor = lab.Sensor(machine, 0.1)
    sensor.probe()

    def work(index: int) -> None:
        raise MemoryError("out of memory")

    with pytest.raises(MemoryError):
        measure_energy(
            work,
            sources=[sensor],
            limits=lab.Limits(),
            device="cuda",
            clock=machine.clock,
            sleep=machine.clock.sleep,
            cpu_times=lambda: None,
        )
    taken = len(sensor.readings)
    machine.clock.sleep(5)
    assert taken > 0 and len(sensor.readings) == taken


def test_samples_carry_phase_and_seconds_since_the_case_started(lab) -> None:
    machine = lab.machine()
    began = machine.clock.now - 100
    sources = [lab.Sensor(machine, 0.1), lab.Counter(machine, 0.001)]
    outcome = measure(machine, sources, lab.Limits(2.0, 2, 1.0, 0.5), started_s=began)
    sensor = [s for s in outcome.samples if s.source == "nvml-sampled"]
    assert {s.phase for s in sensor} == {"idle", "window-1", "window-2"}
    assert all(s.time_s > 100 and s.energy_j is None for s in sensor)
    counter = [s for s in outcome.samples if s.source == "rapl" and s.phase == "window-1"]
    joules = [s.energy_j for s in counter]
    assert joules == sorted(joules) and all(s.power_w is None for s in counter)
    assert counter[-1].energy_j - counter[0].energy_j == pytest.approx(1500, rel=0.05)


def test_progress_names_phases_and_ends_at_one(lab) -> None:
    machine = lab.machine()
    seen: list[tuple[str, float]] = []
    measure(
        machine,
        [lab.Counter(machine, 0.001)],
        lab.Limits(2.0, 2, 1.0, 0.5),
        on_progress=lambda phase, share: seen.append((phase, share)),
    )
    phases = list(dict.fromkeys(phase for phase, _ in seen))
    assert phases == [
        "starting the meters",
        "idle before",
        "energy window 1 of 2",
        "cooling down",
        "energy window 2 of 2",
        "idle after",
        "done",
    ]
    shares = [share for _, share in seen]
    assert shares == sorted(shares) and shares[-1] == 1.0


def test_a_round_far_longer_than_a_window_needs_two_windows_only(lab) -> None:
    machine = lab.machine(batch_s=60.0)
    limits = lab.Limits(2.0, 5, 1.0, 0.0)
    outcome = measure(machine, [lab.Counter(machine, 0.001)], limits, cycle=4)
    assert outcome.readings[0].windows == 2
    assert outcome.readings[0].gross_j == pytest.approx(machine.batch_j, rel=1e-3)


def reading(source: str, gross: float | None, label: str = "measured", windows: int = 5):
    return EnergyReading(
        source=source,
        label=label,
        scope="",
        windows=windows,
        window_s=10.0,
        batches=10,
        gross_j=gross,
        net_j=None,
        uncertainty_j=None,
        net_uncertainty_j=None,
        idle_w=None,
        mean_w=None,
        refresh_s=None,
        reason=None if gross is not None else f"{source} is broken",
        net_reason=None,
    )


def test_a_counter_and_a_sensor_far_apart_are_flagged(lab) -> None:
    checked = cross_check([reading("nvml-counter", 187.0), reading("nvml-sampled", 327.0)])
    assert not json.loads(checked[0].detail or "")["cross_check"]["agrees"]
    assert "187 J a batch" in (disagreement(checked) or "")
    close = cross_check([reading("nvml-counter", 187.0), reading("nvml-sampled", 190.0)])
    assert json.loads(close[1].detail or "")["cross_check"]["agrees"]
    assert disagreement(close) is None


def test_the_cross_check_runs_within_the_recipe(lab) -> None:
    machine = lab.machine()
    counter, sensor = lab.Counter(machine, 0.1), lab.Sensor(machine, 0.1)
    counter.name = "nvml-counter"
    sensor.scale = 1.4
    outcome = measure(machine, [counter, sensor], lab.Limits(), device="cuda:0")
    assert outcome.primary == "nvml-counter"
    assert "39% apart" in outcome.warnings[0]


@pytest.mark.parametrize(
    ("device", "readings", "primary"),
    [
        ("cpu", [reading("rapl", 5.0), reading("codecarbon", 9.0, "estimated")], "rapl"),
        ("cuda", [reading("rapl", 5.0), reading("nvml-sampled", 7.0)], "nvml-sampled"),
        ("cuda:1", [reading("nvml-sampled", 7.0), reading("nvml-counter", 8.0)], "nvml-counter"),
        ("cuda", [reading("nvml-counter", None), reading("nvml-sampled", 7.0)], "nvml-sampled"),
        ("cpu", [reading("codecarbon", 9.0, "estimated")], "codecarbon"),
        # RAPL does not exist here, so the estimate may stand in.
        (
            "cpu",
            [reading("codecarbon", 9.0, "estimated"), reading("rapl", None, windows=0)],
            "codecarbon",
        ),
        # RAPL works and refused: a model of the same disturbed span is no better.
        ("cpu", [reading("rapl", None), reading("codecarbon", 9.0, "estimated")], None),
        # The CPU's joules are never the GPU case's.
        ("cuda", [reading("rapl", 5.0)], None),
    ],
)
def test_the_primary_source(device: str, readings: list[EnergyReading], primary: str) -> None:
    chosen, reason = choose_primary(device, readings)
    assert chosen == primary
    assert (reason is None) == (primary is not None)


def test_no_source_at_all_is_a_reason() -> None:
    outcome = measure_energy(lambda index: None, sources=[], limits=_none(), device="cpu")
    assert outcome.readings == () and outcome.reason == "no energy source serves this device"


def _none():
    class Limits:
        energy_window_seconds = 10.0
        energy_windows = 5
        energy_idle_seconds = 10.0
        energy_cooldown_seconds = 5.0

    return Limits()
