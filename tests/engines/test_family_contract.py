"""What every family on PyTorch promises, by small checkpoints; one joins by a line of FAMILIES.

Trained models, and the engines that run the same ones, are in `test_contract`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from runner.catalogue.engines import ENGINES
from runner.clips.clip import SAMPLE_RATE, Waveform
from runner.engines.base import Engine
from runner.load import load_engine
from runner.measure.stages import StageClock
from tests.checkpoints import (
    save_canary,
    save_ctc,
    save_granite_speech,
    save_moonshine,
    save_qwen3_asr,
    save_voxtral,
)
from tests.engines.loading import noise, request
from tests.engines.small_whisper import save_whisper
from tests.engines.test_checkpoint_tokenizer import save_tdt
from tests.engines.test_contract import CONTRACTS
from tests.engines.test_nemotron import save_nemotron
from tests.seq2seq_checkpoints import save_cohere_asr, save_moonshine_streaming
from tests.stream_checkpoints import save_kyutai, save_voxtral_realtime


@dataclass(frozen=True)
class Family:
    """How a small checkpoint of a family is made."""

    save: Callable[[Path], Path]
    hears_padding: bool = False
    """Whether transformers lets the padding of a batch into the model: see docs/variants.md."""


FAMILIES = {
    "whisper": Family(save_whisper),
    "moonshine": Family(save_moonshine, hears_padding=True),
    "moonshine-streaming": Family(save_moonshine_streaming, hears_padding=True),
    "cohere-asr": Family(save_cohere_asr),
    "qwen3-asr": Family(save_qwen3_asr),
    "voxtral": Family(save_voxtral),
    "granite-speech": Family(save_granite_speech, hears_padding=True),
    "canary": Family(save_canary),
    "kyutai-stt": Family(save_kyutai),
    "voxtral-realtime": Family(save_voxtral_realtime),
    "ctc": Family(save_ctc, hears_padding=True),
    "transducer": Family(save_tdt),
    "nemotron": Family(save_nemotron),
}
ELSEWHERE = {"pocketsphinx", "http"}
"""Without a checkpoint; their own tests hold them to it."""
STAGES = ("features", "transfer", "encode", "detect", "prefill", "decode", "text")


@pytest.fixture(scope="module", params=FAMILIES)
def name(request: pytest.FixtureRequest) -> str:
    """Each in turn."""
    found: str = request.param
    return found


@pytest.fixture(scope="module")
def folder(name: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return FAMILIES[name].save(tmp_path_factory.mktemp(name))


@pytest.fixture(scope="module")
def engine(name: str, folder: Path) -> Engine:
    found = load(folder)
    assert found.family == name
    return found


@pytest.fixture(scope="module")
def clips() -> list[Waveform]:
    return noise((1.5, 0.6, 1.1))


def load(folder: Path) -> Engine:
    return load_engine(request(str(folder), weights="pretrained"))


def test_no_engine_is_left_out() -> None:
    same_models = {one.engine for one in CONTRACTS if one.engine is not None}
    assert set(ENGINES) == set(FAMILIES) | same_models | ELSEWHERE


def test_lengths_may_be_mixed(name: str, engine: Engine, clips: list[Waveform]) -> None:
    together = engine.transcribe(clips).texts
    assert len(together) == len(clips)
    longest = engine.transcribe(clips[:1]).texts[0]
    if not FAMILIES[name].hears_padding:
        assert together == tuple(engine.transcribe([clip]).texts[0] for clip in clips)
    assert together[0] == longest


def test_a_text_is_the_same_each_time(engine: Engine, clips: list[Waveform]) -> None:
    first = engine.transcribe(clips)
    engine.transcribe(clips[1:2])
    assert engine.transcribe(clips) == first


@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.1])
def test_a_clip_with_next_to_nothing_in_it(
    engine: Engine, clips: list[Waveform], seconds: float
) -> None:
    """Alone, and beside speech, which it must not change."""
    clip = np.zeros(round(seconds * SAMPLE_RATE), np.float32)
    assert len(engine.transcribe([clip]).texts) == 1
    beside = engine.transcribe([clip, clips[0]]).texts
    assert beside[1] == engine.transcribe(clips[:1]).texts[0]


def test_silence_has_a_text_which_is_the_same_each_time(engine: Engine) -> None:
    silence = [np.zeros(2 * SAMPLE_RATE, np.float32)]
    assert engine.transcribe(silence) == engine.transcribe(silence)


def test_more_than_a_window(name: str, engine: Engine) -> None:
    seconds = 20.0 if engine.window_s is None else 1.4 * engine.window_s
    long, short = noise((seconds, 0.5))
    found = engine.transcribe([long, short])
    assert len(found.texts) == 2
    if engine.window_s is not None:
        assert found.windows == 3
    if engine.window_s is not None and not FAMILIES[name].hears_padding:
        size = round(engine.window_s * SAMPLE_RATE)
        parts = [engine.transcribe([part]).texts[0] for part in (long[:size], long[size:])]
        assert found.texts[0].split() == " ".join(parts).split()


def test_two_threads_say_what_one_says(folder: Path, clips: list[Waveform]) -> None:
    texts, before = [], torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            texts.append(load(folder).transcribe(clips).texts)
    finally:
        torch.set_num_threads(before)
    assert texts[0] == texts[1]


def test_every_stage_is_told_from_waveforms_to_texts(engine: Engine, clips: list[Waveform]) -> None:
    clock = StageClock(engine, time.perf_counter)
    clock.start()
    engine.transcribe(clips[:2], clock.mark)
    told = list(clock.seconds)
    assert told == [stage for stage in STAGES if stage in told]
    assert told[:3] == ["features", "transfer", "encode"]
    assert told[-1] == "text"
