"""The columns of the results table on a narrow screen: what is the same for all is folded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from store import Metric
from tui.plain import UNPRINTABLE
from tui.results.columns import Row, chosen_columns
from tui.table import Column

NARROW = (
    *("model", "device", "variant", "job_id", "audio_seconds", "batch_size", "latency_ms", "rtfx"),
    *("wer", "energy_j", "joules_per_audio_hour", "rss_mb", "gflops", "created_at"),
)
"""Columns of a narrow screen, where words and energy must be in sight."""
FOLDED = ("device", "variant", "job_id")
"""Columns that a narrow screen leaves out where all results have the same in them."""
_SHORT = {
    "job_id": ("job", 3),
    "audio_seconds": ("s", 4),
    "latency_ms": ("lat. ms", 8),
    "energy_j": ("J", 6),
}
"""Labels and cells of columns on a narrow screen."""
_UNPRINTABLE = re.compile(f"[{UNPRINTABLE}]")


def narrow_columns(
    shared: Mapping[str, object], scalars: Iterable[Metric] = (), *, model_width: int
) -> list[Column[Row]]:
    """The columns of a narrow screen: what is the same for all stands in the heading instead.

    Args:
        shared: The values that all results have, by the names of their columns.
        scalars: Those of the store.
        model_width: Cells of the models' names.
    """
    place = [str(shared[name]) for name in ("device", "variant") if name in shared]
    heading = f"model on {' '.join(place)}"
    fits = bool(place) and len(heading) <= model_width and not _UNPRINTABLE.search(heading)
    left_out = {name for name in FOLDED if name in shared and (fits or name == "job_id")}
    keys = [name for name in NARROW if name not in left_out]
    columns = []
    for column in chosen_columns(keys, scalars, model_width=model_width):
        label, width = _SHORT.get(column.key, (column.label, column.width))
        if column.key == "model" and fits:
            label = heading
        columns.append(replace(column, label=label, width=width))
    return columns
