"""Memory of the cases whose parts were told apart: weights, activations, cache."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from report.study import Case, Study
from store import Scalar

PARTS = ("weights", "activations", "cache")


@dataclass(frozen=True)
class Split:
    """One case."""

    case: Case
    parts: Mapping[str, float]
    """Bytes of each of `PARTS`."""


def splits(study: Study) -> list[Split]:
    """The baseline cases that have all three parts."""
    found = []
    records = study.children(Scalar, study.baseline)
    for case in study.baseline:
        values = {record.name: record.value for record in records.get(case.row.result_id, ())}
        parts = {part: values.get(f"memory_{part}_bytes") for part in PARTS}
        known = {part: value for part, value in parts.items() if value is not None}
        if len(known) == len(PARTS):
            found.append(Split(case, known))
    return found
