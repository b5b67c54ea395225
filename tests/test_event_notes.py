"""What of a session's events lies in the store; how far a case is, while it runs and no longer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from runner.event_notes import EventNotes
from runner.events import (
    CaseFinished,
    CaseProgress,
    CaseRemark,
    CaseStarted,
    ClipsProgress,
    JobFinished,
    JobRemark,
    JobStarted,
)
from store import CaseSize, Event, LoadGauge, ProgressNote, Store, process_owner
from tests.cli.records import case, failed, result

CASE = case()


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "asrprof.db") as opened:
        opened.start_job(
            opened.add_benchmark("b", "{}"),
            target="local",
            cases_total=2,
            owner=process_owner(),
            lease_s=60,
        )
        yield opened


def writer(store: Store) -> Callable[[Event], None]:
    def write(event: Event) -> None:
        store.add_event(1, event)

    return write


def notes(store: Store) -> list[ProgressNote]:
    return [e.detail for e in store.events(1) if isinstance(e.detail, ProgressNote)]


def test_every_event_of_a_session_is_noted_once(store: Store) -> None:
    tell = EventNotes(writer(store), Clock())
    largest = case(batch_size="max")
    for event in (
        ClipsProgress("clips", 0.5),
        JobStarted(1, "b", cases=3, pending=2, store="asrprof.db"),
        JobRemark("two speakers"),
        CaseStarted(CASE, 0),
        CaseRemark(CASE, "no counter"),
        CaseProgress(CASE, "latency", 0.5, 0.25),
        CaseFinished(CASE, 0, result()),
        CaseStarted(largest, 1),
        CaseFinished(largest, 1, failed()),
        JobFinished(1, "done", None, ok=1, failed=1, wall_s=9.0),
    ):
        tell(event)
    assert [(e.kind, e.case_key, e.message, e.detail) for e in store.events(1)] == [
        ("job-started", None, "2 of 3 cases", None),
        ("remark", None, "two speakers", None),
        ("case-started", CASE.key, CASE.title, CaseSize(audio_seconds=5.0, batch_size=1)),
        ("remark", CASE.key, "no counter", None),
        (
            *("case-progress", CASE.key, None),
            ProgressNote(what="latency", share=0.5, latencies_s=(0.25,)),
        ),
        ("case-finished", CASE.key, "ok", None),
        ("case-started", largest.key, largest.title, CaseSize(audio_seconds=5.0, batch_size=None)),
        ("case-finished", largest.key, failed().reason, None),
        ("job-finished", None, "done", None),
    ]


def test_a_job_that_fails_says_why(store: Store) -> None:
    EventNotes(writer(store))(JobFinished(1, "failed", "no disk", 0, 0, 0.0))
    assert store.events(1)[0].message == "no disk"


def test_a_note_a_second_carries_every_latency_since_the_last(store: Store) -> None:
    clock = Clock()
    tell = EventNotes(writer(store), clock)
    for step in range(20):
        tell(CaseProgress(CASE, "latency", step / 100, latency_s=float(step)))
        clock.now += 0.125
    assert [note.latencies_s for note in notes(store)] == [
        (0.0,),
        tuple(float(n) for n in range(1, 9)),
        tuple(float(n) for n in range(9, 17)),
    ]


def test_a_note_a_second_carries_how_the_load_goes_just_then(store: Store) -> None:
    clock = Clock()
    tell = EventNotes(writer(store), clock)
    for step in range(20):
        gauge = LoadGauge(
            level="2 a second", requests_per_s=2.0, in_flight=step, p95_s=None, errors=0
        )
        tell(CaseProgress(CASE, "load: 2 a second", step / 20, load=gauge))
        clock.now += 0.25
    found = [note.load.in_flight for note in notes(store) if note.load is not None]
    assert found == [0, 4, 8, 12, 16]


def test_another_pass_is_noted_at_once(store: Store) -> None:
    tell = EventNotes(writer(store), Clock())
    for what in ("loading", "warm-up", "warm-up", "energy"):
        tell(CaseProgress(CASE, what, 0.5))
    assert [note.what for note in notes(store)] == ["loading", "warm-up", "energy"]


def test_another_case_is_noted_at_once_without_latencies_of_the_last(store: Store) -> None:
    tell = EventNotes(writer(store), Clock())
    tell(CaseProgress(CASE, "latency", 0.5))
    tell(CaseProgress(CASE, "latency", 0.6, 0.25))
    tell(CaseStarted(case(device="cuda"), 1))
    tell(CaseProgress(case(device="cuda"), "latency", 0.1, 0.75))
    assert [note.latencies_s for note in notes(store)] == [(), (0.75,)]


@pytest.mark.parametrize("end", ["row", "job"])
def test_notes_go_with_the_row_or_the_job(store: Store, end: str) -> None:
    EventNotes(writer(store), Clock())(CaseProgress(CASE, "energy", 0.5))
    assert len(notes(store)) == 1
    if end == "row":
        store.write_result(1, failed(case_key=CASE.key))
    else:
        store.finish_job(1, "cancelled")
    assert notes(store) == []
