"""The tables that the commands print."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from report.speech import PACKED, STOPPED_EARLY, error_rate, language_source, rate_marks
from report.text import percent, plural, size
from runner.catalogue.engines import ENGINES
from runner.catalogue.models import CATALOGUE
from runner.cli.names import Name
from runner.cli.plain import cell, plain
from runner.cli.speech_notes import of_each, speech_notes, studied_rows
from stats.intervals import FEW_ROUNDS
from store import COLUMNS, LeaderboardRow, Metric, Store
from store.data_source import short_data
from store.energy_marks import energy_mark

if TYPE_CHECKING:
    from runner.grid import Case

MODEL_WIDTH = 14
"""Least columns of the terminal for a model's name; what is longer folds."""
PLACE_WIDTH = 12
"""As many for the device and the variant."""
GAP = 2
"""Blanks between two columns."""

_UNJUDGED = "-"
_EXPENDABLE = ("joules_per_audio_hour", "rss_mb", "gflops", "vram_mb", "energy_j")
"""The columns that give way after those of scalars, the first first."""
_MAY_BE_EMPTY = ("vram_mb", "speedup")
"""Columns that are left out where no result has a value."""
_HEADINGS = {"joules_per_audio_hour": "J per\naudio h", "speedup": "speed-\nup"}


def grid_table(cases: Sequence[Case]) -> Table:
    """The cases of a dry run."""
    table = Table(
        box=box.SIMPLE_HEAD,
        title=plural(len(cases), "case"),
        title_justify="left",
        title_style="bold",
    )
    table.add_column("model", overflow="fold", min_width=14)
    for heading in ("weights", "device", "variant"):
        table.add_column(heading, overflow="fold")
    table.add_column("audio s", justify="right")
    table.add_column("batch", justify="right")
    several = any(case.threads is not None for case in cases)
    if several:
        table.add_column("threads", justify="right")
    for case in cases:
        engine = f"@{case.model.engine}" if case.model.engine else ""
        table.add_row(
            Name(f"{case.model.name}{engine}"),
            case.model.weights,
            cell(case.device),
            Name(case.variant.name),
            f"{case.audio_seconds:g}",
            str(case.batch_size),
            *([str(case.threads or "")] if several else []),
        )
    return table


def results_table(
    rows: Sequence[LeaderboardRow],
    scalars: Iterable[Metric] = (),
    *,
    width: int,
    ids: bool = False,
) -> Table:
    """Results with figures, one row each.

    Names fold where the terminal is narrow; figures are never cut: the less important columns
    give way.

    Args:
        rows: The results.
        scalars: Those of the store.
        width: Cells of the terminal.
        ids: Whether the first column is the number of the result.
    """
    places = [plain(row.place_and_variant) for row in rows]
    id_width = max(len(str(row.result_id)) for row in rows) + GAP if ids and rows else 0
    room = (
        width
        - id_width
        - MODEL_WIDTH
        - min(max(map(len, places), default=0), PLACE_WIDTH)
        - 2 * GAP
    )
    data = short_data(row.data for row in rows if row.data is not None)
    if len(data) > 1:
        room -= min(max(map(len, data.values())), PLACE_WIDTH) + GAP
    of_measures = [
        metric
        for metric in scalars
        if metric.shown == "tables" and any(metric.name in row.scalars for row in rows)
    ]
    columns = _columns(rows, of_measures, intervals=width >= 110)
    for expendable in (*(metric.name for metric in reversed(of_measures)), *_EXPENDABLE):
        if sum(column.width + GAP for column in columns) > room:
            columns = [column for column in columns if column.name != expendable]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True, show_edge=False)
    if ids:
        table.add_column("id", justify="right", no_wrap=True)
    table.add_column("model", overflow="fold")
    table.add_column("on", overflow="fold")
    if len(data) > 1:
        table.add_column("data", overflow="fold")
    for column in columns:
        table.add_column(column.heading, justify="right", no_wrap=True)
    for number, row in enumerate(rows):
        figures = [column.figures[number] for column in columns]
        numbered = [cell(str(row.result_id))] if ids else []
        speech = [cell(data.get(row.data or "", _UNJUDGED))] if len(data) > 1 else []
        named = (cell(model_cell(row)), cell(places[number]))
        table.add_row(*numbered, *named, *speech, *map(cell, figures))
    return table


@dataclass(frozen=True)
class _Column:
    name: str
    heading: str
    figures: list[str]

    @property
    def width(self) -> int:
        return max(len(line) for line in (*self.heading.split("\n"), *self.figures))


def _columns(
    rows: Sequence[LeaderboardRow], scalars: Iterable[Metric], *, intervals: bool
) -> list[_Column]:
    """The columns with figures.

    Args:
        rows: The results.
        scalars: Those that have a column.
        intervals: Whether there is room for both ends of the latency's interval.
    """

    def column(metric: Metric) -> _Column:
        name = metric.name
        heading = _HEADINGS.get(name, f"{metric.heading}\n{metric.unit}".strip())
        cell = _CELLS.get(name)
        figures = [cell(row) if cell else _value(metric, row.value(name)) for row in rows]
        return _Column(name, heading, figures)

    latency = "latency ms\n95 % interval" if intervals else "latency\nms"
    columns = [
        _Column("work", "audio\nx batch", [_work(row) for row in rows]),
        _Column("latency_ms", latency, [_latency(row, intervals) for row in rows]),
        *(column(COLUMNS[name]) for name in ("rtfx", "speedup", "energy_j")),
        *(column(COLUMNS[name]) for name in ("joules_per_audio_hour", "gflops", "rss_mb")),
        *(column(COLUMNS[name]) for name in ("vram_mb", "wer")),
        *map(column, scalars),
    ]
    return [
        column
        for column in columns
        if column.name not in _MAY_BE_EMPTY or set(column.figures) != {_UNJUDGED}
    ]


def print_results(
    console: Console, store: Store, rows: Sequence[LeaderboardRow], *, ids: bool = False
) -> None:
    """Prints results as a table, what its marks mean, and the cases without figures.

    Args:
        console: Where to; its width decides which columns there are.
        store: The store of the results, for what is known of their speech.
        rows: The results, in the order of the table.
        ids: Whether they are numbered.
    """
    good = [row for row in rows if row.state == "ok"]
    if good:
        scalars = store.browse.scalars().values()
        console.print(results_table(good, scalars, width=console.width, ids=ids))
        for note in (*notes_of(good), *missing_joules(store, good), *speech_notes(store, good)):
            console.print(cell(note, "dim"))
    for row in rows:
        if row.state != "ok":
            where = f"{model_cell(row)} {row.place} {row.audio_seconds:g} s x {row.batch_size}"
            number = f"{row.result_id} " if ids else ""
            line = Text.assemble(
                number, (row.state, "red"), " ", cell(f"{where}: {row.reason or ''}")
            )
            console.print(line, soft_wrap=True)
    if rows:
        console.print(cell(f"{plural(len(rows), 'result')} in {store.path}"), soft_wrap=True)


def notes_of(rows: Sequence[LeaderboardRow], *, elsewhere: bool = False) -> list[str]:
    """What the marks in a table of these results mean.

    Args:
        rows: Results with figures.
        elsewhere: Whether the table is read where the store is not.
    """
    notes = ["every figure is for one batch; latency: median and its 95 % interval"]
    if any(row.latency_ms is not None and row.latency_low_ms is None for row in rows):
        notes.append(f"latency without an interval: {FEW_ROUNDS}")
    if any(row.speedup is not None for row in rows):
        notes.append("speed-up: against the first variant, the two interleaved")
    unstable = [row for row in rows if row.stable is False]
    if unstable:
        why = "" if elsewhere else "; `asrprof show ID` says why"
        notes.append(f"~ unstable in {len(unstable)} of {len(rows)}{why}")
    labels = {(row.energy_label, row.energy_source) for row in rows if row.energy_label}
    notes += [
        f"energy {f'{energy_mark(label)} {label}'.strip()} by {source}"
        for label, source in sorted(labels, key=str)
    ]
    if any(row.energy_j is None for row in rows):
        which = "" if elsewhere else "; `asrprof show ID` says which"
        notes.append(f"energy -: not measured, or nothing to trust{which}")
    if any(row.weights == "random" for row in rows):
        notes.append("r random weights: true architecture, real cost, so no WER")
    told = {
        f"{row.language}, {language_source(row.language_by)}"
        for row in rows
        if row.language not in (None, "en")
    }
    if told:
        notes.append(f"language that a model is told, where not English: {'; '.join(sorted(told))}")
    engines = {row.engine for row in rows}
    marked = [entry for entry in ENGINES.values() if entry.mark and entry.name in engines]
    notes += [f"{entry.mark}: {entry.through}" for entry in marked]
    if any(row.model in CATALOGUE and row.model.startswith("small-") for row in rows):
        notes.append(
            "small-*: trained on the vocabulary of asrprof's own synthesised speech; their WER "
            "speaks of that speech alone"
        )
    return notes


def missing_joules(store: Store, rows: Sequence[LeaderboardRow]) -> list[str]:
    """Why results have no joules, where they were asked for.

    Args:
        store: Where the rows are from.
        rows: Results with figures.
    """
    bare = studied_rows(store, [row for row in rows if row.energy_j is None])
    asked = [row for row in bare if row.energy_reason != "not asked for"]
    return of_each(asked, lambda row: row.energy_reason and f"no joules: {row.energy_reason}")


def model_cell(row: LeaderboardRow) -> str:
    """A model's name without its folder or organisation, with the marks of engine and weights."""
    name = row.model.rstrip("/").rsplit("/", 1)[-1]
    if row.engine in ENGINES and ENGINES[row.engine].mark:
        name = f"{name} {ENGINES[row.engine].mark}"
    if row.language not in (None, "en"):
        name = f"{name} {row.language}"
    return f"{name} r" if row.weights == "random" else name


def _latency(row: LeaderboardRow, wide: bool) -> str:
    if row.latency_ms is None:
        return _UNJUDGED
    text = f"{_doubt(row)}{_number(row.latency_ms)}"
    low, high = row.latency_low_ms, row.latency_high_ms
    if low is None or high is None:
        return text
    if wide:
        return f"{text} [{_number(low)}, {_number(high)}]"
    return f"{text} ±{max(high - row.latency_ms, row.latency_ms - low) / row.latency_ms:.0%}"


def _rtfx(row: LeaderboardRow) -> str:
    return _UNJUDGED if row.rtfx is None else f"{_doubt(row)}{_number(row.rtfx)}"


def _doubt(row: LeaderboardRow) -> str:
    """The signs before a latency and before RTFx, which is latency turned round."""
    return f"{'' if row.stable else '~'}{STOPPED_EARLY if row.stopped_early else ''}"


def _work(row: LeaderboardRow) -> str:
    mark = PACKED if row.clips_mode == "packed" else ""
    return f"{mark}{row.audio_seconds:g} x {row.batch_size}"


def _wer(row: LeaderboardRow) -> str:
    rate = error_rate(row)
    return _UNJUDGED if rate is None else f"{rate_marks(row)}{100 * rate:.1f}"


def _speedup(row: LeaderboardRow) -> str:
    return _UNJUDGED if row.speedup is None else f"x{row.speedup:.2f}"


def _energy(row: LeaderboardRow) -> str:
    mark = energy_mark(row.energy_label)
    return _UNJUDGED if row.energy_j is None else f"{mark}{_number(row.energy_j)}"


def value_cell(metric: Metric, row: LeaderboardRow) -> str:
    """A figure or word of a result as a cell."""
    written = _CELLS.get(metric.name)
    if written is not None:
        return written(row)
    value = row.as_dict().get(metric.name)
    if value is None or isinstance(value, str):
        return _UNJUDGED if value is None else value
    if metric.form == "flag" or isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, int) else _value(metric, value)


def _value(metric: Metric, value: float | None) -> str:
    if value is not None and metric.form in ("share", "bytes"):
        return size(value) if metric.form == "bytes" else percent(value)
    return _number(value)


def _number(value: float | None) -> str:
    """Three significant digits, no exponent."""
    if value is None:
        return _UNJUDGED
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}"


_CELLS: dict[str, Callable[[LeaderboardRow], str]] = {
    "speedup": _speedup,
    "latency_ms": lambda row: _latency(row, wide=False),
    "rtfx": _rtfx,
    "energy_j": _energy,
    "wer": _wer,
}
"""Values with signs."""
