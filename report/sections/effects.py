"""What variants showed of themselves: the proof that each took effect, and figures of its own."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import islice

from report.content import MISSING, Column, Table
from report.study import BASELINE, Configuration, Study, shape
from report.text import listing, number, percent, plural
from store import Figure, Proof

MOST_ROWS = 30
OWN_FIGURES = {
    "size_ratio": "size by that of fp32",
    "acceptance": "drafts kept",
    "tokens_per_pass": "tokens a pass",
    "first_text_s": "first text after",
    "first_word_s": "first whole word after",
    "real_time_factor": "real-time factor",
    "final_lag_s": "last text after the end",
    "compile_s": "compiling",
    "conversion_s": "converting",
    "padding_share": "padding",
    "unsorted_padding_share": "padding as they come",
    "idle_decoder_share": "idle decoder rows",
    "largest_batch": "largest batch",
    "too_large_batch": "too large",
}
"""Figures by what a reader calls them; the decoder's and memory's have tables of their own."""


def effects(study: Study) -> Table | None:
    """A row for all cases of a variant that showed the same; None where none had anything to show.

    Plain fp32 has a proof as well, but nobody doubts it: it is named where there is no other.
    """
    proofs = study.children(Proof, study.ok)
    figures = study.children(Figure, study.ok)
    told: dict[tuple[Configuration, str, str], list[str]] = {}
    for case in study.ok:
        found = _proven(proofs.get(case.row.result_id, ()))
        own = own_figures(figures.get(case.row.result_id, ()))
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
    telling = [proof for proof in proofs if (proof.part, proof.asked) != ("precision", "fp32")]
    shown = telling or proofs
    return "; ".join(f"{proof.part.replace('_', ' ')}: {proof.found}" for proof in shown)


def own_figures(figures: Sequence[Figure], names: Collection[str] = OWN_FIGURES) -> str:
    """``drafts kept 62.0 %; first text after 1.20 s``: those of ``names`` that there are."""
    return "; ".join(
        f"{OWN_FIGURES[figure.name]} {_value(figure)}" for figure in figures if figure.name in names
    )


def _value(figure: Figure) -> str:
    if figure.name.endswith("_s"):
        return f"{number(figure.value)} s"
    if figure.name.endswith("_share") or figure.name == "acceptance":
        return f"{percent(figure.value)} %"
    return number(figure.value)
