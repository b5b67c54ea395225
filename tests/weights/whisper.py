"""What the tests with real weights share: the utterances, and Whisper in plain code."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from transformers import WhisperForConditionalGeneration, WhisperProcessor

from runner.clips.clip import SAMPLE_RATE, Clip, Waveform
from runner.clips.folder import read_folder
from runner.engines.base import Engine
from runner.load import load_engine
from runner.measure.quality import Transcribed
from runner.measure.utterances import transcribe_utterances
from tests.engines.loading import request

MODELS = ("whisper-tiny.en", "whisper-base")
ALL = bool(os.environ.get("ASRPROF_TEST_ALL_WEIGHTS"))
"""Whether there is an hour for more models, utterances and formats."""
QUICK_MODELS = MODELS if ALL else MODELS[:1]
"""For tests of several engines or conditions, which take whisper-base a quarter of an hour."""

LONGEST_S = 13.7
"""Utterances up to here, without single digits, are what error rates are taken of."""
WINDOW = 30 * SAMPLE_RATE


def spoken(folder: Path) -> list[Clip]:
    """Every utterance of a folder by itself."""
    return [one.alone() for one in read_folder(folder).utterances]


def few(folder: Path) -> list[Clip]:
    """Those of one window and more than a word; with ``ALL`` also long ones and some digits."""
    others = tuple(f"fsdd-{digit}-{name}" for digit in range(10) for name in ("nicolas", "theo"))
    found = [one for one in spoken(folder) if not one.id.startswith(others)]
    return found if ALL else [one for one in found if is_short(one)]


def is_short(utterance: Clip) -> bool:
    """Whether an utterance is one that error rates are taken of."""
    return 1.0 <= utterance.seconds <= LONGEST_S


def load(folder: Path, **changes: object) -> Engine:
    """asrprof's engine of a checkpoint."""
    return load_engine(request(str(folder), weights="pretrained", **changes))


def transcribe(engine: Engine, utterances: Sequence[Clip]) -> tuple[Transcribed, ...]:
    """What an engine makes of each utterance by itself."""
    clock = time.perf_counter
    return transcribe_utterances(engine, utterances, 1, clock=clock, progress=lambda _: None)


class PlainWhisper:
    """What a person would write who has never heard of asrprof."""

    def __init__(self, folder: Path) -> None:
        self.processor = WhisperProcessor.from_pretrained(folder)
        self.model = WhisperForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)
        multilingual = self.model.generation_config.is_multilingual
        self.options = {"language": "en", "task": "transcribe"} if multilingual else {}

    def transcribe(self, wave: Waveform) -> str:
        """The text of an utterance; of a long one window by window, as asrprof documents it."""
        starts = range(0, len(wave), WINDOW)
        return " ".join(self._window(wave[start : start + WINDOW]) for start in starts)

    def _window(self, wave: Waveform) -> str:
        inputs = self.processor(wave, sampling_rate=SAMPLE_RATE, return_tensors="pt")
        ids = self.model.generate(inputs.input_features, **self.options)
        (text,) = self.processor.batch_decode(ids, skip_special_tokens=True)
        return str(text).strip()


@contextmanager
def threads(count: int) -> Iterator[None]:
    """PyTorch on so many threads: the slow suite runs one test at a time."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
