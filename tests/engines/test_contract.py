"""What every engine promises, whatever runs beneath it. One joins by a line of CONTRACTS."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
import torch

from runner.catalogue.engines import ENGINES, installed
from runner.catalogue.variants import VARIANTS
from runner.clips.builtin import read_builtin
from runner.clips.clip import SAMPLE_RATE, Waveform
from runner.config import Variant
from runner.engines.base import Engine
from runner.engines.working_threads import WorkingThreads
from runner.load import load_engine
from runner.measure.stages import StageClock
from tests.engines.loading import request

pytestmark = pytest.mark.e2e


@dataclass(frozen=True)
class Contract:
    """An engine with a model of its own kind."""

    model: str
    engine: str | None = None
    """None: the model's own, on PyTorch, whose texts the others must give."""
    variant: str = "fp32"
    pads_alike: bool = True
    """Whether a clip shorter than a window is padded as the model's own engine pads it."""


CONTRACTS = (
    Contract("small-whisper"),
    Contract("small-whisper", "faster-whisper", pads_alike=False),
    Contract("small-whisper", "onnx"),
    Contract("small-whisper", "openvino"),
    Contract("small-whisper", "whisper-cpp", variant="fp16"),
    Contract("small-parakeet-ctc"),
    Contract("small-parakeet-ctc", "onnx"),
    Contract("small-parakeet-ctc", "openvino"),
)

STAGES = ["features", "transfer", "encode", "detect", "prefill", "decode", "text"]


@pytest.fixture(scope="module", autouse=True)
def kept(kept_conversions: None) -> Iterator[None]:
    """Conversions are kept, engines for as long as this file runs."""
    yield
    loaded.cache_clear()


@pytest.fixture(params=CONTRACTS, ids=lambda one: f"{one.model}-{one.engine or 'own'}")
def contract(request: pytest.FixtureRequest) -> Contract:
    """Each in turn; skips one that is not installed."""
    one: Contract = request.param
    if one.engine is not None and installed(ENGINES[one.engine]) is None:
        pytest.skip(f"{one.engine} is not installed")
    return one


@cache
def loaded(model: str, name: str | None, variant: str = "fp32") -> Engine:
    """One engine for all tests: a conversion takes its time."""
    return load(model, name, variant)


def load(model: str, name: str | None, variant: str) -> Engine:
    asked = Variant.model_validate({"name": variant, **VARIANTS[variant]})
    return load_engine(request(model, weights="pretrained", engine=name, variant=asked))


@pytest.fixture
def engine(contract: Contract) -> Engine:
    return loaded(contract.model, contract.engine, contract.variant)


@pytest.fixture(scope="module")
def speech() -> list[Waveform]:
    """Eight utterances of different lengths, up to five seconds."""
    waves = [one.audio for one in read_builtin(8).utterances]
    assert len({len(wave) for wave in waves}) == 8
    return waves


def seconds_of(waves: Sequence[Waveform], seconds: float) -> Waveform:
    """Speech of a given length."""
    joined = np.concatenate(list(waves) * 4)
    return joined[: round(seconds * SAMPLE_RATE)]


def test_it_says_what_the_models_own_engine_says(
    contract: Contract, engine: Engine, speech: list[Waveform]
) -> None:
    clips = speech if contract.pads_alike else [seconds_of(speech[i:], 15) for i in range(3)]
    own = loaded(contract.model, None)
    found, expected = engine.transcribe(clips), own.transcribe(clips)
    assert found.texts == expected.texts
    assert all(found.texts)
    assert (found.windows, found.tokens) == (expected.windows, expected.tokens)
    assert found.input_samples == expected.input_samples
    assert engine.parameters == own.parameters
    assert engine.window_s == own.window_s


def test_lengths_may_be_mixed(engine: Engine, speech: list[Waveform]) -> None:
    together = engine.transcribe(speech).texts
    assert together == tuple(engine.transcribe([wave]).texts[0] for wave in speech)


def test_a_text_is_the_same_each_time(engine: Engine, speech: list[Waveform]) -> None:
    first = engine.transcribe(speech[:2])
    engine.transcribe(speech[2:3])
    assert engine.transcribe(speech[:2]) == first


@pytest.mark.parametrize("seconds", [0.0, 0.1])
def test_a_clip_with_next_to_nothing_in_it(
    engine: Engine, speech: list[Waveform], seconds: float
) -> None:
    """Alone and beside speech, which it must not change."""
    clip = np.zeros(round(seconds * SAMPLE_RATE), dtype=np.float32)
    (alone,) = engine.transcribe([clip]).texts
    beside, spoken = engine.transcribe([clip, speech[0]]).texts
    assert alone == beside
    assert spoken == engine.transcribe([speech[0]]).texts[0]


def test_silence_is_what_the_own_engine_makes_of_it(contract: Contract, engine: Engine) -> None:
    silence = [np.zeros(15 * SAMPLE_RATE, dtype=np.float32)]
    assert (
        engine.transcribe(silence).texts == loaded(contract.model, None).transcribe(silence).texts
    )


def test_more_than_a_window(contract: Contract, engine: Engine, speech: list[Waveform]) -> None:
    long = seconds_of(speech, 37)
    found = engine.transcribe([long, speech[0]])
    if engine.window_s is None:
        assert found.windows == 2
        assert len(found.texts[0].split()) > 40
        return
    size = round(engine.window_s * SAMPLE_RATE)
    windows = [long[start : start + size] for start in range(0, len(long), size)]
    assert found.windows == len(windows) + 1
    expected = " ".join(engine.transcribe([window]).texts[0].strip() for window in windows)
    assert found.texts[0] == expected


def test_two_threads_compute_and_say_the_same(contract: Contract, speech: list[Waveform]) -> None:
    texts, before = [], torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            engine = load(contract.model, contract.engine, contract.variant)
            engine.transcribe(speech[:1])
            with WorkingThreads() as working:
                texts.append(engine.transcribe(speech).texts)
            # The front end is PyTorch's, whose threads are others than those of the graphs.
            assert ((working.count or threads) > 1) == (threads > 1)
    finally:
        torch.set_num_threads(before)
    assert texts[0] == texts[1]


@pytest.mark.timed
def test_the_timed_region_is_the_same(engine: Engine, speech: list[Waveform]) -> None:
    """From waveforms to texts, every stage of it told once, in order."""
    clock = StageClock(engine, time.perf_counter)
    clock.start()
    began = time.perf_counter()
    engine.transcribe(speech[:2], clock.mark)
    took = time.perf_counter() - began
    told = list(clock.seconds)
    assert told == [stage for stage in STAGES if stage in told]
    assert told[:3] == ["features", "transfer", "encode"]
    assert told[-1] == "text"
    assert sum(clock.seconds.values()) == pytest.approx(took, rel=0.05)
