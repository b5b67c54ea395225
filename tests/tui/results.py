"""The tab Results as tests drive it."""

from __future__ import annotations

from collections.abc import Sequence

from textual.pilot import Pilot
from textual.widgets import Input

from store import Store
from tests.tui.conftest import settle, shown
from tui.app import AsrprofApp
from tui.results.differences import ResultsCompared, compare_results
from tui.views.results import ResultsView

SIZES = [(80, 24), (120, 40), (200, 60)]


async def results(app: AsrprofApp, pilot: Pilot[None]) -> ResultsView:
    await pilot.press("5")
    await settle(app, pilot)
    assert isinstance(app.view, ResultsView)
    return app.view


async def write(app: AsrprofApp, pilot: Pilot[None], words: str) -> None:
    """Writes a filter as a user would."""
    await pilot.press("slash")
    app.view.query_one("#results-filter", Input).value = words
    await pilot.press("enter")
    await settle(app, pilot)


def side_by_side(store: Store, ids: Sequence[int]) -> ResultsCompared:
    """What the app compares: its reader cannot write."""
    with Store.open(store.path, readonly=True) as reader:
        return compare_results(reader, ids)


def status(app: AsrprofApp) -> str:
    return shown(app).splitlines()[-2]
