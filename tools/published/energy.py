"""What the published joules, times and rates say about one another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tools.published.figures import RATES, RUNS, Run


@dataclass(frozen=True)
class Power:
    """A published row and the mean power that it implies."""

    run: Run

    @property
    def watts(self) -> float:
        """Joules by seconds of one batch."""
        return self.run.energy_j / self.run.latency_s


@dataclass(frozen=True)
class Advantage:
    """The GPU against the CPU for one model, from the published rows."""

    model: str
    faster: float
    less_energy: float


def powers() -> list[Power]:
    """The mean power of every row of the first table."""
    return [Power(run) for run in RUNS]


def advantages() -> Iterator[Advantage]:
    """The ratios that the first table gives; the text claims 5 to 30 and 10 to 70 times."""
    for cpu, gpu in zip(RUNS[::2], RUNS[1::2], strict=True):
        yield Advantage(cpu.model, cpu.latency_s / gpu.latency_s, cpu.energy_j / gpu.energy_j)


def rate_of(run: Run) -> float:
    """Clips per second that a row of the first table gives."""
    return run.batch_size / run.latency_s


def same_energy() -> list[str]:
    """Models whose joules are the same at batch 1 and at batch 16."""
    rates = {rate.model: rate.energy_j for rate in RATES}
    return [
        run.model
        for run in RUNS
        if run.device == "GPU" and run.batch_size == 1 and rates.get(run.model) == run.energy_j
    ]
