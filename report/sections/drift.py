"""Machines that are called equal, and whether their calibrations agree."""

from __future__ import annotations

from report.content import Block, Column, Table, Text
from report.drift import TOLERANCE, calibrations
from report.study import Study
from report.text import number, percent

MOST_ROWS = 40


def drift(study: Study) -> list[Block]:
    """A warning for each machine that is off, and the table; nothing where none has an equal."""
    found = sorted(calibrations(study), key=lambda one: -abs(one.deviation))
    if not found:
        return []
    blocks: list[Block] = []
    for one in found:
        if one.drifts:
            words = "below" if one.deviation < 0 else "above"
            blocks.append(
                Text(
                    f"{one.host} drifts: its {one.figure} on {one.device} is "
                    f"{percent(abs(one.deviation), 0)} % {words} the median of the "
                    f"{one.equals} machines of its hardware. Figures measured there do not "
                    "compare with those of the others."
                )
            )
    rows = tuple(
        (
            one.host,
            one.device,
            one.hardware,
            str(one.sessions),
            number(one.flops_per_s / 1e9),
            number(one.bytes_per_s / 1e9),
            "-" if one.model_s is None else number(one.model_s * 1e3),
            percent(one.deviation, 1),
        )
        for one in found[:MOST_ROWS]
    )
    blocks.append(
        Table(
            "Calibrations of machines of equal hardware",
            (
                Column("machine", text=True),
                Column("device", text=True),
                Column("hardware", text=True),
                Column("sessions"),
                Column("product", "GFLOP/s"),
                Column("copy", "GB/s"),
                Column("small model", "ms"),
                Column("furthest off", "%"),
            ),
            rows,
            (
                "Each session measures a fixed matrix product, a copy and a small model once. "
                f"Beyond {percent(TOLERANCE, 0)} % a machine counts as different from its equals.",
            ),
        )
    )
    return blocks
