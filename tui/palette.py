"""The colours of the theme that text is drawn with, as Rich knows them."""

from __future__ import annotations

from dataclasses import dataclass


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
