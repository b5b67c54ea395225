"""Names, reasons and log lines that try to command the terminal or to be markup."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.conftest import OpenApp, settle, shown
from tests.tui.test_plain import is_harmless
from tui.app import AsrprofApp

PLACES = (
    ("home", ()),
    ("configs", ("2",)),
    ("queue", ("3",)),
    ("queue, every job", ("3", *(["down"] * 16))),
    ("delete", ("3", "end", "D")),
    ("log", ("3", "l")),
    ("live", ("4",)),
    ("results", ("5",)),
    ("palette", ("ctrl+p", *"job")),
    ("cancel", ("4", "x")),
)


def drawn(app: AsrprofApp) -> list[str]:
    strips = app.screen._compositor.render_strips(app.size)
    return [segment.text for strip in strips for segment in strip]


@pytest.mark.e2e
@pytest.mark.parametrize("size", [(80, 24), pytest.param((200, 60), marks=pytest.mark.e2e)])
async def test_nothing_hostile_reaches_the_terminal(
    hostile: Path, open_app: OpenApp, size: tuple[int, int]
) -> None:
    async with open_app(hostile, size=size) as (app, pilot):
        for place, keys in PLACES:
            for key in keys:
                await pilot.press(key)
                await settle(app, pilot)
                assert all(is_harmless(text) for text in drawn(app)), place
            await pilot.press("escape")
            await settle(app, pilot)


async def test_names_are_shown_as_they_are(hostile: Path, open_app: OpenApp) -> None:
    async with open_app(hostile, size=(200, 60)) as (app, pilot):
        await pilot.press("3")
        await settle(app, pilot)
        text = shown(app)
        for words in ("[/]", "model[v3]", "[@click=app.quit]quit[/]", "日本語のモデル", "نموذج"):
            assert words in text
        assert "\\x1b]0;owned\\x07" in text


async def test_log_lines_lose_their_commands(hostile: Path, open_app: OpenApp) -> None:
    async with open_app(hostile, size=(120, 40)) as (app, pilot):
        await pilot.press("3", "l")
        await settle(app, pilot)
        await pilot.pause(0.3)
        await settle(app, pilot)
        lines = [line.strip() for line in shown(app).splitlines()]
        assert any("100 % done" in line and "99 %" not in line for line in lines)
        assert any(line.strip("│ ") == "red" or line.endswith(" red") for line in lines)


@pytest.mark.e2e
async def test_ascii_means_ascii(hostile: Path, open_app: OpenApp) -> None:
    async with open_app(hostile, size=(120, 40), ascii=True) as (app, pilot):
        for key in ("1", "2", "3", "l", "escape", "4", "ctrl+p", "escape", "?"):
            await pilot.press(key)
            await settle(app, pilot)
            filters = app.get_line_filters()
            for strip in app.screen._compositor.render_strips(app.size):
                shown_as = strip.apply_filter(filters[-1], app.screen.background_colors[1])
                assert shown_as.text.isascii()
                assert shown_as.cell_length == strip.cell_length
