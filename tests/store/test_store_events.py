"""Events: which are read, and what they say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from store import (
    CaseSize,
    Detail,
    Event,
    EventKind,
    LoadGauge,
    ProgressNote,
    Store,
    detail_json,
)

AT = "2026-01-31T12:00:00+00:00"
GAUGE = LoadGauge(level="8 at once", requests_per_s=3.5, in_flight=8, p95_s=2.25, errors=1)


def test_events_after_an_id(store: Store, job_id: int) -> None:
    ids = [
        store.add_event(job_id, Event(kind="remark", at=AT, message=str(number)))
        for number in range(5)
    ]
    assert [event.message for event in store.events(job_id, after=ids[2])] == ["3", "4"]
    assert [event.id for event in store.events(job_id, last=2)] == ids[3:]
    assert [event.id for event in store.events(job_id, after=ids[3], last=2)] == ids[4:]


def test_events_without_progress(store: Store, job_id: int) -> None:
    kinds: tuple[EventKind, ...]
    kinds = ("job-started", "case-started", "case-progress", "case-progress")
    for kind in kinds:
        store.add_event(job_id, Event(kind=kind, at=AT))
    assert [event.kind for event in store.events(job_id)] == list(kinds)
    found = store.events(job_id, progress=False, last=3)
    assert [event.kind for event in found] == ["job-started", "case-started"]


@pytest.mark.parametrize(
    ("kind", "detail"),
    [
        ("case-started", CaseSize(audio_seconds=30.0, batch_size=4)),
        ("case-started", CaseSize(audio_seconds=0.1, batch_size=None)),
        ("case-progress", ProgressNote(what="warm-up", share=0.25, latencies_s=(0.5, 1.0))),
        ("case-progress", ProgressNote(what="energy", share=1.0, latencies_s=())),
        ("case-progress", ProgressNote(what="load", share=0.5, latencies_s=(), load=GAUGE)),
        (
            "case-progress",
            ProgressNote(what="load", share=0, latencies_s=(), load=replace(GAUGE, p95_s=None)),
        ),
    ],
)
def test_a_detail_comes_back_equal(
    store: Store, job_id: int, kind: EventKind, detail: Detail
) -> None:
    store.add_event(job_id, Event(kind=kind, at=AT, data=detail_json(detail)))
    (event,) = store.events(job_id)
    assert event.detail == detail


def test_progress_of_an_asrprof_without_gauges_is_read(store: Store, job_id: int) -> None:
    data = '{"what": "load: 4 at once: 2/s", "share": 0.5, "latencies_s": [1.5]}'
    store.add_event(job_id, Event(kind="case-progress", at=AT, data=data))
    assert store.events(job_id)[0].detail == ProgressNote(
        what="load: 4 at once: 2/s", share=0.5, latencies_s=(1.5,), load=None
    )


@pytest.mark.parametrize("kind", ["case-started", "case-progress", "remark"])
@pytest.mark.parametrize("data", [None, "", "[]", "{}", '{"what": 1}', "7", "{not json"])
def test_what_is_no_detail_is_none(
    store: Store, job_id: int, kind: EventKind, data: str | None
) -> None:
    store.add_event(job_id, Event(kind=kind, at=AT, data=data))
    assert store.events(job_id)[0].detail is None
