"""The colours of the theme that text is drawn with, as Rich knows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from textual.color import Color


@dataclass(frozen=True)
class Palette:
    """Hexadecimal colours; ``style`` gives those of a state."""

    foreground: str
    muted: str
    """For what is read second: labels, times."""
    faint: str
    """For rules and empty parts of bars."""
    curve: str
    """For curves and bars that fill an area: calmer than ``primary``."""
    primary: str
    secondary: str
    accent: str
    good: str
    warn: str
    bad: str

    def style(self, state: str) -> str:
        """The colour of a state of a job, a result or a check."""
        return {
            "running": self.good,
            "starting": self.accent,
            "queued": self.muted,
            "done": self.good,
            "failed": self.bad,
            "lost": self.bad,
            "cancelled": self.warn,
            "ok": self.good,
            "oom": self.warn,
            "refused": self.warn,
            "limited": self.warn,
            "missing": self.muted,
        }.get(state, self.foreground)

    @property
    def series(self) -> tuple[str, ...]:
        """Colours that tell series of a chart apart."""
        return (self.primary, self.accent, self.secondary, self.warn, self.bad, self.good)


def palette(variables: Mapping[str, str]) -> Palette:
    """The palette of a theme, from its CSS variables."""

    def colour(name: str) -> Color:
        return Color.parse(variables[name])

    background, foreground = colour("background"), colour("foreground")
    return Palette(
        foreground=foreground.hex6,
        muted=background.blend(foreground, 0.62).hex6,
        curve=background.blend(colour("primary"), 0.72).hex6,
        faint=background.blend(foreground, 0.22).hex6,
        **{
            name: colour(variable).hex6
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
