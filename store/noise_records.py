"""What the measure `robustness` finds under one condition, see docs/robustness.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

NoiseCondition = Literal["clean", "noise", "silence", "faint noise", "no words"]


@dataclass(frozen=True, kw_only=True)
class NoiseLevel:
    """One condition that a model listened under.

    ``None`` stands where a figure is not known, or is none of this condition; ``reason`` says why
    there is no interval.
    """

    condition: NoiseCondition
    """Speech as it is or with noise; or nobody speaks: digital silence, faint noise, rows of the
    data that hold no words."""
    noise: str | None
    """Its kind; None where there is none."""
    snr_db: float | None
    """Power of the active speech over that of the noise; None where nobody speaks."""
    clips: int
    """Inputs that were transcribed."""
    audio_s: float
    """Their length together."""
    scored: int
    """Utterances in the error rates."""
    headline: str | None
    """``WER``, or ``CER`` in languages that are written without spaces."""
    normaliser: str | None
    normaliser_version: str | None
    wer: float | None
    """Word error rate of the utterances, 0 to 1; with its 95 % interval."""
    wer_low: float | None
    wer_high: float | None
    cer: float | None
    cer_low: float | None
    cer_high: float | None
    substitutions: int | None
    """Of words, like the next three."""
    deletions: int | None
    insertions: int | None
    hits: int | None
    invented: int | None
    """Words written where nobody speaks; characters where the headline is the CER."""
    invented_per_minute: float | None
    invented_low: float | None
    invented_high: float | None
    clips_with_text: int | None
    """Inputs without speech for which anything was written."""
    example: str | None
    """The text most often written where nobody speaks."""
    interval_by: str | None
    """What the bootstrap draws."""
    reason: str | None
    """Why there is no interval, or no rate; or None."""
