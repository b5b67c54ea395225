"""Stores to look at, and apps over them.

async def test_it(filled, open_app):
    async with open_app(filled) as (app, pilot):
        await pilot.press("3")
        await settle(app, pilot)
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from benchmarks.tui.big_store import CASES, make_big_store
from tests.tui.data import CHECKS, StillSampler, fill, fill_hostile
from tests.tui.fleet import StillFleet
from tests.tui.records import NOW
from tui.app import AsrprofApp
from tui.options import Options

OpenApp = Callable[..., AbstractAsyncContextManager[tuple[AsrprofApp, Pilot[None]]]]


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Times of day are shown in the zone of the machine: here, in UTC."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture(autouse=True)
def metered(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long is left is foretold for a machine with a meter, whatever this one has."""
    monkeypatch.setattr("runner.estimate.has_cpu_meter", lambda: True)


@pytest.fixture
def store_path(tmp_path: Path) -> Path:
    """Where a store may be made."""
    return tmp_path / "results" / "asrprof.db"


@pytest.fixture
def filled(store_path: Path) -> Path:
    """A store with jobs in every state, results, events and hostile names."""
    fill(store_path)
    return store_path


@pytest.fixture
def hostile(store_path: Path) -> Path:
    """A store with names and reasons that try to command the terminal."""
    fill_hostile(store_path)
    return store_path


@pytest.fixture(scope="session")
def laws(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of a grid whose figures follow known laws."""
    path = tmp_path_factory.mktemp("laws") / "asrprof.db"
    make_big_store(path, results=2 * CASES, samples=16)
    return path


@pytest.fixture
def open_app(tmp_path: Path) -> OpenApp:
    """Opens the app over a store; no dispatcher unless it is asked for."""

    @asynccontextmanager
    async def opened(
        store: Path, *, size: tuple[int, int] = (120, 40), **options: Any
    ) -> AsyncIterator[tuple[AsrprofApp, Pilot[None]]]:
        given: dict[str, Any] = {
            "dispatch": False,
            "clock": lambda: NOW,
            "poll_s": 0.02,
            "configs": tmp_path,
            "examine": lambda _: CHECKS,
            "sampler": StillSampler,
            "fleet": StillFleet,
            **options,
        }
        app = AsrprofApp(Options(store=store, **given))
        app.animation_level = "none"
        async with app.run_test(size=size, notifications=True) as pilot:
            await settle(app, pilot)
            yield app, pilot

    return opened


async def settle(app: AsrprofApp, pilot: Pilot[None], seconds: float = 10) -> None:
    """Waits until every request to the store is answered and shown."""
    end = time.monotonic() + seconds
    threads = (app.reader, app.writer, app.worker, app.targets)

    def quiet() -> bool:
        options = app.options
        none = options.readonly and not options.store.exists()
        seen = app.snapshot.generation > 0 or none
        return seen and all(thread.idle for thread in threads)

    while True:
        while not quiet():
            assert time.monotonic() < end, "the app did not come to rest"
            await asyncio.sleep(0.005)
        # What an answer sets off may ask again.
        await pilot.pause()
        if quiet():
            return


async def until(condition: Callable[[], bool], pilot: Pilot[None], seconds: float = 90) -> None:
    """Waits for something that must happen soon."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        await pilot.pause()
        await asyncio.sleep(0.01)


def told(app: AsrprofApp) -> list[str]:
    """The lines that the app has told its user and still shows."""
    return [notification.message for notification in app._notifications]


def shown(app: AsrprofApp) -> str:
    """The screen as text, one line a row, without trailing spaces."""
    height = app.size.height
    lines = app.screen._compositor.render_strips(app.size)
    return "\n".join(
        "".join(segment.text for segment in strip).rstrip() for strip in lines[:height]
    )
