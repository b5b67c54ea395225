"""A loaded model that a case's process takes over from the one that it was forked from."""

from __future__ import annotations

from dataclasses import dataclass

from runner.engines.base import Engine


@dataclass(frozen=True)
class Held:
    """The model, and what loading it took."""

    engine: Engine
    load_s: float
    before_bytes: int
    """Resident set before."""
    peak_bytes: int
    """Its highest meanwhile."""
