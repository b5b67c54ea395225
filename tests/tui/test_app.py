"""The app as a whole: tabs, keys, the messages of its threads."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.conftest import OpenApp, settle, shown


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_every_tab_opens_by_its_number(
    filled: Path, open_app: OpenApp, size: tuple[int, int]
) -> None:
    async with open_app(filled, size=size) as (app, pilot):
        for key, name in zip("23451", ("configs", "queue", "live", "results", "home"), strict=True):
            await pilot.press(key)
            await settle(app, pilot)
            assert name == app.view.SCOPE
            assert app.focused is not None
            assert app.view in app.focused.ancestors_with_self


async def test_the_first_line_says_what_the_queue_does(filled: Path, open_app: OpenApp) -> None:
    async with open_app(filled) as (app, _):
        assert "1 running" in shown(app).splitlines()[0]
        assert "2 waiting" in shown(app).splitlines()[0]
