"""One level of load."""

from __future__ import annotations

from dataclasses import dataclass

from runner.config.load import Arrivals
from store.load_records import level_title


@dataclass(frozen=True)
class Level:
    """One setting of the load, held for some time."""

    concurrency: int | None
    """Clients of a closed loop; None for an open one."""
    rate_per_s: float | None
    """Requests a second of an open loop; None for a closed one."""
    arrivals: Arrivals
    max_batch: int | None
    """None where the service forms batches by itself."""
    replicas: int | None
    """Copies of the model side by side; None where the service is not ours."""
    warmup_s: float
    duration_s: float
    timeout_s: float
    slo_p95_s: float
    seed: int
    paced: bool = False
    """Whether requests are streams of speech at real-time pace."""

    @property
    def title(self) -> str:
        """One line for people."""
        return level_title(self)
