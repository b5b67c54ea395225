"""Same text as the baseline: who promises it, how it is counted."""

from __future__ import annotations

import pytest

from runner.config import Variant
from runner.measure.same_text import compare_texts
from runner.variants.techniques import promises_same_text


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


def test_texts_are_compared_utterance_by_utterance():
    found = compare_texts({"a": "one", "b": "two", "c": ""}, {"c": "", "b": "too", "a": "one"})
    assert (found.utterances, found.same) == (3, 2)
