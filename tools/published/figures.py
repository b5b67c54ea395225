"""The figures as they were published in November 2025.

Whisper tiny to medium and wav2vec2-base-960h on GigaSpeech, clips of 5 to 60 s, batches of 1 to
16, on an Intel Xeon and on an NVIDIA Tesla P100.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Run:
    """A row of the first table: clips of 60 s."""

    model: str
    device: str
    batch_size: int
    latency_s: float
    energy_j: float


@dataclass(frozen=True)
class Rate:
    """A row of the second table: GPU, batches of 16 clips of 60 s."""

    model: str
    energy_j: float
    clips_per_s: float


@dataclass(frozen=True)
class Work:
    """A figure of the third table, in GFLOP as published."""

    model: str
    seconds: float
    gflop: float


RUNS = (
    Run("whisper-small", "CPU", 1, 5.889, 36.0),
    Run("whisper-small", "GPU", 1, 0.724, 1.59),
    Run("wav2vec2", "CPU", 16, 7.385, 74.6),
    Run("wav2vec2", "GPU", 16, 0.204, 0.11),
)
RATES = (
    Rate("wav2vec2", 0.11, 95.4),
    Rate("whisper-tiny", 0.28, 54.1),
    Rate("whisper-base", 0.55, 26.2),
    Rate("whisper-small", 1.59, 28.4),
    Rate("whisper-medium", 4.77, 12.9),
)
WORK = (
    Work("openai/whisper-tiny", 30, 23.2),
    Work("openai/whisper-medium", 30, 917.5),
    Work("facebook/wav2vec2-base-960h", 5, 34.8),
    Work("facebook/wav2vec2-base-960h", 60, 418),
)
WER = {
    "whisper-tiny": 0.36,
    "whisper-base": 0.34,
    "whisper-small": 0.36,
    "whisper-medium": 0.36,
    "wav2vec2": 0.57,
}
