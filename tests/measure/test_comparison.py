"""Two interleaved engines: whose turn it is, and what the ratio and its interval say."""

from __future__ import annotations

import numpy as np
import pytest

from runner.clips.clip import Clip
from runner.clips.sound import Held
from runner.engines.base import Engine, Transcription
from runner.measure.comparison import BASELINE, VARIANT, compare
from runner.measure.latency import Cycle


class Machine:
    """A clock, and a machine that slows down as time goes by."""

    def __init__(self) -> None:
        self.now = 0.0
        self.turns: list[str] = []

    def __call__(self) -> float:
        return self.now


class Fake(Engine):
    """An engine that takes a stated time."""

    family = "fake"

    def __init__(self, machine: Machine, name: str, seconds: float, text: str) -> None:
        self.machine, self.name, self.seconds, self.text = machine, name, seconds, text

    def transcribe(self, batch, mark=None):
        self.machine.turns.append(self.name)
        self.machine.now += self.seconds * len(batch) * (1 + self.machine.now / 20)
        return Transcription(texts=(self.text,) * len(batch))

    def synchronize(self):
        pass

    def flops(self, **_):
        return ()


def cycle(make_clip) -> Cycle:
    return Cycle(((make_clip(), make_clip()), (make_clip(), make_clip())))


@pytest.fixture
def clips():
    def make() -> Clip:
        return Clip(
            id="c",
            sound=Held(np.zeros(16, dtype=np.float32)),
            reference="a",
            utterance_ids=("u",),
            speech_seconds=1.0,
        )

    return cycle(make)


def test_a_machine_that_slows_down_does_not_touch_the_ratio(clips):
    machine = Machine()
    slow, quick = Fake(machine, "base", 0.3, "a"), Fake(machine, "new", 0.1, "a")
    found, samples = compare(
        slow, quick, clips, 8, name="fp32", clock=machine, progress=lambda *_: None
    )
    assert found.speedup == pytest.approx(3, rel=0.03)
    assert found.speedup_low <= found.speedup <= found.speedup_high
    assert found.speedup_high / found.speedup_low < 1.05
    latencies = [s.seconds for s in samples if s.kind == BASELINE]
    assert max(latencies) > 1.2 * min(latencies), "the machine did slow down"
    assert (found.clips, found.same_text, found.rounds) == (4, 4, 8)


def test_they_take_turns_and_neither_is_always_first(clips):
    machine = Machine()
    engines = Fake(machine, "base", 0.1, "a"), Fake(machine, "new", 0.1, "b")
    found, samples = compare(*engines, clips, 4, name="x", clock=machine, progress=lambda *_: None)
    firsts = [samples[i].kind for i in range(0, len(samples), 2)]
    assert firsts.count(BASELINE) == firsts.count(VARIANT) == 4
    for first, second in zip(samples[::2], samples[1::2], strict=True):
        assert {first.kind, second.kind} == {BASELINE, VARIANT}
        assert (first.batch, first.iteration) == (second.batch, second.iteration)
    assert found.same_text == 0
    assert machine.turns[:4] == ["base"] * 4, "both are warm before the first round"


@pytest.mark.parametrize(("precision", "rounds"), [(0.5, 4), (1e-9, 8), (None, 8)])
def test_a_precise_ratio_ends_it_early(clips, precision, rounds):
    machine = Machine()
    engines = Fake(machine, "base", 0.3, "a"), Fake(machine, "new", 0.1, "a")
    found, samples = compare(
        *engines,
        clips,
        8,
        name="x",
        clock=machine,
        progress=lambda *_: None,
        precision=precision,
    )
    assert found.rounds == rounds
    assert len(samples) == 2 * 2 * rounds
