"""Speech and engines for the tests of variants: the small trained models, in and out of order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pytest

from runner.clips.builtin import read_builtin
from runner.clips.clip import Waveform
from runner.config import Variant
from runner.engines.torch_engine import TorchEngine
from runner.load import load_engine
from tests.engines.loading import request

Load = Callable[..., TorchEngine]


@pytest.fixture(scope="session")
def speech() -> Sequence[Waveform]:
    """Eight utterances of the built-in speech, padded to one length."""
    waves = [utterance.audio for utterance in read_builtin(8).utterances]
    longest = max(map(len, waves))
    return [np.pad(wave, (0, longest - len(wave))) for wave in waves]


@pytest.fixture(scope="session")
def load_on() -> Load:
    """Loads a model on a device under a variant with the given parts."""

    def make(device: str, name: str, *, weights: str = "pretrained", **parts: Any) -> TorchEngine:
        variant = Variant.model_validate({"name": "tried", **parts})
        engine = load_engine(request(name, weights=weights, variant=variant, device=device))
        assert isinstance(engine, TorchEngine)
        return engine

    return make


@pytest.fixture(scope="session")
def load(load_on: Load) -> Load:
    """Loads a small trained model on the CPU under a variant with the given parts."""
    return partial(load_on, "cpu")


@pytest.fixture(scope="session")
def baseline(load: Load, speech: Sequence[Waveform]) -> Callable[[str], tuple[str, ...]]:
    """What a small model makes of the speech in plain fp32."""
    texts: dict[str, tuple[str, ...]] = {}

    def of(name: str) -> tuple[str, ...]:
        if name not in texts:
            texts[name] = load(name).transcribe(speech).texts
        return texts[name]

    return of
