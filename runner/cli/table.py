"""The tables that the commands print."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from runner.cli.plain import cell, plain
from runner.engines.catalogue import CATALOGUE
from runner.grid import Case
from store import LeaderboardRow, Store

MODEL_WIDTH = 14
"""Least columns of the terminal for a model's name; what is longer folds."""
PLACE_WIDTH = 12
"""As many for the device and the variant."""
GAP = 2
"""Blanks between two columns."""

_UNJUDGED = "-"
_EXPENDABLE = ("J per\naudio h", "RAM\nMB", "GFLOP", "VRAM\nMB", "energy\nJ")
"""Headings of the columns that give way, the first first."""


def grid_table(cases: Sequence[Case]) -> Table:
    """The cases of a dry run."""
    table = Table(
        box=box.SIMPLE_HEAD, title=f"{len(cases)} cases", title_justify="left", title_style="bold"
    )
    table.add_column("model", overflow="fold", min_width=14)
    for heading in ("weights", "device", "variant"):
        table.add_column(heading, overflow="fold")
    table.add_column("audio s", justify="right")
    table.add_column("batch", justify="right")
    for case in cases:
        table.add_row(
            cell(case.model.name),
            case.model.weights,
            cell(case.device),
            cell(case.variant.name),
            f"{case.audio_seconds:g}",
            str(case.batch_size),
        )
    return table


def results_table(rows: Sequence[LeaderboardRow], *, width: int) -> Table:
    """Results with figures, one row each.

    Names fold where the terminal is narrow; figures are never cut: the less important columns
    give way.
    """
    places = [
        plain(row.device if row.variant == "fp32" else f"{row.device} {row.variant}")
        for row in rows
    ]
    room = width - MODEL_WIDTH - min(max(map(len, places), default=0), PLACE_WIDTH) - 2 * GAP
    columns = _columns(rows, intervals=width >= 110)
    for expendable in _EXPENDABLE:
        if sum(column.width + GAP for column in columns) > room:
            columns = [column for column in columns if column.heading != expendable]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True, show_edge=False)
    table.add_column("model", overflow="fold")
    table.add_column("on", overflow="fold")
    for column in columns:
        table.add_column(column.heading, justify="right", no_wrap=True)
    for number, row in enumerate(rows):
        figures = [column.figures[number] for column in columns]
        table.add_row(cell(_model(row)), cell(places[number]), *map(cell, figures))
    return table


@dataclass(frozen=True)
class _Column:
    heading: str
    figures: list[str]

    @property
    def width(self) -> int:
        return max(len(line) for line in (*self.heading.split("\n"), *self.figures))


def _columns(rows: Sequence[LeaderboardRow], *, intervals: bool) -> list[_Column]:
    latency = "latency ms\n95 % interval" if intervals else "latency\nms"
    columns = [
        _Column("audio\nx batch", [f"{row.audio_seconds:g} x {row.batch_size}" for row in rows]),
        _Column(latency, [_latency(row, intervals) for row in rows]),
        _Column("RTFx", [_number(row.rtfx) for row in rows]),
        _Column("speed-\nup", [_speedup(row) for row in rows]),
        _Column("energy\nJ", [_energy(row) for row in rows]),
        _Column("J per\naudio h", [_number(row.joules_per_audio_hour) for row in rows]),
        _Column("GFLOP", [_number(row.gflops) for row in rows]),
        _Column("RAM\nMB", [_number(row.rss_mb) for row in rows]),
        _Column("VRAM\nMB", [_number(row.vram_mb) for row in rows]),
        _Column("WER\n%", [_UNJUDGED if r.wer is None else f"{100 * r.wer:.1f}" for r in rows]),
    ]
    empty = {
        "VRAM\nMB": all(row.vram_mb is None for row in rows),
        "speed-\nup": all(row.speedup is None for row in rows),
    }
    return [column for column in columns if not empty.get(column.heading, False)]


def print_results(console: Console, store: Store, rows: Sequence[LeaderboardRow]) -> None:
    """Prints results as a table, what its marks mean, and the cases without figures."""
    good = [row for row in rows if row.state == "ok"]
    if good:
        console.print(results_table(good, width=console.width))
        for note in _notes(good):
            console.print(cell(note, "dim"))
    for row in rows:
        if row.state != "ok":
            where = f"{_model(row)} {row.device} {row.audio_seconds:g} s x {row.batch_size}"
            line = Text.assemble((row.state, "red"), " ", cell(f"{where}: {row.reason or ''}"))
            console.print(line, soft_wrap=True)
    if rows:
        console.print(cell(f"{len(rows)} results in {store.path}"), soft_wrap=True)


def _notes(rows: Sequence[LeaderboardRow]) -> list[str]:
    notes = ["every figure is for one batch; latency: median and its 95 % interval"]
    if any(row.latency_ms is not None and row.latency_low_ms is None for row in rows):
        notes.append("latency without an interval: one round of the batch cycle gives none")
    if any(row.speedup is not None for row in rows):
        notes.append("speed-up: against the first variant, the two taking turns")
    unstable = [row for row in rows if row.stable is False]
    if unstable:
        notes.append(f"~ unstable in {len(unstable)} of {len(rows)}: the machine was not quiet")
    labels = {(row.energy_label, row.energy_source) for row in rows if row.energy_label}
    marks = {"measured": "measured", "sampled": "s sampled", "estimated": "e estimated"}
    notes += [
        f"energy {marks[label]} by {source}" for label, source in sorted(labels, key=str) if label
    ]
    if any(row.energy_j is None for row in rows):
        notes.append(
            "energy -: not measured, or nothing to trust; `asrprof results --show ID` says which"
        )
    if any(row.weights == "random" for row in rows):
        notes.append("r random weights: true architecture, real cost, so no WER")
    if any(row.engine == "faster-whisper" for row in rows):
        notes.append("ct2: through faster-whisper, on CTranslate2")
    if any(row.model in CATALOGUE and row.model.startswith("small-") for row in rows):
        notes.append(
            "small-*: trained on the vocabulary of asrprof's own synthesised speech; their WER "
            "speaks of that speech alone"
        )
    return notes


def _model(row: LeaderboardRow) -> str:
    name = row.model.rstrip("/").rsplit("/", 1)[-1]
    if row.engine == "faster-whisper":
        name = f"{name} ct2"
    return f"{name} r" if row.weights == "random" else name


def _latency(row: LeaderboardRow, wide: bool) -> str:
    if row.latency_ms is None:
        return _UNJUDGED
    mark = "" if row.stable else "~"
    text = f"{mark}{_number(row.latency_ms)}"
    low, high = row.latency_low_ms, row.latency_high_ms
    if low is None or high is None:
        return text
    if wide:
        return f"{text} [{_number(low)}, {_number(high)}]"
    return f"{text} ±{max(high - row.latency_ms, row.latency_ms - low) / row.latency_ms:.0%}"


def _speedup(row: LeaderboardRow) -> str:
    return _UNJUDGED if row.speedup is None else f"x{row.speedup:.2f}"


def _energy(row: LeaderboardRow) -> str:
    mark = {"estimated": "e", "sampled": "s"}.get(row.energy_label or "", "")
    return _UNJUDGED if row.energy_j is None else f"{mark}{_number(row.energy_j)}"


def _number(value: float | None) -> str:
    """Three significant digits, no exponent."""
    if value is None:
        return _UNJUDGED
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}"
