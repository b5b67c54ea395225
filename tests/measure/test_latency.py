"""The timing loop with a clock and a runner that do as they are told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.clips.clip import Clip
from runner.clips.sound import Held
from runner.config import Limits
from runner.engines.base import Transcription
from runner.measure.latency import Cycle, instability, summarise, time_loop, time_once, warm_up
from store.records import Conditions, Sample

QUIET = Conditions(
    load_before=0.1, load_after=0.1, foreign_cpu=0.01, threads=1, throttled=None, temperature_c=None
)


class Machine:
    """A clock that only the work moves, and work that takes as long as it is told."""

    def __init__(self, seconds: Callable[[int, int], float]) -> None:
        self.now = 100.0
        self.calls = 0
        self.order: list[float] = []
        self._seconds = seconds

    def clock(self) -> float:
        return self.now

    def synchronize(self) -> None:
        """Waits for nothing."""

    def transcribe(self, batch: Sequence[np.ndarray]) -> Transcription:
        index = int(batch[0][0])
        self.now += self._seconds(self.calls, index)
        self.calls += 1
        self.order.append(index)
        return Transcription(texts=("x",) * len(batch), tokens=10 * (index + 1), windows=2)


def cycle_of(batches: int, size: int = 2, speech_seconds: float = 4.0) -> Cycle:
    """A cycle whose batch number is the first sample of its waveforms."""
    return Cycle(
        tuple(
            tuple(
                Clip(f"{b}-{c}", Held(np.full(4, b, dtype=np.float32)), "x", ("u",), speech_seconds)
                for c in range(size)
            )
            for b in range(batches)
        )
    )


def limits(**changes) -> Limits:
    return Limits(**{"min_seconds": 0.0, "min_iterations": 1, **changes})


def ignore(*_: object) -> None:
    """No progress wanted."""


def loop(machine: Machine, cycle: Cycle, bounds: Limits):
    return time_loop(machine, cycle, bounds, clock=machine.clock, progress=ignore, seed=1)


def test_whole_rounds_and_every_sample_kept():
    machine = Machine(lambda call, index: 0.1)
    timed = loop(machine, cycle_of(3), limits(min_iterations=10))
    assert machine.order == [0, 1, 2] * 4
    assert [sample.batch for sample in timed.samples] == machine.order
    assert [sample.iteration for sample in timed.samples] == list(range(12))
    assert all(sample.seconds == pytest.approx(0.1) for sample in timed.samples)


@given(
    batches=st.integers(1, 5),
    min_iterations=st.integers(1, 40),
    min_seconds=st.floats(0, 3),
    seconds=st.floats(0.01, 0.5),
)
def test_both_bounds_are_reached_and_not_a_round_more(
    batches, min_iterations, min_seconds, seconds
):
    machine = Machine(lambda call, index: seconds)
    bounds = limits(min_iterations=min_iterations, min_seconds=min_seconds)
    count = len(loop(machine, cycle_of(batches), bounds).samples)
    assert count % batches == 0
    spent = machine.now - 100.0
    slow = spent >= 20 * max(min_seconds, 1.0)
    assert slow or (count >= min_iterations and spent >= min_seconds - 1e-9)
    before = count - batches
    assert before < min_iterations or before * seconds < min_seconds + 1e-9


def test_a_very_slow_case_ends_after_the_round_in_hand():
    machine = Machine(lambda call, index: 30.0)
    timed = loop(machine, cycle_of(2), limits(min_iterations=1000, min_seconds=1.0))
    assert len(timed.samples) == 2


def test_warm_up_ends_when_latencies_agree():
    machine = Machine(lambda call, index: [5.0, 2.0, 1.5, 1.0, 1.01, 1.02, 1.0][min(call, 6)])
    samples = warm_up(
        machine, cycle_of(2), limits(warmup_seconds=60.0), clock=machine.clock, progress=ignore
    )
    assert [sample.seconds for sample in samples] == pytest.approx([5.0, 2.0, 1.5, 1.0, 1.01, 1.02])
    assert set(machine.order) == {0}


def test_warm_up_ends_at_its_cap_when_they_never_do():
    machine = Machine(lambda call, index: 1.0 + call % 2)
    samples = warm_up(
        machine, cycle_of(1), limits(warmup_seconds=10.0), clock=machine.clock, progress=ignore
    )
    assert 10.0 <= sum(sample.seconds for sample in samples) < 12.0


def test_figures_are_for_one_batch_and_from_the_same_samples():
    machine = Machine(lambda call, index: (0.5, 1.0)[index])
    cycle = cycle_of(2, size=4, speech_seconds=10.0)
    timed = loop(machine, cycle, limits(min_iterations=20))
    latency = summarise(timed, cycle, load_s=3.0, cold_s=2.0, warmup=(), conditions=QUIET, seed=1)
    assert latency.median_s == pytest.approx(0.75)
    assert (latency.low_s, latency.high_s) == pytest.approx((0.75, 0.75))
    assert latency.audio_s == pytest.approx(40.0)
    assert latency.rtfx == pytest.approx(40.0 / 0.75)
    assert latency.throughput == pytest.approx(4 / 0.75)
    assert latency.tokens == pytest.approx(15.0)
    assert latency.stable, latency.stable_reason


def test_batches_that_differ_are_not_called_unstable():
    steady = [sample(i, i % 2, (0.5, 2.0)[i % 2]) for i in range(20)]
    assert instability(steady) == []


def test_spread_drift_and_a_single_round_are_named():
    wild = [sample(i, 0, 1.0 + (i % 4) * 0.4) for i in range(40)]
    assert any("spread" in reason for reason in instability(wild))
    drifting = [sample(i, 0, 1.0 + 0.01 * i) for i in range(40)]
    assert any("drift" in reason for reason in instability(drifting))
    assert instability([sample(0, 0, 1.0), sample(1, 1, 1.0)]) == [
        "only one round of the batch cycle"
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [({"throttled": "GPU power cap"}, "power cap"), ({"foreign_cpu": 0.4}, "others used 40%")],
)
def test_disturbances_make_it_unstable(change, words):
    machine = Machine(lambda call, index: 0.1)
    timed = loop(machine, cycle_of(1), limits(min_iterations=10))
    latency = summarise(
        timed,
        cycle_of(1),
        load_s=0,
        cold_s=0,
        warmup=(),
        conditions=replace(QUIET, **change),
        seed=1,
    )
    assert not latency.stable
    assert words in latency.stable_reason


def test_the_device_is_synchronised_before_both_clock_reads():
    events: list[str] = []

    class Spy(Machine):
        def synchronize(self) -> None:
            events.append("sync")

        def clock(self) -> float:
            events.append("clock")
            return super().clock()

        def transcribe(self, batch):
            events.append("work")
            return super().transcribe(batch)

    spy = Spy(lambda call, index: 0.1)
    time_once(spy, [np.zeros(1, dtype=np.float32)], spy.clock)
    assert events == ["sync", "clock", "work", "sync", "clock"]


def sample(iteration: int, batch: int, seconds: float) -> Sample:
    return Sample(kind="latency", iteration=iteration, batch=batch, seconds=seconds)
