"""How many operations a second the published times ask for, against what a P100 can do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from runner.engines.architectures import SAMPLING_RATE, published_config
from runner.flops.count import count_flops
from tools.published.figures import RATES, RUNS

SECONDS = 60.0
P100_FLOPS_PER_S = 10.6e12
"""Peak in single precision of the fastest P100; twice that in half precision.

Source: NVIDIA Tesla P100 data sheet (SXM2; the PCIe card has 9.3e12).
"""
NAMES = {
    "wav2vec2": "facebook/wav2vec2-base-960h",
    **{f"whisper-{size}": f"openai/whisper-{size}" for size in ("tiny", "base", "small", "medium")},
}


@dataclass(frozen=True)
class Demand:
    """What one published row asks of the GPU, the encoder alone."""

    model: str
    clips_per_s: float
    table: int
    """1 by latency, 2 by throughput."""
    flops_per_clip: int
    windows: int
    """Encoder windows of a clip of 60 s; 1 where the model has none."""

    @property
    def flops_per_s(self) -> float:
        return self.clips_per_s * self.flops_per_clip

    @property
    def flops_per_s_one_window(self) -> float:
        """If only the first 30 s of each clip had been transcribed."""
        return self.flops_per_s / self.windows


def demands() -> Iterator[Demand]:
    """Every published figure of the GPU."""
    for run in RUNS:
        if run.device == "GPU":
            yield _demand(run.model, run.batch_size / run.latency_s, 1)
    for rate in RATES:
        yield _demand(rate.model, rate.clips_per_s, 2)


def _demand(model: str, clips_per_s: float, table: int) -> Demand:
    readings = count_flops(
        published_config(NAMES[model]),
        samples=round(SECONDS * SAMPLING_RATE),
        batch=1,
        prompt_tokens=4,
        tokens=2,
        cached=True,
    )
    encoder = next(reading.flops for reading in readings if reading.stage == "encoder")
    if encoder is None:
        raise ValueError(f"{model} has an operation without a formula")
    return Demand(model, clips_per_s, table, encoder, 2 if "whisper" in model else 1)
