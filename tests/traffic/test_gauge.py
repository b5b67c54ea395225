"""What the measure `load` tells of a level while it is held."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from runner.config.load import Load
from runner.passes.base import Context
from runner.passes.load import Watch
from runner.task import Progress
from runner.traffic.generator import Gauge
from runner.traffic.level import Level
from store.events import LoadGauge

LEVEL = Level(
    concurrency=4,
    rate_per_s=None,
    arrivals="poisson",
    max_batch=8,
    replicas=1,
    warmup_s=1.0,
    duration_s=9.0,
    timeout_s=30.0,
    slo_p95_s=2.0,
    seed=42,
)


def test_figures_are_told_beside_the_name_of_the_level() -> None:
    """The name stays the same, so that telling can be held back to once a second."""
    sent: list[Any] = []
    load = Load(concurrency=[2, 4], max_batch=[1, 8])
    context = SimpleNamespace(task=SimpleNamespace(load=load), send=sent.append)
    watch = Watch(cast("Context", context), (), load, batcher=True)
    watch.level_begins(LEVEL)(Gauge(share=0.5, open=3, per_s=2.5, p95_s=None, errors=0))
    watch.level_begins(LEVEL)(Gauge(share=0.0, open=4, per_s=7.5, p95_s=0.25, errors=2))
    level = "4 at once, batches to 8"
    first = LoadGauge(level=level, requests_per_s=2.5, in_flight=3, p95_s=None, errors=0)
    second = LoadGauge(level=level, requests_per_s=7.5, in_flight=4, p95_s=0.25, errors=2)
    assert sent == [
        Progress(f"load: {level}", 0.125, load=first),
        Progress(f"load: {level}", 0.25, load=second),
    ]
