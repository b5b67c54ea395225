"""The tab Queue: what its keys do to the store."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from store import Store, StoreError
from tests.tui.conftest import OpenApp, settle, shown, until
from tui.app import AsrprofApp
from tui.screens.confirm import ConfirmScreen
from tui.screens.log import LogScreen
from tui.views.queue import QueueView


async def go_to(app: AsrprofApp, pilot: Pilot[None], job: int) -> QueueView:
    await pilot.press("3")
    await settle(app, pilot)
    view = app.view
    assert isinstance(view, QueueView)
    view.jobs.go_to(str(job))
    await settle(app, pilot)
    assert view.job is not None
    assert view.job.id == job
    return view


def jobs(path: Path) -> dict[int, str]:
    with Store.open(path, readonly=True) as store:
        return {job.id: job.state for job in store.jobs()}


def order(path: Path) -> list[int]:
    with Store.open(path, readonly=True) as store:
        return [job.id for job in store.queue.waiting()]


async def test_every_job_is_listed_with_its_state(filled: Path, open_app: OpenApp) -> None:
    async with open_app(filled, size=(140, 40)) as (app, pilot):
        view = await go_to(app, pilot, 2)
        text = shown(app)
        assert view.jobs.keys == ("5", "6", "7", "4", "3", "2", "1")
        for words in ("running", "queued", "cancelled", "lost", "failed", "done", "4/9", "left"):
            assert words in text
        assert "stopped after 7200 s (its time limit)" in text
        assert "reason" in text


async def test_a_waiting_job_moves(filled: Path, open_app: OpenApp) -> None:
    async with open_app(filled) as (app, pilot):
        view = await go_to(app, pilot, 7)
        assert order(filled) == [6, 7]
        await pilot.press("K")
        await until(lambda: order(filled) == [7, 6], pilot)
        await settle(app, pilot)
        await until(lambda: view.jobs.keys[1:3] == ("7", "6"), pilot)
        assert view.job is not None
        assert view.job.id == 7, "the cursor moves with it"
        await pilot.press("J")
        await until(lambda: order(filled) == [6, 7], pilot)
        await settle(app, pilot)
        await until(lambda: view.jobs.keys[1:3] == ("6", "7"), pilot)
        await pilot.press("J")
        await settle(app, pilot)
        assert order(filled) == [6, 7], "the last stays the last"
        await pilot.press("T")
        await until(lambda: order(filled) == [7, 6], pilot)


async def test_a_waiting_job_is_cancelled_at_once(filled: Path, open_app: OpenApp) -> None:
    async with open_app(filled) as (app, pilot):
        await go_to(app, pilot, 6)
        await pilot.press("x")
        await until(lambda: jobs(filled)[6] == "cancelled", pilot)


@pytest.mark.parametrize("answer", ["n", "escape", "enter"])
async def test_a_running_job_is_not_cancelled_by_mistake(
    filled: Path, open_app: OpenApp, answer: str
) -> None:
    async with open_app(filled) as (app, pilot):
        await go_to(app, pilot, 5)
        await pilot.press("x")
        await settle(app, pilot)
        assert isinstance(app.screen, ConfirmScreen)
        assert "4 finished cases stay; 5 will not run" in shown(app)
        await pilot.press(answer)
        await settle(app, pilot)
        assert not isinstance(app.screen, ConfirmScreen)
        with Store.open(filled, readonly=True) as store:
            assert store.job(5).cancel_requested_at is None


async def test_a_running_job_is_asked_to_end(filled: Path, open_app: OpenApp) -> None:
    async with open_app(filled) as (app, pilot):
        await go_to(app, pilot, 5)
        await pilot.press("x", "y")
        await until(lambda: "ending" in shown(app), pilot)
        with Store.open(filled, readonly=True) as store:
            assert store.job(5).cancel_requested_at is not None


async def test_an_ended_job_retries(filled: Path, open_app: OpenApp) -> None:
    async with open_app(filled) as (app, pilot):
        await go_to(app, pilot, 2)
        await pilot.press("r")
        await until(lambda: order(filled) == [6, 7, 2], pilot)
        await go_to(app, pilot, 1)
        await pilot.press("r")
        await until(lambda: "nothing left of it to run" in shown(app), pilot)


async def test_a_job_is_deleted_with_its_results_and_log(filled: Path, open_app: OpenApp) -> None:
    log = filled.parent / "logs" / "asrprof-job-4-1.log"
    log.write_text("some words\n")
    async with open_app(filled) as (app, pilot):
        await go_to(app, pilot, 4)
        await pilot.press("D")
        await settle(app, pilot)
        assert "It has 1 results" in shown(app)
        await pilot.press("y")
        await until(lambda: 4 not in jobs(filled) and not log.exists(), pilot)
        await go_to(app, pilot, 5)
        await pilot.press("D", "y")
        await until(lambda: "cancel it first" in shown(app), pilot)
    with Store.open(filled, readonly=True) as store, pytest.raises(StoreError):
        store.job(4)


async def test_the_end_of_a_long_line_of_a_log_is_reached(filled: Path, open_app: OpenApp) -> None:
    log = filled.parent / "logs" / "asrprof-job-5-1.log"
    log.write_text(f"start {'word ' * 50}finish\nshort\n")
    async with open_app(filled, size=(80, 24), readonly=True) as (app, pilot):
        app.push_screen(LogScreen(app.snapshot.held[0]))
        await until(lambda: "start word" in shown(app), pilot)
        assert "finish" not in shown(app)
        await pilot.press(*["right"] * 9)
        await until(lambda: "finish" in shown(app), pilot)
        assert "start" not in shown(app)
        await pilot.press(*["left"] * 9)
        await until(lambda: "start word" in shown(app), pilot)


async def test_the_log_of_a_job_fills_the_screen(filled: Path, open_app: OpenApp) -> None:
    async with open_app(filled) as (app, pilot):
        await go_to(app, pilot, 5)
        await pilot.press("l")
        await until(lambda: "[4/9] small-wav2vec2-ctc" in shown(app), pilot)
        log = filled.parent / "logs" / "asrprof-job-5-1.log"
        with log.open("a") as file:
            file.write("ok      [5/9] a line that has just come\n")
        await until(lambda: "a line that has just come" in shown(app), pilot)
        await pilot.press("escape")
        await settle(app, pilot)
        assert not isinstance(app.screen, LogScreen)


async def test_readonly_offers_no_change(filled: Path, open_app: OpenApp) -> None:
    before = jobs(filled)
    async with open_app(filled, readonly=True) as (app, pilot):
        await go_to(app, pilot, 6)
        assert "Read-only" in shown(app)
        assert "Cancel" not in shown(app).splitlines()[-1]
        await pilot.press("x", "r", "K", "J", "T", "D", "p")
        await settle(app, pilot)
        assert not isinstance(app.screen, ConfirmScreen)
    assert jobs(filled) == before
    assert order(filled) == [6, 7]
