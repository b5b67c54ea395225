"""How each small model is trained: clip lengths, learning rate, number of steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from tools.training.ctc import Parakeet, Wav2Vec2
from tools.training.trainee import Trainee
from tools.training.whisper import Whisper


@dataclass(frozen=True)
class Stage:
    """One part of a training run.

    Attributes:
        until: Share of the run at which it ends, 0 to 1.
        seconds: Clip lengths, seconds; each batch draws one. Below 2 s clips hold one phrase.
        audio_seconds: Seconds of audio in a batch: clips = audio_seconds / clip length.
    """

    until: float
    seconds: tuple[float, ...]
    audio_seconds: float


@dataclass(frozen=True)
class Recipe:
    """One model's training run.

    Attributes:
        build: Makes the model for a device and a seed.
        steps: Optimiser steps, unless a time is given instead.
        peak_rate: AdamW's learning rate after the warm-up.
        warmup: Share of the run in which the rate rises; afterwards it falls to zero as a cosine.
        stages: The parts in order.
        cut_share: Share of clips that begin, and that end, inside a sentence.
    """

    build: Callable[[torch.device, int], Trainee]
    steps: int
    peak_rate: float
    warmup: float
    stages: tuple[Stage, ...]
    cut_share: float = 0.0


RECIPES: dict[str, Recipe] = {
    Parakeet.name: Recipe(
        build=Parakeet,
        steps=2_000,
        peak_rate=1.5e-3,
        warmup=0.05,
        stages=(
            Stage(0.3, (1.3,), 40.0),
            Stage(0.6, (3.3, 5.0), 40.0),
            Stage(1.0, (4.0, 5.0, 5.0, 8.0, 15.0, 15.0, 30.0, 60.0), 60.0),
        ),
    ),
    Wav2Vec2.name: Recipe(
        build=Wav2Vec2,
        steps=3_000,
        peak_rate=1.5e-3,
        warmup=0.1,
        stages=(
            Stage(0.3, (1.3,), 40.0),
            Stage(0.65, (3.3, 5.0), 40.0),
            Stage(1.0, (4.0, 5.0, 5.0, 8.0, 15.0, 15.0, 30.0, 60.0), 60.0),
        ),
    ),
    Whisper.name: Recipe(
        build=Whisper,
        steps=4_700,
        peak_rate=1.5e-3,
        warmup=0.05,
        stages=(
            Stage(0.2, (1.3,), 40.0),
            Stage(0.5, (3.3, 5.0), 40.0),
            Stage(1.0, (5.0, 8.0, 15.0, 15.0), 60.0),
        ),
        cut_share=0.4,
    ),
}
"""The recipe of every small model, by name."""
