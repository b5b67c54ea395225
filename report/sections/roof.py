"""How far encoders and decoder steps are from what the machine can do."""

from __future__ import annotations

from report.content import Block, Column, Table, Text
from report.figures.roofline import roofline
from report.figures.style import Palette
from report.roofline import Point, rooflines
from report.study import Study, shape
from report.text import number, percent, plural
from store import Peak

MOST_ROWS = 30


def roof(study: Study, palette: Palette) -> list[Block]:
    """The drawing and the table, or why there are none."""
    found = rooflines(study)
    figure = roofline(found, palette)
    if figure is None:
        return [Text(f"No roofline: {_why_no_roofline(study)}.")]
    blocks: list[Block] = [figure]
    rows = []
    for line in found:
        points = [point for point in line.points if point.case.model in palette.models]
        for (model, stage), members in _grouped(points).items():
            best = max(members, key=lambda point: point.flops_per_s)
            bound = "memory" if best.intensity < line.ridge else "compute"
            rows.append(
                (
                    f"{model} on {line.place}",
                    "decoder step" if stage == "token" else "encoder",
                    shape(*best.case.point),
                    number(best.flops_per_s / 1e9),
                    number(best.intensity),
                    bound,
                    percent(best.share_of_roof, 0),
                    percent(best.flops_per_s / line.peak.flops_per_s, 0),
                )
            )
    peaks = "; ".join(
        f"{line.place}: {number(line.peak.flops_per_s / 1e9)} GFLOP/s and "
        f"{number(line.peak.bytes_per_s / 1e9)} GB/s ({line.peak.detail}"
        + (f", {plural(line.peak.threads, 'thread')})" if line.peak.threads else ")")
        for line in found
    )
    blocks.append(
        Table(
            "Distance from the roof, each model and stage at its best",
            (
                Column("model and device", text=True),
                Column("stage", text=True),
                Column("case", text=True),
                Column("achieved", "GFLOP/s"),
                Column("intensity", "FLOP/byte"),
                Column("bound by", text=True),
                Column("of its roof", "%"),
                Column("of the peak", "%"),
            ),
            tuple(rows[:MOST_ROWS]),
            (
                f"Measured peaks. {peaks}.",
                "Above 100 % of its roof is possible where weights stay in a cache: the copy that "
                "measured the roof went through memory.",
            ),
        )
    )
    return blocks


def _grouped(points: list[Point]) -> dict[tuple[str, str], list[Point]]:
    found: dict[tuple[str, str], list[Point]] = {}
    for point in points:
        found.setdefault((point.case.model, point.stage), []).append(point)
    return found


def _why_no_roofline(study: Study) -> str:
    if not study.children(Peak, study.ok):
        return (
            "this store holds no measured peak of the machine; a run that counts FLOPs measures it "
            "once a session"
        )
    return "no case has FLOPs, stages and the size of its weights together"
