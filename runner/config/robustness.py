"""How much noise the measure `robustness` adds, and of which kind."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from runner.config.strict import Strict

Snr = Annotated[float, Field(ge=-20, le=60)]
Noise = Literal["white", "pink"]

SILENCE_S = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0)
"""Lengths of the inputs in which nobody speaks, in seconds: what a model invents depends on it."""

DRAWS = 3
"""Inputs of each length with faint noise; digital silence of one length is one input."""


class Robustness(Strict):
    """What the measure `robustness` adds to the speech; see docs/robustness.md."""

    snr_db: Annotated[list[Snr], Field(min_length=1, max_length=16)] = [20.0, 10.0, 5.0, 0.0]
    """Power of the active speech over that of the noise, in dB; each is a pass over all
    utterances."""

    noises: Annotated[list[Noise], Field(min_length=1)] = ["white", "pink"]
    """`white`: as much in every hertz; `pink`: as much in every octave, from 50 Hz up."""

    @property
    def passes(self) -> int:
        """How often every utterance is transcribed with noise."""
        return len(self.snr_db) * len(self.noises)

    @property
    def quiet_draws(self) -> int:
        """Inputs of each length in which nobody speaks."""
        return 1 + DRAWS * len(self.noises)

    @field_validator("snr_db", "noises")
    @classmethod
    def _once_each(cls, values: list[object]) -> list[object]:
        for value in values:
            if values.count(value) > 1:
                raise ValueError(f'"{value}" is listed twice')
        return values
