"""How far a case is lies in the store while it runs, and no longer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from runner.progress_notes import ProgressNotes
from runner.task import Progress
from store import Event, Result, Store, process_owner


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


def notes(store: Store) -> list[dict[str, object]]:
    return [json.loads(e.data or "") for e in store.events(1) if e.kind == "case-progress"]


def test_a_note_a_second_carries_every_latency_since_the_last(store: Store) -> None:
    clock = Clock()
    told = ProgressNotes(writer(store), clock)
    for step in range(20):
        told.note("case", Progress("latency", step / 100, latency_s=float(step)))
        clock.now += 0.125
    assert [note["latencies_s"] for note in notes(store)] == [
        [0.0],
        [float(n) for n in range(1, 9)],
        [float(n) for n in range(9, 17)],
    ]


def test_another_pass_is_noted_at_once(store: Store) -> None:
    told = ProgressNotes(writer(store), Clock())
    for what in ("loading", "warm-up", "warm-up", "energy"):
        told.note("case", Progress(what, 0.5))
    assert [note["what"] for note in notes(store)] == ["loading", "warm-up", "energy"]


@pytest.mark.parametrize("end", ["row", "job"])
def test_notes_go_with_the_row_or_the_job(store: Store, end: str) -> None:
    ProgressNotes(writer(store), Clock()).note("case", Progress("energy", 0.5))
    assert len(notes(store)) == 1
    if end == "row":
        store.write_result(1, failed("case"))
    else:
        store.finish_job(1, "cancelled")
    assert notes(store) == []


def failed(key: str) -> Result:
    return Result(
        case_key=key,
        model="m",
        engine="e",
        weights="random",
        revision=None,
        device="cpu",
        variant="fp32",
        audio_seconds=5.0,
        batch_size=1,
        seed=0,
        state="failed",
        reason="crashed",
        started_at="2026-01-31T12:00:00+00:00",
        wall_s=0.0,
    )
