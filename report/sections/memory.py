"""What the memory of a batch is for, and how each part grows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from report.content import Block, Figure, Section
from report.figures.memory import memory_parts
from report.memory import Split, splits
from report.study import Case, Study

MOST_PANELS = 3


def memory(study: Study) -> Section | None:
    """The section; None where no case tells the parts apart."""
    found = splits(study)
    blocks: list[Block] = [
        figure
        for figure in (
            _along(
                found,
                "memory-parts-by-batch",
                lambda case: case.row.batch_size,
                "batch size (clips)",
                lambda case: case.row.audio_seconds,
                lambda value: f"clips of {value:g} s",
            ),
            _along(
                found,
                "memory-parts-by-length",
                lambda case: case.row.audio_seconds,
                "audio length (s)",
                lambda case: case.row.batch_size,
                lambda value: f"batch {value:g}",
            ),
        )
        if figure is not None
    ]
    return Section("memory", "Memory by what it is for", tuple(blocks)) if blocks else None


def _along(
    found: list[Split],
    name: str,
    along: Callable[[Case], float],
    label: str,
    fixed: Callable[[Case], float],
    words: Callable[[float], str],
) -> Figure | None:
    """The models with most points along an axis, at the value of the other that has most."""
    counts = Counter(fixed(split.case) for split in found)
    if not counts:
        return None
    chosen = max(counts, key=lambda value: (counts[value], value))
    there = [split for split in found if fixed(split.case) == chosen]
    points = Counter((split.case.model, split.case.place) for split in there)
    models = [key for key, count in points.most_common(MOST_PANELS) if count > 1]
    shown = [
        split for key in models for split in there if (split.case.model, split.case.place) == key
    ]
    if not shown:
        return None
    return memory_parts(name, words(chosen), shown, along, label)
