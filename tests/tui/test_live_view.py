"""The tab Live: what a running job shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from store import CaseSize, Event, LoadGauge, ProgressNote, Store, detail_json, timestamp
from tests.tui.conftest import OpenApp, settle, shown, until
from tests.tui.data import LEASE_S, OWNER, Clock, StillSampler, add_job
from tests.tui.records import NOW, grid, result
from tui.following import Follower
from tui.screens.confirm import ConfirmScreen
from tui.views.live import LiveView
from tui.watcher import Reading
from tui.widgets.spark import ends_of, spark


async def test_the_case_in_hand_and_what_it_took(filled: Path, open_app: OpenApp) -> None:
    async with open_app(filled) as (app, pilot):
        await pilot.press("4")
        await settle(app, pilot)
        # The log is read by a thread of its own.
        await until(lambda: "[4/9]" in shown(app), pilot)
        text = shown(app)
        for words in (
            "running  job 5 demo on local",
            "4/9 cases, 1m 09s so far, about",
            "case small-whisper cpu fp32 5 s x 1  for 9s",
            "pass latency",
            "80 %",
            "latency  42.0 ms",
            "RTFx     119",
            "power    20.0 W",
            "job 412 MB",
            "ok      [4/9] small-wav2vec2-ctc",
            "addmm",
        ):
            assert words in text, words


async def test_another_job_does_not_keep_the_speed_of_the_one_before(
    filled: Path, open_app: OpenApp
) -> None:
    async with open_app(filled) as (app, pilot):
        await pilot.press("4")
        await settle(app, pilot)
        with Store.open(filled, clock=lambda: NOW) as store:
            store.finish_job(5, "done")
            job = add_job(store, Clock(), "another", "running", [], cases=3, target="ray")
        await until(lambda: f"job {job} another" in shown(app), pilot)
        await settle(app, pilot)
        line = next(line for line in shown(app).splitlines() if "RTFx" in line)
        assert not any(letter.isdigit() for letter in line.split("RTFx")[1][:20]), line


async def test_the_next_case_shows_without_a_key(filled: Path, open_app: OpenApp) -> None:
    async with open_app(filled) as (app, pilot):
        await pilot.press("4")
        await settle(app, pilot)
        with Store.open(filled, clock=lambda: NOW) as store:
            row = result("small-whisper", latency_s=0.0432)
            store.write_result(5, row)
            at = timestamp(NOW)
            store.add_event(5, Event(kind="case-finished", at=at, case_key=row.case_key))
            size = detail_json(CaseSize(audio_seconds=30.0, batch_size=2))
            store.add_event(
                5, Event(kind="case-started", at=at, case_key="k", message="the next", data=size)
            )
            note = detail_json(ProgressNote(what="warm-up", share=0.25, latencies_s=(0.3,)))
            store.add_event(5, Event(kind="case-progress", at=at, case_key="k", data=note))
        await until(lambda: "case the next" in shown(app), pilot)
        await until(lambda: "43.2 ms" in shown(app), pilot)
        text = shown(app)
        assert "5/9 cases" in text
        assert "pass warm-up" in text
        assert "latency  300 ms" in text
        assert "RTFx     200" in text, "60 s of audio in 0.3 s"


def under_load(store: Store, *gauges: LoadGauge) -> None:
    """Tells of a level of load in the case in hand of the running job."""
    key = "small-whisper|pretrained|-|cpu|fp32|5s|b1"
    for gauge in gauges:
        note = ProgressNote(what=f"load: {gauge.level}", share=0.5, latencies_s=(), load=gauge)
        at, data = timestamp(NOW), detail_json(note)
        store.add_event(5, Event(kind="case-progress", at=at, case_key=key, data=data))


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_level_of_load_shows_its_rate_and_its_errors(
    filled: Path, open_app: OpenApp, size: tuple[int, int]
) -> None:
    low = LoadGauge(level="2 at once", requests_per_s=9.0, in_flight=99, p95_s=9.0, errors=99)
    first = LoadGauge(level="8 at once", requests_per_s=5.0, in_flight=8, p95_s=None, errors=0)
    second = replace(first, requests_per_s=12.5, in_flight=6, p95_s=0.345)
    last = replace(first, requests_per_s=10.0, in_flight=7, p95_s=0.4, errors=3)
    async with open_app(filled, size=size) as (app, pilot):
        await pilot.press("4")
        await settle(app, pilot)
        assert not app.screen.query_one("#spark-rate").display
        with Store.open(filled, clock=lambda: NOW) as store:
            under_load(store, low, first)
        await until(lambda: "load: 8 at once" in shown(app), pilot)
        assert "p95 too few answers" in " ".join(shown(app).split())
        with Store.open(filled, clock=lambda: NOW) as store:
            under_load(store, second, last)
        await until(lambda: "10.0/s" in shown(app), pilot)
        text = " ".join(shown(app).split())
        for words in ("rate 10.0/s", "in flight 7", "p95 400 ms", "errors 3", "power 20.0 W"):
            assert words in text, text
        assert "12.5/s" in text, "the end of the axis"
        assert "99" not in text, "the level before is over"
        assert "RTFx" not in text.split("Log")[0], text
        with Store.open(filled, clock=lambda: NOW) as store:
            note = detail_json(ProgressNote(what="energy", share=0.5, latencies_s=()))
            key = "small-whisper|pretrained|-|cpu|fp32|5s|b1"
            event = Event(kind="case-progress", at=timestamp(NOW), case_key=key, data=note)
            store.add_event(5, event)
        await until(lambda: "pass energy" in shown(app), pilot)
        text = " ".join(shown(app).split())
        assert "10.0/s" not in text
        assert "latency 42.0 ms" in text


async def test_a_job_that_ends_stays_until_another_runs(filled: Path, open_app: OpenApp) -> None:
    async with open_app(filled) as (app, pilot):
        await pilot.press("4")
        await settle(app, pilot)
        with Store.open(filled, clock=lambda: NOW) as store:
            store.finish_job(5, "failed", "stopped by the test")
        await until(lambda: "stopped by the test" in shown(app), pilot)
        assert "failed  job 5 demo" in shown(app)
        with Store.open(filled, clock=lambda: NOW) as store:
            claimed = store.attempts.claim(OWNER, LEASE_S, targets=["local"])
            assert claimed is not None
        await until(lambda: "starting  job 6 study" in shown(app), pilot)
        assert "its runner starts" in shown(app)


class Blind(StillSampler):
    """Nobody has looked at the machine."""

    def readings(self) -> tuple[Reading, ...]:
        return ()


async def test_a_job_that_is_done_says_so_and_why_there_is_no_log(
    tmp_path: Path, open_app: OpenApp
) -> None:
    path = tmp_path / "asrprof.db"
    with Store.open(path, clock=lambda: NOW) as store:
        job = add_job(store, Clock(), "in a terminal", "done", [result("openai/w")], cases=1)
    async with open_app(path, readonly=True, sampler=Blind) as (app, pilot):
        await pilot.press("4")
        await settle(app, pilot)
        app.screen.query_one(LiveView).show_job(job)
        await until(lambda: "No log: it ran in a terminal" in shown(app), pilot)
        text = shown(app)
        assert "done: every case has its result" in text
        assert "not timed yet" not in text
        assert "finished cases" in next(line for line in text.splitlines() if "latency" in line)
        assert text.count("read while it runs") == 2, "CPU and memory"
        assert "No output yet." not in shown(app)


async def test_several_jobs_are_gone_through(filled: Path, open_app: OpenApp) -> None:
    with Store.open(filled, clock=lambda: NOW) as store:
        store.queue.cancel(6)
        store.queue.cancel(7)
        add_job(store, Clock(), "second", "running", grid()[:1], cases=3)
    async with open_app(filled) as (app, pilot):
        await pilot.press("4")
        await settle(app, pilot)
        assert "[5 demo]" in shown(app)
        await pilot.press("right_square_bracket")
        await settle(app, pilot)
        assert "[8 second]" in shown(app)
        assert "1/3 cases" in shown(app)
        await pilot.press("right_square_bracket")
        await settle(app, pilot)
        assert "[5 demo]" in shown(app)


async def test_pause_freezes_the_screen_and_not_the_job(filled: Path, open_app: OpenApp) -> None:
    async with open_app(filled) as (app, pilot):
        await pilot.press("4", "p")
        await settle(app, pilot)
        assert "display paused" in shown(app)
        with Store.open(filled, clock=lambda: NOW) as store:
            store.write_result(5, result("small-whisper"))
        await until(lambda: app.snapshot.held[0].cases_done == 5, pilot)
        await settle(app, pilot)
        assert "4/9 cases" in shown(app)
        await pilot.press("p")
        await until(lambda: "5/9 cases" in shown(app), pilot)
        assert "display paused" not in shown(app)


async def test_cancel_asks_first(filled: Path, open_app: OpenApp) -> None:
    async with open_app(filled) as (app, pilot):
        await pilot.press("4", "x")
        await settle(app, pilot)
        assert isinstance(app.screen, ConfirmScreen)
        await pilot.press("y")
        await until(lambda: "ending" in shown(app), pilot)


async def test_on_a_narrow_screen_the_parts_take_turns(filled: Path, open_app: OpenApp) -> None:
    async with open_app(filled, size=(80, 24)) as (app, pilot):
        await pilot.press("4")
        await settle(app, pilot)
        assert "Finished cases" not in shown(app)
        await pilot.press("v")
        await settle(app, pilot)
        assert "Finished cases" in shown(app)
        await pilot.press("v")
        await settle(app, pilot)
        assert "addmm" in shown(app)
        view = app.view
        assert isinstance(view, LiveView)


async def test_nothing_runs(store_path: Path, open_app: OpenApp) -> None:
    async with open_app(store_path) as (app, pilot):
        await pilot.press("4")
        await settle(app, pilot)
        assert "Nothing runs." in shown(app)


def test_a_later_attempt_begins_anew(store_path: Path) -> None:
    clock = Clock()
    with Store.open(store_path, clock=clock) as store:
        clock.ago(hours=1)
        failed = result("pocketsphinx", state="failed", reason="crashed")
        job = add_job(store, clock, "demo", "failed", [*grid()[:2], failed], cases=9)
        store.queue.retry(job)
        assert store.attempts.claim(OWNER, LEASE_S, targets=["local"]) is not None
        row = store.attempts.begin(job, 2, OWNER, LEASE_S)
        at = timestamp(clock.now)
        store.add_event(job, Event(kind="job-started", at=at, message="7 of 9 cases"))
        read = Follower.of(store, row).read(store, row, clock.now)
        assert read.finished == ()
        assert read.left_s is not None
        assert read.left_s > 30
        assert Reading()(store, 1, clock.now).progress[job] == read


def test_other_peoples_events_are_left_alone(store_path: Path) -> None:
    clock = Clock()
    with Store.open(store_path, clock=clock) as store:
        job = add_job(store, clock, "mine", "running", [], cases=2)
        at = timestamp(NOW - timedelta(seconds=5))
        store.add_event(job, Event(kind="case-started", at=at, case_key="a", message="first"))
        for data in (None, "", "[]", "{}", '{"what": 1}', "{not json"):
            store.add_event(job, Event(kind="case-progress", at=at, case_key="a", data=data))
        row = store.job(job)
        read = Follower.of(store, row).read(store, row, NOW)
        assert (read.title, read.what, read.latencies_s) == ("first", None, ())


def test_the_ends_of_an_axis_are_those_of_what_is_drawn() -> None:
    assert ends_of([3.0, 7.0], from_zero=True) == (0.0, 7.0)
    assert ends_of([3.0, 7.0], from_zero=False) == (3.0, 7.0)
    assert ends_of([0.25], from_zero=True, top=1.0) == (0.0, 1.0)


def test_a_spark_uses_its_whole_height() -> None:
    glyphs = "12345678"
    assert spark([0, 7], 4, 1, glyphs, from_zero=True) == ["  18"]
    assert spark([0, 15], 2, 2, glyphs, from_zero=True) == [" 8", "18"]
    assert spark([5, 5, 5], 3, 1, glyphs, from_zero=False) == ["444"]
    assert spark([0.5], 1, 1, glyphs, from_zero=True, top=1.0) in (["4"], ["5"])
    assert spark([], 3, 2, glyphs, from_zero=True) == ["   ", "   "]
    assert spark([1, 2, 3], 2, 1, glyphs, from_zero=False) == ["18"]
