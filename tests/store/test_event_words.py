"""What an event says, with its case."""

from __future__ import annotations

from store import EventKind, EventRow, event_words


def event(kind: EventKind, key: str | None, message: str | None) -> EventRow:
    return EventRow(
        id=1, job_id=1, case_key=key, kind=kind, at="2026-03-14", message=message, data=None
    )


def test_an_event_names_its_case() -> None:
    begun = event("case-started", "k1", "whisper-tiny cpu fp32 5 s x 1")
    other = event("case-started", "k2", "small-whisper cpu fp32 5 s x 1")
    ended = event("case-finished", "k1", "ok")
    assert event_words(ended, [other, begun, ended]) == "whisper-tiny cpu fp32 5 s x 1: ok"
    assert event_words(begun, [begun]) == "whisper-tiny cpu fp32 5 s x 1"
    assert event_words(ended, [ended]) == "ok", "its beginning is not at hand"
    assert event_words(event("job-launched", None, "pid 5"), [begun]) == "pid 5"
