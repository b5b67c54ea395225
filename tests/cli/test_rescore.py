"""`asrprof rescore`: the same texts under another normaliser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from runner.measure.normalisers import NORMALISERS, normalise
from runner.measure.quality import score
from store import Result, Store
from tests.cli.conftest import Ran
from tests.report.synthetic import Grid, results_of

REFERENCES = ["Doctor Smith paid twenty-five dollars.", "It's colour, isn't it?"]
HYPOTHESES = ["dr smith paid $25", "its color isn't it"]


def result(weights: str = "pretrained", references: list[str] = REFERENCES) -> Result:
    quality, transcripts = score(references, HYPOTHESES, ["a", "b"], [2.0, 1.0], seed=1)
    first = next(results_of(Grid(clips=1)))
    return replace(first, quality=quality, transcripts=transcripts, weights=weights)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("whisper-normalizer/english", "Twenty-five colours, isn't it?", "25 colors is not it"),
        ("whisper-normalizer/basic", "Grün, isn't it?", "grün isn t it"),
        ("words", "Isn't “it” O\u2019Neill's 'odd'?", "isn't it o'neill's odd"),
        ("none", "  As   Written. ", "As Written."),
    ],
)
def test_each_normaliser_does_what_it_says(name: str, text: str, expected: str) -> None:
    assert normalise(text, name) == expected
    assert NORMALISERS[name].version()


def test_other_words_are_counted_and_nothing_is_stored(
    asrprof: Callable[..., Ran], store_with: Callable[..., Path]
) -> None:
    path = store_with(result())
    ran = asrprof("rescore", "words", "--store", str(path))
    assert (ran.code, ran.err) == (0, "")
    # doctor/dr, twenty/25, five, dollars; it's/its, colour/color: six of ten words.
    assert "60.0" in ran.out
    assert "stored: whisper-normalizer/english" in ran.out
    with Store.open(path, readonly=True) as store:
        assert store.result(1).result == replace(result(), case_key="case-0")


def test_written_error_rates_can_be_had_back(
    asrprof: Callable[..., Ran], store_with: Callable[..., Path]
) -> None:
    path = store_with(result())
    assert asrprof("rescore", "none", "--store", str(path), "--write").code == 0
    with Store.open(path, readonly=True) as store:
        changed = store.result(1).result
    assert changed.quality is not None and changed.quality.normaliser == "none"
    assert changed.quality.wer is not None
    assert sum(clip.hits or 0 for clip in changed.transcripts) == changed.quality.hits
    assert [clip.hypothesis for clip in changed.transcripts] == HYPOTHESES
    assert (
        asrprof("rescore", "whisper-normalizer/english", "--store", str(path), "--write").code == 0
    )
    with Store.open(path, readonly=True) as store:
        assert replace(store.result(1).result, seed=42) == replace(
            result(), case_key="case-0", quality=store.result(1).result.quality
        )


def test_random_weights_are_left_out(
    asrprof: Callable[..., Ran], store_with: Callable[..., Path]
) -> None:
    path = store_with(result("random"))
    ran = asrprof("rescore", "words", "--store", str(path))
    assert (ran.code, ran.out) == (2, "")
    assert "no transcripts to score" in ran.err


@pytest.mark.parametrize("arguments", [(), ("swedish",)])
def test_a_normaliser_must_be_known(
    asrprof: Callable[..., Ran], arguments: tuple[str, ...]
) -> None:
    ran = asrprof("rescore", *arguments)
    assert ran.code == 2
    assert "name a normaliser: whisper-normalizer/english (" in ran.err
    assert ran.err.count("\n") == 1
