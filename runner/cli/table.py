"""The tables that the commands print."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from runner.engines.catalogue import CATALOGUE
from runner.grid import Case
from store import LeaderboardRow, Store

_UNJUDGED = "-"


def grid_table(cases: Sequence[Case]) -> Table:
    """The cases of a dry run."""
    table = Table(
        box=box.SIMPLE_HEAD, title=f"{len(cases)} cases", title_justify="left", title_style="bold"
    )
    for heading in ("model", "weights", "device", "variant"):
        table.add_column(heading)
    table.add_column("audio s", justify="right")
    table.add_column("batch", justify="right")
    for case in cases:
        table.add_row(
            escape(case.model.name),
            case.model.weights,
            case.device,
            escape(case.variant.name),
            f"{case.audio_seconds:g}",
            str(case.batch_size),
        )
    return table


def results_table(rows: Sequence[LeaderboardRow], *, width: int) -> Table:
    """Results with figures, one row each; the less important columns need a wide terminal."""
    wide = width >= 110
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("model", overflow="fold", min_width=14)
    table.add_column("on")
    table.add_column("audio\ns x batch", justify="right")
    table.add_column("latency ms\n95 % interval" if wide else "latency\nms", justify="right")
    table.add_column("RTFx", justify="right")
    table.add_column("energy\nJ", justify="right")
    if wide:
        table.add_column("J per\naudio h", justify="right")
    table.add_column("GFLOP", justify="right")
    table.add_column("RAM\nMB", justify="right")
    if any(row.vram_mb is not None for row in rows):
        table.add_column("VRAM\nMB", justify="right")
    table.add_column("WER\n%", justify="right")
    for row in rows:
        cells = [
            escape(_model(row)),
            f"{row.device} {escape(row.variant)}" if row.variant != "fp32" else row.device,
            f"{row.audio_seconds:g} x {row.batch_size}",
            _latency(row, wide),
            _number(row.rtfx),
            _energy(row),
        ]
        if wide:
            cells.append(_number(row.joules_per_audio_hour))
        cells += [_number(row.gflops), _number(row.rss_mb)]
        if any(other.vram_mb is not None for other in rows):
            cells.append(_number(row.vram_mb))
        cells.append(_UNJUDGED if row.wer is None else f"{100 * row.wer:.1f}")
        table.add_row(*cells)
    return table


def print_results(console: Console, store: Store, rows: Sequence[LeaderboardRow]) -> None:
    """Prints results as a table, what its marks mean, and the cases without figures."""
    good = [row for row in rows if row.state == "ok"]
    if good:
        console.print(results_table(good, width=console.width))
        for note in _notes(good):
            console.print(note, style="dim", highlight=False, soft_wrap=True)
    for row in rows:
        if row.state != "ok":
            where = f"{_model(row)} {row.device} {row.audio_seconds:g} s x {row.batch_size}"
            console.print(
                f"[red]{row.state}[/red] {escape(where)}: {escape(row.reason or '')}",
                highlight=False,
                soft_wrap=True,
            )
    if rows:
        console.print(f"{len(rows)} results in {escape(str(store.path))}", highlight=False)


def _notes(rows: Sequence[LeaderboardRow]) -> list[str]:
    notes = ["every figure is for one batch; latency is the median"]
    unstable = [row for row in rows if row.stable is False]
    if unstable:
        notes.append(f"~ unstable in {len(unstable)} of {len(rows)}: the machine was not quiet")
    labels = {(row.energy_label, row.energy_source) for row in rows if row.energy_label}
    marks = {"measured": "measured", "sampled": "s sampled", "estimated": "e estimated"}
    notes += [
        f"energy {marks[label]} by {source}" for label, source in sorted(labels, key=str) if label
    ]
    if any(row.energy_j is None for row in rows):
        notes.append("energy -: no trustworthy figure; `asrprof results --show ID` says why")
    if any(row.weights == "random" for row in rows):
        notes.append("r random weights: true architecture, real cost, so no WER")
    if any(row.model in CATALOGUE and row.model.startswith("small-") for row in rows):
        notes.append(
            "small-*: trained on the vocabulary of asrprof's own synthesised speech; their WER "
            "speaks of that speech alone"
        )
    return notes


def _model(row: LeaderboardRow) -> str:
    name = row.model.rstrip("/").rsplit("/", 1)[-1]
    return f"{name} r" if row.weights == "random" else name


def _latency(row: LeaderboardRow, wide: bool) -> str:
    if row.latency_ms is None:
        return _UNJUDGED
    mark = "" if row.stable else "~"
    text = f"{mark}{_number(row.latency_ms)}"
    if wide and row.latency_low_ms is not None and row.latency_high_ms is not None:
        text += f" [{_number(row.latency_low_ms)}, {_number(row.latency_high_ms)}]"
    return escape(text)


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
