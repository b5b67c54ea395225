"""What the catalogue says of a model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

CHECKPOINTS = Path(__file__).parent / "checkpoints"


@dataclass(frozen=True)
class ModelEntry:
    """One row of ``asrprof models``."""

    name: str
    family: str
    """Name of the engine that runs it by default."""
    architecture: str
    parameters: int
    """Rounded to three digits."""
    licence: str
    window_seconds: float | None
    """Longest audio one encoder pass takes; longer clips are cut into such windows."""
    languages: tuple[str, ...]
    """Codes of those it supports; none where that does not matter to it."""
    sample_rate_hz: int = 16_000
    """What its front end takes; audio at another rate is resampled."""
    bundled: bool = False
    """Its weights ship with asrprof (or with its Python package): no hub needed."""
    random: bool = True
    """Can run with random weights: its published configuration is known here."""
    note: str = ""

    @property
    def folder(self) -> Path | None:
        """Where a bundled checkpoint lies, or None."""
        return CHECKPOINTS / self.name if self.bundled and self.family != "pocketsphinx" else None
