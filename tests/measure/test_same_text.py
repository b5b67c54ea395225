"""Same text as the baseline: who promises it, over which clips it is counted, what is said."""

from __future__ import annotations

import pytest

from runner.config import Variant
from runner.measure.same_text import compare_texts, hear, promises_same_text


def variant(**parts) -> Variant:
    return Variant(name="v", **parts)


@pytest.mark.parametrize(
    ("ours", "theirs", "promised"),
    [
        ({"cache": "off"}, {}, True),
        ({"attention": "eager", "compile": "default"}, {}, True),
        ({"assistant": "self", "draft_tokens": 3}, {"assistant": "self"}, True),
        ({"precision": "fp16"}, {}, False),
        ({"quantization": "int8-dynamic"}, {}, False),
        ({"beams": 5}, {}, False),
        ({"chunk_seconds": 2.0}, {}, False),
        ({"batching": "sorted"}, {"batching": "mixed"}, False),
        ({"cache": "off", "precision": "fp16"}, {}, False),
        # What both have in common changes neither's text; what the baseline alone has counts.
        ({"cache": "off", "precision": "fp16"}, {"precision": "fp16"}, True),
        ({"cache": "off"}, {"beams": 5}, False),
        ({"precision": "fp16", "autocast": True}, {"precision": "fp16"}, False),
    ],
)
def test_a_promise_is_that_of_all_that_differs(ours, theirs, promised):
    assert promises_same_text(variant(**ours), variant(**theirs)) is promised


def test_texts_are_compared_clip_by_clip():
    found = compare_texts({"a": "one", "b": "two", "c": ""}, {"c": "", "b": "too", "a": "one"})
    assert (found.clips, found.same) == (3, 2)


def test_every_clip_is_heard_once_in_batches(fake_clips, echo):
    shares: list[float] = []
    heard = hear(echo, fake_clips, 2, by_length=True, progress=shares.append)
    assert heard == {clip.id: str(len(clip.audio)) for clip in fake_clips}
    assert echo.batches == [[9, 7], [5]]
    assert shares == [pytest.approx(2 / 3), 1.0]


@pytest.fixture
def fake_clips():
    import numpy as np

    from runner.clips.clip import Clip

    return tuple(
        Clip(
            id=f"c{size}",
            audio=np.zeros(size, dtype=np.float32),
            reference="a",
            utterance_ids=("u",),
            speech_seconds=float(size),
        )
        for size in (7, 5, 9)
    )


@pytest.fixture
def echo():
    from runner.engines.base import Transcription

    class Echo:
        def __init__(self) -> None:
            self.batches: list[list[int]] = []

        def transcribe(self, batch):
            self.batches.append([len(audio) for audio in batch])
            return Transcription(texts=tuple(str(len(audio)) for audio in batch))

    return Echo()
