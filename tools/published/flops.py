"""Where the published GFLOPs come from: two tools, two units, and no attention in either."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from runner.engines.architectures import SAMPLING_RATE, published_config
from runner.flops.count import count_flops
from runner.flops.study import study_flops
from tools.published.figures import WORK, Work


@dataclass(frozen=True)
class Origin:
    """One published figure beside what was found."""

    published: Work
    thop_gflop: float | None
    """Twice thop's multiply-accumulates."""
    fvcore_gmac: float | None
    """fvcore's multiply-accumulates, not doubled."""
    true_gflop: float
    """The encoder's FLOPs, attention included."""

    @property
    def is_fvcore(self) -> bool:
        """Whether fvcore's figure is the closer one."""
        gaps = [
            abs(value - self.published.gflop) if value is not None else float("inf")
            for value in (self.thop_gflop, self.fvcore_gmac)
        ]
        return gaps[1] < gaps[0]


@cache
def origins() -> tuple[Origin, ...]:
    """Every published figure, recomputed from the published architecture; no weights needed."""
    return tuple(_origins())


def _origins() -> Iterator[Origin]:
    for work in WORK:
        config = published_config(work.model)
        samples = round(work.seconds * SAMPLING_RATE)
        counted = count_flops(
            config, samples=samples, batch=1, prompt_tokens=4, tokens=100, cached=True
        )
        true = next(reading.flops for reading in counted if reading.stage == "encoder")
        if true is None:
            raise ValueError(f"{work.model} has an operation without a formula")
        tools = {reading.method: reading for reading in study_flops(config, samples=samples)}
        thop, fvcore = tools["thop"].flops, tools["fvcore"].macs
        yield Origin(
            published=work,
            thop_gflop=None if thop is None else thop / 1e9,
            fvcore_gmac=None if fvcore is None else fvcore / 1e9,
            true_gflop=true / 1e9,
        )
