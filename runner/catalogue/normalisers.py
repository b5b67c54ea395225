"""The normalisers that are taken unless another is asked for, by their whole names."""

from __future__ import annotations

ENGLISH = "asrprof/english-2"
"""The normaliser of English; see `runner.measure.english`."""

WORDS = "asrprof/words-2"
"""The normaliser of any language; see `runner.measure.normalisers`."""
