"""What a session that goes on with a job reads of its earlier attempts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from runner.dispatch.container import ticket_of
from runner.ledger import StoreLedger
from runner.spool import SpoolLedger
from runner.taken import TakenQuality
from store import JobRequest, Quality, Store, Transcript
from tests.cli.records import result


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store with a job."""
    with Store.open(tmp_path / "s.db") as opened:
        benchmark = opened.add_benchmark("b", '{"name": "b"}')
        opened.queue.add(benchmark, JobRequest(target="docker-cpu"), cases_total=9)
        yield opened


def text(clip_id: str, hypothesis: str) -> Transcript:
    return Transcript(
        clip_id=clip_id,
        audio_seconds=1.0,
        reference="one",
        hypothesis=hypothesis,
        substitutions=0,
        deletions=0,
        insertions=0,
        hits=1,
    )


JUDGED = replace(Quality.unjudged("utterances", "", 2), wer=0.25, reason=None)
RANDOM = Quality.unjudged("utterances", "random weights")
TEXTS = (text("u-2", "two"), text("u-1", ""))


def write(store: Store, key: str, quality: Quality | None, texts: tuple[Transcript, ...]) -> None:
    store.write_result(
        1,
        result(
            case_key=f"case {key}",
            quality=quality,
            quality_key=key,
            transcripts=texts,
            clips_fingerprint="f00d",
        ),
    )


def test_what_was_taken_is_not_taken_again(store: Store, tmp_path: Path) -> None:
    write(store, "judged", JUDGED, TEXTS)
    write(store, "random", RANDOM, ())
    write(store, "packed", replace(JUDGED, of="packed clips"), TEXTS)
    write(store, "empty", replace(JUDGED, wer=None), ())
    write(store, "none", None, ())
    expected = {
        "judged": TakenQuality(JUDGED, (("u-2", "two"), ("u-1", ""))),
        "random": TakenQuality(RANDOM, ()),
    }
    ledger = StoreLedger(store, 1)
    assert ledger.taken() == expected
    assert ledger.speech() == {5.0: "f00d"}
    ticket = ticket_of(store, store.job(1))
    elsewhere = SpoolLedger(tmp_path, ticket)
    assert (elsewhere.taken(), elsewhere.speech()) == (ledger.taken(), ledger.speech())


def test_another_job_has_taken_nothing(store: Store) -> None:
    write(store, "judged", JUDGED, TEXTS)
    (benchmark,) = store.benchmarks()
    other = store.queue.add(benchmark.id, JobRequest(target="docker-cpu"), cases_total=9)
    assert StoreLedger(store, other).taken() == {}
    assert ticket_of(store, store.job(other)).taken == ()
