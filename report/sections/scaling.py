"""How costs grow with audio length and batch size, and where growing ends."""

from __future__ import annotations

import math
from collections.abc import Callable

from report.content import Block, Column, Section, Table, Text
from report.figures.scaling import BATCH, ENERGY, LATENCY, LENGTH, SPEED, lines, memory_by_work
from report.figures.style import Palette
from report.scaling import Exponent, ScalingLaw, laws, saturations
from report.study import Case, Configuration, Study
from report.text import MISSING, listing, number, percent, plural
from report.variants import peak_memory

MOST_ROWS = 30


def scaling(study: Study, palette: Palette) -> Section:
    """The section."""
    blocks: list[Block] = []
    undrawn = []
    for quantity, axis in ((LATENCY, LENGTH), (SPEED, BATCH), (ENERGY, BATCH)):
        figure = lines(study, palette, quantity, axis)
        if figure is not None:
            blocks.append(figure)
        else:
            undrawn.append(f"{quantity.title.lower()} along {axis.label}")
    if undrawn:
        blocks.append(
            Text(
                f"No figure of {listing(undrawn)}: that needs a model with such figures at two "
                "points of the axis, the other one held fixed."
            )
        )
    blocks += [
        memory_by_work(study, palette),
        *_laws(study, palette),
        _saturation(study),
        _breaks(study),
    ]
    return Section("scaling", "Scaling", tuple(blocks))


_COSTS: tuple[tuple[str, Callable[[Case], float | None], Callable[[float], str]], ...] = (
    ("latency", lambda case: case.row.latency_s, lambda value: f"{number(1e3 * value)} ms"),
    ("energy", lambda case: case.row.energy_j, lambda value: f"{number(value)} J"),
    (
        "peak memory",
        lambda case: float(peak_memory(case) or 0),
        lambda value: f"{number(value / 1e6)} MB",
    ),
)


def _laws(study: Study, palette: Palette) -> list[Block]:
    """One table a cost; that of latency has the exponents of the work beside it."""
    # Fits take a millisecond each: none for the thousands of models that no page can show.
    cases = [case for case in study.baseline if case.model in palette.models]
    work = laws(cases, lambda case: float(case.row.flops or 0))
    blocks: list[Block] = []
    for name, cost, constant in _COSTS:
        found = laws(cases, cost)
        if found:
            beside = work if name == "latency" else None
            blocks.append(_law_table(name, found, constant, beside))
    if not blocks:
        blocks.append(
            Text(
                "No scaling law: a fit needs three points of one model along audio length or batch "
                "size."
            )
        )
    return blocks


def _law_table(
    name: str,
    found: dict[Configuration, ScalingLaw],
    constant: Callable[[float], str],
    work: dict[Configuration, ScalingLaw] | None,
) -> Table:
    rows = []
    for configuration in sorted(found)[:MOST_ROWS]:
        law = found[configuration]
        beside = work.get(configuration) if work else None
        rows.append(
            (
                configuration.title,
                constant(law.constant) if law.constant else "0",
                _exponent(law.length),
                _exponent(law.batch),
                percent(law.misfit),
                str(law.points),
                *(
                    [f"{beside.length.value:.2f}" if beside and beside.length else MISSING]
                    if work
                    else []
                ),
            )
        )
    notes = [
        f"{name} = constant + c · length^p · batch^q, fitted to relative errors; in brackets the "
        "95 % interval. Misfit: root mean square of the relative errors."
    ]
    if any(MISSING in row for row in rows):
        notes.append("– where the axis did not vary, or there is no FLOP count.")
    if len(found) > len(rows):
        notes.append(f"{plural(len(found) - len(rows), 'more configuration')} in the store.")
    return Table(
        f"Scaling law of {name}",
        (
            Column("model and device", text=True),
            Column("constant"),
            Column("exponent of length"),
            Column("exponent of batch"),
            Column("misfit", "%"),
            Column("points"),
            *([Column("the FLOPs' exponent", "of length")] if work else []),
        ),
        tuple(rows),
        tuple(notes),
    )


def _exponent(exponent: Exponent | None) -> str:
    if exponent is None:
        return MISSING
    reach = exponent.high - exponent.value
    if math.isnan(reach):
        return f"{exponent.value:.2f}"
    digits = 3 if reach < 0.02 else 2
    return f"{exponent.value:.{digits}f} [{exponent.low:.{digits}f}, {exponent.high:.{digits}f}]"


def _saturation(study: Study) -> Block:
    found = [s for s in saturations(study.cases) if s.configuration.variant == "fp32"]
    if not found:
        return Text("No saturation: it needs two batch sizes at one audio length.")
    longest: dict[Configuration, float] = {}
    for one in found:
        longest[one.configuration] = max(longest.get(one.configuration, 0.0), one.audio_seconds)
    chosen = [s for s in found if longest[s.configuration] == s.audio_seconds]
    rows = []
    for one in sorted(chosen, key=lambda s: s.configuration)[:MOST_ROWS]:
        if one.broke is not None:
            end = f"out of memory at batch {one.broke}"
        elif one.is_open:
            end = "still growing at the largest batch"
        else:
            end = "saturated"
        rows.append(
            (
                one.configuration.title,
                f"{one.audio_seconds:g}",
                f"{one.smallest} to {one.largest}",
                str(one.saturated),
                number(one.gain),
                end,
            )
        )
    return Table(
        "Where larger batches stop paying",
        (
            Column("model and device", text=True),
            Column("clips", "s"),
            Column("batches"),
            Column("95 % of the best at batch"),
            Column("gain over the smallest", "times"),
            Column("beyond", text=True),
        ),
        tuple(rows),
        ("Throughput at the longest clips of each configuration.",),
    )


def _breaks(study: Study) -> Block:
    broken = [case for case in study.cases if case.row.state == "oom"]
    if not broken:
        return Text("No case ran out of memory.")
    rows = [
        (
            case.configuration.title,
            f"{case.row.audio_seconds:g}",
            str(case.row.batch_size),
            case.row.reason or "no reason given",
        )
        for case in broken[:MOST_ROWS]
    ]
    left = len(broken) - len(rows)
    return Table(
        "Out of memory",
        (
            Column("model and device", text=True),
            Column("clips", "s"),
            Column("batch"),
            Column("reason", text=True),
        ),
        tuple(rows),
        (f"{plural(left, 'more case')}.",) if left else (),
    )
