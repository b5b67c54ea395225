"""Text stands out from its ground in every theme, and a new theme recolours all that is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.pilot import Pilot

from tests.tui.conftest import OpenApp, settle, shown
from tui.app import AsrprofApp
from tui.contrast_filter import LEAST_CONTRAST, ContrastFilter, contrast
from tui.themes import DARK, LIGHT

TABS = "12345"
BLACK, GREY, WHITE = Color(0, 0, 0), Color(119, 119, 119), Color(255, 255, 255)

colours = st.tuples(*[st.integers(0, 255)] * 3).map(lambda parts: Color(*parts))


def drawn(app: AsrprofApp) -> Iterator[tuple[str, Style]]:
    """The pieces of text on the screen, with their styles."""
    for strip in app.screen._compositor.render_strips(app.size):
        for segment in strip:
            if segment.style is not None and any(sign.isalnum() for sign in segment.text):
                yield segment.text, segment.style


def filtered(text: str, style: Style, ground: Color) -> Style:
    (segment,) = ContrastFilter().apply([Segment(text, style)], ground)
    assert segment.style is not None
    return segment.style


def test_contrast_is_the_ratio_of_wcag() -> None:
    assert contrast(BLACK, WHITE) == pytest.approx(21)
    assert contrast(WHITE, WHITE) == 1
    # The lightest grey that may stand on white is #767676, as WCAG's own examples have it.
    assert contrast(Color.parse("#767676"), WHITE) == pytest.approx(4.54, abs=0.005)
    assert contrast(GREY, WHITE) < 4.5


@given(colours, colours, st.booleans())
def test_any_text_on_any_ground_can_be_read(colour: Color, ground: Color, dim: bool) -> None:
    given_style = Style(color=colour.rich_color, bgcolor=ground.rich_color, dim=dim)
    style = filtered("words", given_style, WHITE)
    assert style.color is not None
    assert contrast(Color.from_rich_color(style.color), ground) >= LEAST_CONTRAST
    assert not style.dim
    if not dim and contrast(colour, ground) >= LEAST_CONTRAST:
        assert style == given_style


def test_rules_bars_and_the_terminals_own_colours_stay() -> None:
    faint = Style(color="#EEEEEE", bgcolor="#FFFFFF")
    for text in ("────", "▁▂▃█", "⣿⡇", "   "):
        assert filtered(text, faint, WHITE) == faint
    assert filtered("~", faint, WHITE) != faint
    own = Style.parse("bright_white on white")
    assert filtered("words", own, WHITE) == own


async def looks(app: AsrprofApp, pilot: Pilot[None]) -> dict[str, list[tuple[str, Style]]]:
    """What each tab draws."""
    found = {}
    for tab in TABS:
        await pilot.press(tab)
        await settle(app, pilot)
        found[tab] = list(drawn(app))
    return found


@pytest.mark.e2e  # Walks through all tabs in all themes.
async def test_every_theme_can_be_read(filled: Path, open_app: OpenApp) -> None:
    async with open_app(filled) as (app, pilot):
        faint = []
        for theme in app.available_themes:
            app.theme = theme
            await settle(app, pilot)
            for tab, pieces in (await looks(app, pilot)).items():
                for text, style in pieces:
                    colour, ground = style.color, style.bgcolor
                    if colour is None or ground is None or None in (colour.triplet, ground.triplet):
                        assert theme.startswith("ansi")
                        continue
                    if theme.startswith("ansi"):
                        continue  # Of the terminal's colours nobody knows the values.
                    of = Color.from_rich_color(colour), Color.from_rich_color(ground)
                    if contrast(*of) < LEAST_CONTRAST:
                        faint.append((theme, tab, text, *of))
        assert not faint


async def test_another_theme_recolours_what_is_drawn(filled: Path, open_app: OpenApp) -> None:
    async def colours_of(app: AsrprofApp, pilot: Pilot[None]) -> set[RichColor | None]:
        pieces = (piece for of in (await looks(app, pilot)).values() for piece in of)
        return {style.color for _, style in pieces}

    async with open_app(filled, theme=LIGHT) as (app, pilot):
        light = await colours_of(app, pilot) | await colours_of(app, pilot)
    async with open_app(filled, theme=DARK) as (app, pilot):
        assert not await colours_of(app, pilot) & light
        app.theme = LIGHT
        await settle(app, pilot)
        assert await colours_of(app, pilot) <= light


@pytest.mark.parametrize("theme", ["ansi-dark", "ansi-light"])
async def test_a_terminal_of_sixteen_colours_is_served(
    filled: Path, open_app: OpenApp, theme: str
) -> None:
    async with open_app(filled, theme=theme) as (app, pilot):
        for tab in TABS:
            await pilot.press(tab)
            await settle(app, pilot)
            assert "asrprof" in shown(app)
