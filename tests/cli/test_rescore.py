"""`asrprof rescore`: the same texts under another normaliser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from runner.measure.normalisers import NORMALISERS, normalise
from runner.measure.quality import Transcribed, score
from store import Result, Store
from store.records import Weights
from store.word_records import QualityOf
from tests.cli.conftest import Ran
from tests.report.synthetic import Grid, results_of

REFERENCES = ["Doctor Smith paid twenty-five dollars.", "It's colour, isn't it?"]
HYPOTHESES = ["dr smith paid $25", "its color isn't it"]
HEARD = [
    Transcribed(
        clip_id=clip_id,
        reference=reference,
        hypothesis=hypothesis,
        audio_seconds=seconds,
        speaker=f"speaker {clip_id}",
        recording="chapter",
        at_limit=clip_id == "b",
        seconds=seconds / 8,
    )
    for clip_id, reference, hypothesis, seconds in zip(
        "ab", REFERENCES, HYPOTHESES, (2.0, 1.0), strict=True
    )
]


def result(
    weights: Weights = "pretrained", key: str = "key", of: QualityOf = "utterances"
) -> Result:
    quality, transcripts = score(
        HEARD, seed=1, normaliser="whisper-normalizer/english", of=of, batch_size=2, beyond_window=0
    )
    first = next(results_of(Grid(clips=1)))
    return replace(
        first, quality=quality, quality_key=key, transcripts=transcripts, weights=weights
    )


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("asrprof/english-1", "Twenty-five colours, isn't it?", "2 5 colors is not it"),
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
    assert "name a normaliser: asrprof/english-2 (" in ran.err
    assert ran.err.count("\n") == 1


def test_results_that_share_their_texts_are_one_line_and_change_together(
    asrprof: Callable[..., Ran], store_with: Callable[..., Path]
) -> None:
    path = store_with(
        result(),
        replace(result(), batch_size=8, transcripts=()),
        replace(result(key="other", of="packed clips"), model="org/another"),
    )
    ran = asrprof("rescore", "none", "--store", str(path), "--write", columns=120)
    assert (ran.code, ran.err) == (0, "")
    lines = [line for line in ran.out.splitlines() if " cpu " in line]
    assert len(lines) == 2
    # "it is" for "its": two of ten words.
    assert lines[0].split()[3:5] == ["2", "20.0"]
    assert "another cpu" in lines[1] and "packed clips of " in lines[1]
    assert "3 results of" in ran.out
    with Store.open(path, readonly=True) as store:
        first, second, third = (store.result(number).result for number in (1, 2, 3))
    assert first.quality == second.quality
    assert first.quality is not None and third.quality is not None
    assert (first.quality.normaliser, first.quality.of) == ("none", "utterances")
    assert (first.quality.batch_size, first.quality.beyond_window) == (2, 0)
    assert (third.quality.normaliser, third.quality.of) == ("none", "packed clips")
    assert first.transcripts == second.transcripts
    for before, after in zip(HEARD, first.transcripts, strict=True):
        assert (after.speaker, after.recording) == (before.speaker, before.recording)
        assert (after.at_limit, after.seconds) == (before.at_limit, before.seconds)
    # What the loops are does not depend on the normaliser, their share of the errors does.
    assert (first.quality.loops, first.quality.loops_time_share) == (1, 1 / 3)
