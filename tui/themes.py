"""asrprof's own two themes, beside Textual's, and the colours that text takes from one."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

from runner.errors import UserError
from tui.palette import Palette

DARK = "asrprof-dark"
LIGHT = "asrprof-light"

THEMES = (
    Theme(
        name=DARK,
        dark=True,
        primary="#7AA2D6",
        secondary="#8FB8A8",
        accent="#D6A77A",
        warning="#D9B45B",
        error="#DB7A74",
        success="#86B883",
        foreground="#D5D9E0",
        background="#14171C",
        surface="#1A1E25",
        panel="#232933",
        variables={
            "border": "#343C49",
            "border-blurred": "#2A313C",
            "footer-background": "#1A1E25",
            "footer-key-foreground": "#7AA2D6",
            "footer-description-foreground": "#9AA3B2",
            "block-cursor-background": "#2F4A6B",
            "block-cursor-foreground": "#F0F3F8",
            "block-cursor-blurred-background": "#29313D",
            "block-cursor-blurred-foreground": "#D5D9E0",
            "input-selection-background": "#7AA2D6 35%",
            "scrollbar": "#343C49",
            "scrollbar-hover": "#465164",
            "scrollbar-active": "#7AA2D6",
            "scrollbar-background": "#14171C",
            "scrollbar-background-hover": "#14171C",
            "scrollbar-background-active": "#14171C",
            "scrollbar-corner-color": "#14171C",
        },
    ),
    Theme(
        name=LIGHT,
        dark=False,
        primary="#2F5F9E",
        secondary="#3E7564",
        accent="#9A5B1F",
        warning="#8A6100",
        error="#B3362E",
        success="#2F7A3C",
        foreground="#23272F",
        background="#FBFAF7",
        surface="#F3F1EC",
        panel="#E8E5DD",
        variables={
            "border": "#CDC8BC",
            "border-blurred": "#DEDAD0",
            "footer-background": "#F3F1EC",
            "footer-key-foreground": "#2F5F9E",
            "footer-description-foreground": "#5B626E",
            "block-cursor-background": "#CFE0F5",
            "block-cursor-foreground": "#14181F",
            "block-cursor-blurred-background": "#E6E9EE",
            "block-cursor-blurred-foreground": "#23272F",
            "input-selection-background": "#2F5F9E 25%",
            "scrollbar": "#CDC8BC",
            "scrollbar-hover": "#B5AF9F",
            "scrollbar-active": "#2F5F9E",
            "scrollbar-background": "#FBFAF7",
            "scrollbar-background-hover": "#FBFAF7",
            "scrollbar-background-active": "#FBFAF7",
            "scrollbar-corner-color": "#FBFAF7",
        },
    ),
)


def check_theme(name: str) -> None:
    """Refuses an unknown theme.

    Raises:
        UserError: It is unknown; the message names the nearest.
    """
    known = [*(theme.name for theme in THEMES), *BUILTIN_THEMES]
    if name not in known:
        near = get_close_matches(name, known, n=1)
        hint = f'did you mean "{near[0]}"?' if near else f"known: {', '.join(known)}"
        raise UserError(f'unknown theme "{name[:60]}"; {hint}')


def palette(variables: Mapping[str, str]) -> Palette:
    """The palette of a theme, from its CSS variables."""

    def colour(name: str) -> Color:
        return Color.parse(variables[name])

    background, foreground = colour("background"), colour("foreground")

    def blended(towards: Color, share: float, instead: str) -> str:
        # The terminal's own colours have names and no values: they cannot be blended.
        return background.blend(towards, share).hex6 if towards.ansi is None else instead

    primary = colour("primary")
    return Palette(
        foreground=_named(foreground),
        muted=blended(foreground, 0.62, "bright_black"),
        curve=blended(primary, 0.72, _named(primary)),
        faint=blended(foreground, 0.22, "bright_black"),
        **{
            name: _named(colour(variable))
            for name, variable in (
                ("primary", "primary"),
                ("secondary", "secondary"),
                ("accent", "accent"),
                ("good", "success"),
                ("warn", "warning"),
                ("bad", "error"),
            )
        },
    )


def _named(colour: Color) -> str:
    """A colour as Rich names it."""
    return colour.hex6 if colour.ansi is None else colour.rich_color.name
