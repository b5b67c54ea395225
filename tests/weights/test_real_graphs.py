"""Real weights on real speech: exported graphs hear what transformers hears, word for word."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.config import ENGLISH
from runner.measure.normalisers import normalise
from tests.weights.whisper import QUICK_MODELS, few, load, transcribe

SAME = 0.98
"""Share of the utterances whose words must be the same. Others have two tokens that are as likely
as each other but for rounding."""


@pytest.mark.e2e
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", QUICK_MODELS)
def test_the_words_are_those_of_transformers(
    real_weights: Path,
    real_speech: Path,
    name: str,
    conversions: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for library in ("onnxruntime", "openvino"):
        pytest.importorskip(library)
    monkeypatch.setenv("ASRPROF_CACHE", str(conversions))
    utterances = few(real_speech)
    folder = real_weights / name
    expected = [one.hypothesis for one in transcribe(load(folder), utterances)]
    for engine in ("onnx", "openvino"):
        heard = transcribe(load(folder, engine=engine), utterances)
        different = [
            (one.clip_id, one.hypothesis, theirs)
            for one, theirs in zip(heard, expected, strict=True)
            if normalise(one.hypothesis, ENGLISH) != normalise(theirs, ENGLISH)
        ]
        assert len(heard) >= 25
        assert len(different) <= (1 - SAME) * len(heard), (engine, different)
