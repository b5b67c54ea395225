"""What variants showed of themselves: the proof that each took effect, and figures of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

from report.content import Column, Table
from report.study import BASELINE, Configuration, Study, shape
from report.text import MISSING, listing, plural, with_unit
from store import Metric, Proof, Scalar

MOST_ROWS = 30
_WITH_NOTE = frozenset({"quality_batch_differing", "quality_batch_wer"})
"""Figures that mean nothing without what they are of."""


def effects(study: Study) -> Table | None:
    """A row for all cases of a variant that showed the same; None where none had anything to show.

    Plain fp32 has a proof as well, but nobody doubts it: it is named where there is no other.
    """
    proofs = study.children(Proof, study.ok)
    figures = study.children(Scalar, study.ok)
    metrics = {name: metric for name, metric in study.scalars.items() if metric.shown != "page"}
    told: dict[tuple[Configuration, str, str], list[str]] = {}
    for case in study.ok:
        found = _proven(proofs.get(case.row.result_id, ()))
        own = own_figures(figures.get(case.row.result_id, ()), metrics)
        if own or (found and case.row.variant != BASELINE):
            points = told.setdefault((case.configuration, found, own), [])
            points.append(shape(*case.point))
    if not told:
        return None
    rows = tuple(
        (configuration.title, listing(points), found or MISSING, own or MISSING)
        for (configuration, found, own), points in islice(told.items(), MOST_ROWS)
    )
    notes = ["A variant that shows nothing of what it asks for is a failed case, not a row."]
    if len(told) > len(rows):
        notes.append(f"{plural(len(told) - len(rows), 'more row')} in the store.")
    return Table(
        "What variants showed of themselves",
        (
            Column("variant", text=True),
            Column("cases", text=True),
            Column("proof", text=True),
            Column("figures of its own", text=True),
        ),
        rows,
        tuple(notes),
    )


def _proven(proofs: Sequence[Proof]) -> str:
    telling = [
        proof for proof in proofs if (proof.technique, proof.requested) != ("precision", "fp32")
    ]
    shown = telling or proofs
    return "; ".join(f"{proof.technique.replace('_', ' ')}: {proof.found}" for proof in shown)


def own_figures(
    figures: Sequence[Scalar], metrics: Mapping[str, Metric], *, notes: bool = True
) -> str:
    """``drafts kept 62.0 %; first text after 1.20 s``.

    Args:
        figures: Of a result.
        metrics: Those to show, where there are such.
        notes: Whether what a figure is of stands behind it.
    """
    return "; ".join(
        f"{metric.heading} {with_unit(metric, figure.value)}{_said(figure) if notes else ''}"
        for figure in figures
        if (metric := metrics.get(figure.name)) is not None
    )


def _said(figure: Scalar) -> str:
    """The note of those figures that mean nothing without one."""
    return f" ({figure.note})" if figure.note and figure.name in _WITH_NOTE else ""
