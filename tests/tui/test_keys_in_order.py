"""What is typed faster than it is drawn ends where, and as what, it was typed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from tests.tui.conftest import OpenApp, settle, until
from tui.app import AsrprofApp
from tui.widgets.choice import Choice
from tui.widgets.form_field import FormField

BACKSPACES = ("backspace",) * 8


def burst(app: AsrprofApp, keys: Iterator[str] | tuple[str, ...] | str) -> None:
    """Gives an app its keys as a terminal does: all that are there, without waiting."""
    for key in keys:
        app.post_message(events.Key(key, key if len(key) == 1 else None))


async def first_field(
    app: AsrprofApp, pilot: Pilot[None], text: str, *, keys: tuple[str, ...]
) -> Input:
    """The name in the form, which has the focus and holds a text."""
    await pilot.press("2", *keys)
    await settle(app, pilot)
    assert isinstance(app.focused, Input)
    assert app.focused.value == text
    return app.focused


@pytest.mark.parametrize(
    ("keys", "left"),
    [
        ((*BACKSPACES, "7"), "7"),
        (("a", "b", "left", "c"), "demoacb"),
        (("home", "a", "end", "b"), "ademob"),
        (("ctrl+u", "x", "y", "backspace", "z"), "xz"),
        (("left", "left", "delete", "u"), "deuo"),
    ],
)
async def test_letters_and_edits_keep_their_order(
    filled: Path, open_app: OpenApp, keys: tuple[str, ...], left: str
) -> None:
    async with open_app(filled) as (app, pilot):
        name = await first_field(app, pilot, "demo", keys=("enter", "end"))
        burst(app, keys)
        await settle(app, pilot)
        assert name.value == left


async def test_a_field_of_another_config_is_continued_at_its_end(
    filled: Path, open_app: OpenApp
) -> None:
    async with open_app(filled) as (app, pilot):
        name = await first_field(app, pilot, "decoder", keys=("down", "enter"))
        await pilot.press("2")
        assert name.value == "decoder2"


async def test_a_burst_over_several_fields_fills_each(filled: Path, open_app: OpenApp) -> None:
    async with open_app(filled) as (app, pilot):
        await pilot.press("2", "enter", "end")
        await settle(app, pilot)
        fields = list(app.screen.query(FormField))
        names = [field.field.path for field in fields]
        place = names.index("weights")
        weights, devices = fields[place].entry, fields[place + 1].entry
        assert isinstance(weights, Choice)
        assert weights.value == "pretrained"
        weights.focus()
        await settle(app, pilot)
        burst(app, ("right", "down", "end", *BACKSPACES, "c", "u", "d", "a", "enter", "1"))
        await settle(app, pilot)
        assert weights.value == "random"
        assert devices.value == "cuda"
        below = fields[place + 2].entry
        await until(lambda: app.focused is below, pilot)
        assert "1" in below.value


async def test_a_burst_into_the_filter_keeps_its_order(filled: Path, open_app: OpenApp) -> None:
    async with open_app(filled) as (app, pilot):
        await pilot.press("5", "slash")
        await settle(app, pilot)
        assert isinstance(app.focused, Input)
        burst(app, (*"cudaX", "backspace", "home", *"wer "))
        await settle(app, pilot)
        assert app.focused.value == "wer cuda"
