"""Batches of utterances at their natural lengths, the last one smaller, in every family."""

from __future__ import annotations

import pytest

from runner.clips.builtin import read_builtin
from runner.config import Variant
from runner.engines.base import Engine
from runner.load import load_engine
from tests.engines.loading import request

SLOW = pytest.mark.e2e
"""One converts its model, the other takes its time to decode."""


pytestmark = pytest.mark.usefixtures("kept_conversions")


@pytest.fixture(scope="module")
def batches():
    """Five utterances by length: batches of two, and one of one."""
    waves = sorted((one.audio for one in read_builtin(5).utterances), key=len, reverse=True)
    assert len({len(wave) for wave in waves}) == 5
    return [waves[:2], waves[2:4], waves[4:]]


def load(name: str, *, engine: str | None = None, **parts) -> Engine:
    variant = Variant.model_validate({"name": "tried", **parts})
    return load_engine(request(name, weights="pretrained", variant=variant, engine=engine))


def heard(engine: Engine, batches) -> tuple[list[str], list[str]]:
    """Texts in batches, and of each utterance alone."""
    together = [text for batch in batches for text in engine.transcribe(batch).texts]
    alone = [engine.transcribe([wave]).texts[0] for batch in batches for wave in batch]
    return together, alone


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("small-whisper", {}),
        ("small-whisper", {"cache": "static"}),
        ("small-whisper", {"beams": 2}),
        ("small-whisper", {"assistant": "self", "draft_tokens": 3}),
        ("small-whisper", {"fallback": True}),
        pytest.param("small-whisper", {"engine": "faster-whisper"}, marks=SLOW),
        pytest.param("small-whisper", {"engine": "faster-whisper", "fallback": True}, marks=SLOW),
        ("small-parakeet-ctc", {}),
        pytest.param("pocketsphinx", {}, marks=SLOW),
    ],
    ids=str,
)
def test_the_text_is_that_of_each_utterance_alone(batches, name, parts):
    together, alone = heard(load(name, **parts), batches)
    assert together == alone
    assert all(together)


@pytest.mark.parametrize("name", ["small-whisper", "small-parakeet-ctc", "small-wav2vec2-ctc"])
def test_int8_copes(batches, name):
    engine = load(name, quantization="int8-dynamic-torch")
    together, alone = heard(engine, batches)
    # PyTorch takes one scale for a whole batch, so a neighbour may change a word.
    assert sum(a == b for a, b in zip(together, alone, strict=True)) >= 3
    assert all(together)


def test_a_model_without_a_mask_hears_padding(batches):
    together, alone = heard(load("small-wav2vec2-ctc"), batches)
    assert together[-1] == alone[-1]
    assert sum(a == b for a, b in zip(together, alone, strict=True)) >= 3


def test_moonshine_hears_each_clip_to_its_own_end(batches):
    """Random weights, the same tokens for a short clip as for a long one: the first of them."""
    engine = load_engine(request("UsefulSensors/moonshine-tiny"))
    together = [engine.transcribe(batch) for batch in batches]
    assert [len(one.texts) for one in together] == [2, 2, 1]
    with engine.shortened(4):
        texts, alone = heard(engine, batches)
    assert texts == alone
