"""One result as people read it: where the time of a batch goes, and how the batches are spread."""

from __future__ import annotations

from statistics import median

from rich.console import Group, RenderableType
from rich.text import Text

from report.text import interval, plural
from store import Result, Stage, StoredResult
from tui.glyphs import Glyphs
from tui.palette import Palette
from tui.plain import cell, plain
from tui.present import milliseconds, number, percent
from tui.present_queue import bar
from tui.results.bins import bins
from tui.results.detail import flops_words, grid, nothing


def stages(stored: StoredResult, palette: Palette, glyphs: Glyphs, width: int) -> RenderableType:
    """Where the time of a batch goes.

    Args:
        stored: The result.
        palette: Colours of the theme.
        glyphs: Signs to draw with.
        width: Cells of the part.
    """
    result = stored.result
    if not result.stages:
        return nothing("No stages were timed.", result, palette)
    total = sum(stage.median_s for stage in result.stages if stage.stage != "token")
    table = grid(5)
    room = max(10, min(40, width - 50))
    for stage in result.stages:
        share = stage.median_s / total if total > 0 else 0.0
        inside = stage.stage == "token"
        table.add_row(
            cell(f"  one {stage.stage}" if inside else stage.stage),
            Text(milliseconds(stage.median_s), justify="right"),
            Text("") if inside else bar(share, room, palette, glyphs, palette.primary),
            Text("" if inside else percent(share), justify="right"),
            Text(plain(_stage_interval(stage)), palette.muted),
        )
    said = [
        *_without_interval(result, palette),
        Text("Timed in a pass of their own; they need not add up to the latency.", palette.muted),
        *_tokens(result, palette),
    ]
    counted = [reading for reading in result.flops if reading.method == "meta"]
    if counted:
        flops = grid(2)
        for reading in counted:
            flops.add_row(
                Text(f"{reading.stage} FLOPs", palette.muted),
                cell(
                    flops_words(reading.flops) if reading.flops is not None else reading.note or "-"
                ),
            )
        return Group(table, Text(), *said, Text(), flops)
    return Group(table, Text(), *said)


def _tokens(result: Result, palette: Palette) -> list[Text]:
    """What the chart of the decoder's steps, drawn below, says in one figure."""
    ratio = next(
        (figure.value for figure in result.figures if figure.name == "late_to_early"), None
    )
    if ratio is None:
        return []
    return [
        Text.assemble(
            ("The last tokens take ", palette.muted),
            f"{ratio:.2f} times",
            (" as long as the first; 1 is a cache at work.", palette.muted),
        )
    ]


def histogram(stored: StoredResult, palette: Palette, glyphs: Glyphs, width: int) -> RenderableType:
    """How the latencies of the batches are spread.

    Args:
        stored: The result.
        palette: Colours of the theme.
        glyphs: Signs to draw with.
        width: Cells of the part.
    """
    values = [sample.seconds for sample in stored.result.samples if sample.kind == "latency"]
    if not values:
        return nothing("There are no samples.", stored.result, palette)
    low, step, counts = bins(values)
    most, middle = max(counts), median(values)
    room = max(10, min(60, width - 30))
    table = grid(3)
    for place, count in enumerate(counts):
        start = low + place * step
        holds = start <= middle < start + step or (place == len(counts) - 1 and middle >= start)
        table.add_row(
            Text(f"{number(1e3 * start, 4)} ms", palette.muted, justify="right"),
            bar(count / most, room, palette, glyphs, palette.accent if holds else palette.primary),
            Text(f"{count}{'  median' if holds else ''}"),
        )
    warmup = sum(sample.kind == "warmup" for sample in stored.result.samples)
    words = f"{plural(len(values), 'sample')}, one for each batch that was timed."
    if warmup:
        words += f" {warmup} more of the warm-up do not count."
    return Group(Text(words, palette.muted), Text(), table)


def _stage_interval(stage: Stage) -> str:
    if stage.low_s is None or stage.high_s is None:
        return ""
    return interval(stage.low_s * 1e3, stage.high_s * 1e3)


def _without_interval(result: Result, palette: Palette) -> list[Text]:
    """Why stages have no interval, each reason once."""
    bare = [stage for stage in result.stages if stage.low_s is None or stage.high_s is None]
    reasons = dict.fromkeys(stage.interval_reason or "it was timed too seldom" for stage in bare)
    return [Text(plain(f"No interval: {reason}."), palette.muted) for reason in reasons]
