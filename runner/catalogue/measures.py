"""Everything that can be measured, in the order in which it is. No framework is imported here.

A measure is one file of :mod:`runner.passes`, and one entry here.
"""

from __future__ import annotations

from dataclasses import dataclass

from runner.catalogue.names import unknown
from store.metrics import Metric


@dataclass(frozen=True)
class MeasureEntry:
    """One measure."""

    name: str
    """What a config calls it."""
    target: str | None
    """``module:class`` of its :class:`~runner.passes.base.Pass`; None for the timed loop, which is
    none."""
    metrics: tuple[Metric, ...] = ()
    """What its scalars are, of those that `store.metrics` does not know."""


_ENTRIES = (
    MeasureEntry("latency", None),  # First: what it keeps warm the others find warm.
    MeasureEntry("stages", "runner.passes.stages:StagesPass"),
    MeasureEntry("memory", "runner.passes.memory:MemoryPass"),  # Before what only instruments need.
    MeasureEntry("energy", "runner.passes.energy:EnergyPass"),
    MeasureEntry("flops", "runner.passes.flops:FlopsPass"),
    MeasureEntry("study_flops", "runner.passes.flops:StudyFlopsPass"),
    # One of the cases that share it takes it: it must not be in that one's memory.
    MeasureEntry("quality", "runner.passes.quality:QualityRecordPass"),
    MeasureEntry("quality_batch", "runner.passes.quality:QualityBatchPass"),
    MeasureEntry("comparison", "runner.passes.comparison:ComparisonPass"),
    MeasureEntry("decoder", "runner.passes.decoder:DecoderPass"),
    MeasureEntry("load", "runner.passes.load:LoadPass"),
    MeasureEntry(
        "robustness",
        "runner.passes.robustness:RobustnessPass",
        metrics=(
            Metric(
                name="invented_words_per_minute",
                heading="invented",
                unit="words/min",
                about="written where nobody speaks: of digital silence and faint noise",
                better="lower",
            ),
        ),
    ),
    MeasureEntry("operators", "runner.passes.operators:OperatorsPass"),
)

MEASURES: dict[str, MeasureEntry] = {entry.name: entry for entry in _ENTRIES}
"""Name -> measure."""

LATENCY = "latency"

COUNTS = frozenset({"flops", "study_flops"})
"""Measures that shapes alone give: with none but these, nothing is run."""


def check_measure(name: str) -> str:
    """Checks that ``name`` is a measure, and returns it.

    Raises:
        ValueError: It is none; one line with the nearest known name.
    """
    if name not in MEASURES:
        raise ValueError(unknown("value", name, MEASURES))
    return name
