"""`asrprof data`: what a source of speech holds, before anything is measured with it."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.table import Table
from rich.text import Text

from report.text import plural
from runner.cli.options import SetOption
from runner.cli.plain import cell
from runner.cli.progress import REFRESH_HZ
from runner.config import Data
from runner.config.data import FormatName
from runner.config_file import load_benchmark
from runner.errors import UserError

if TYPE_CHECKING:
    from runner.clips.survey import Survey

LENGTHS_S = (5.0, 10.0, 15.0, 30.0, 60.0)
"""Of clips, in seconds."""

BINS_S = (0.0, 1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0, 60.0)
"""Where the bars of the histogram begin, in seconds."""

FORMAT_NAMES: tuple[str, ...] = get_args(FormatName)

_SHOWN = 10
_BAR = 32
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def data(
    path: Annotated[
        Path | None,
        typer.Argument(help="A folder of speech, or its manifest or table.", show_default=False),
    ] = None,
    config: Annotated[
        str | None, typer.Option("--config", help="The data of this JSON config or preset instead.")
    ] = None,
    overrides: SetOption = None,
    format_name: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            autocompletion=lambda: list(FORMAT_NAMES),
            help=f"What the folder is, where it could be several: {', '.join(FORMAT_NAMES)}.",
        ),
    ] = None,
    split: Annotated[
        str | None, typer.Option("--split", help="The split to look at, where there are several.")
    ] = None,
    seconds: Annotated[
        list[float] | None,
        typer.Option(
            "--seconds",
            min=0.1,
            max=86_400,
            help="A clip length to tell the use for instead of 5, 10, 15, 30, 60 and the config's; "
            "may be repeated.",
        ),
    ] = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Decode all audio as a run would, not headers alone."),
    ] = False,
    every: Annotated[
        bool, typer.Option("--all", help="Every problem and skipped row, not the first ten.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of tables.")] = False,
) -> int:
    """Show what a folder of speech, or a config's data, holds: 1 if something in it is wrong."""
    if (path is None) == (config is None):
        raise UserError("name a folder of speech, or a config or preset with --config")
    if config is not None:
        if format_name or split:
            raise UserError("--format and --split belong to a path; use --set data.format=...")
        benchmark = load_benchmark(config, overrides or ())
        asked, lengths = benchmark.data, {*LENGTHS_S, *benchmark.audio_seconds}
    else:
        if overrides:
            raise UserError("--set belongs to --config")
        asked, lengths = _of_path(str(path), format_name, split), {*LENGTHS_S}
    if seconds:
        lengths = set(seconds)
    found = _survey(asked, check=check)
    if as_json:
        typer.echo(
            json.dumps(_document(found, asked, sorted(lengths)), indent=2, ensure_ascii=False)
        )
    else:
        _print(Console(), found, asked, sorted(lengths), shown=None if every else _SHOWN)
    return 1 if found.problems or found.left_out else 0


def _of_path(path: str, format_name: str | None, split: str | None) -> Data:
    if format_name is not None and format_name not in FORMAT_NAMES:
        near = get_close_matches(format_name, FORMAT_NAMES, n=1)
        known = f'did you mean "{near[0]}"?' if near else f"known: {', '.join(FORMAT_NAMES)}"
        raise UserError(f'--format: unknown value "{format_name}"; {known}')
    given = {"source": "folder", "path": path, "format": format_name, "split": split}
    return Data.model_validate({key: value for key, value in given.items() if value})


def _survey(asked: Data, *, check: bool) -> Survey:
    """Looks through the data with a bar on stderr, where that is a terminal."""
    # Not at the top: numpy and soundfile take a moment that no other command should wait for.
    from runner.clips.survey import survey

    console = Console(stderr=True)
    if not console.is_terminal:
        return survey(asked, check=check)
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        console=console,
        refresh_per_second=REFRESH_HZ,
        transient=True,
    ) as bar:
        task = bar.add_task("reading rows", total=None)

        def progress(what: str, share: float) -> None:
            bar.update(task, description=what, total=1.0, completed=share)

        return survey(asked, check=check, progress=progress)


def _document(found: Survey, asked: Data, lengths: Sequence[float]) -> dict[str, Any]:
    """The survey for machines: lengths as a histogram, the rest in whole."""
    document = asdict(found)
    document["audio"] = [
        {"rate_hz": rate, "channels": channels, "files": files}
        for (rate, channels), files in sorted(found.audio.items())
    ]
    document["seconds"] = sum(found.seconds)
    document["language"] = asked.language
    document["lengths"] = [
        {"from_s": low, "below_s": high, "utterances": count}
        for low, high, count in _histogram(found.seconds)
    ]
    document["shortest_s"] = min(found.seconds, default=None)
    document["longest_s"] = max(found.seconds, default=None)
    document["clips"] = [asdict(found.usable(length)) for length in lengths]
    return document


def _histogram(seconds: Sequence[float]) -> list[tuple[float, float | None, int]]:
    """Bars from the first to the last that is not empty: from, below, how many."""
    ends = (*BINS_S[1:], None)
    counts = [0] * len(BINS_S)
    for length in seconds:
        counts[sum(length >= low for low in BINS_S) - 1] += 1
    filled = [place for place, count in enumerate(counts) if count]
    if not filled:
        return []
    bars = zip(BINS_S, ends, counts, strict=True)
    return list(bars)[filled[0] : filled[-1] + 1]


def _print(
    console: Console,
    found: Survey,
    asked: Data,
    lengths: Sequence[float],
    *,
    shown: int | None,
) -> None:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for heading, words in _facts(found, asked):
        table.add_row(heading, cell(words))
    console.print(table)
    if found.seconds:
        for part in (_bars(found), _use(found, lengths)):
            console.print()
            console.print(part)
    console.print()
    for heading, style, lines, number in (
        ("skipped, nothing to score", "yellow", found.skipped, found.skipped_rows),
        ("left out by a run", "yellow", found.left_out, len(found.left_out)),
        ("problems", "red", found.problems, len(found.problems)),
    ):
        if number:
            console.print(Text(f"{heading}: {number:,}", style))
        for line in lines[:shown]:
            console.print(Text("  ").append_text(cell(line)), soft_wrap=True, highlight=False)
        if shown is not None and len(lines) > shown:
            console.print(f"  and {len(lines) - shown:,} more: --all", style="dim")
    if found.untold.count:
        console.print(Text(str(found.untold), "yellow"), soft_wrap=True, highlight=False)
    if found.problems:
        console.print("a run would end at the first problem", style="dim")
    elif found.left_out and not found.seconds:
        console.print("a run would end: no row can be used", style="dim")
    if not found.decoded:
        console.print(
            "from the files' headers; --check decodes all audio, as a run does", style="dim"
        )


def _facts(found: Survey, asked: Data) -> Iterator[tuple[str, str]]:
    hours = sum(found.seconds) / 3600
    indexes = f", {plural(found.indexes, 'file')} of rows" if found.indexes > 1 else ""
    yield "found", f"{found.format} in {found.path}{indexes}"
    beyond = f"; {found.not_taken:,} more beyond data.utterances" if found.not_taken else ""
    yield (
        "utterances",
        f"{found.utterances:,} of {plural(found.rows, 'row')}, {found.words:,} words{beyond}",
    )
    length = f"{hours:,.2f} h" if hours >= 0.1 else f"{sum(found.seconds):.1f} s"
    if found.seconds:
        length += (
            f"; from {min(found.seconds):.2f} to {max(found.seconds):.2f} s, "
            f"median {statistics.median(found.seconds):.2f} s"
        )
    yield "speech", length
    yield "speakers", _known(found.speakers, found.no_speaker, found.utterances)
    yield "recordings", _known(found.recordings, found.no_recording, found.utterances)
    told = ", ".join(f"{name} {count:,}" for name, count in found.languages.items())
    by_config = f"; data.language is {asked.language}" if asked.language else ""
    yield "languages", f"{told or 'not told'}{by_config}"
    kinds = sorted(found.audio.items(), key=lambda item: -item[1])
    if kinds:
        yield (
            "audio",
            ", ".join(
                f"{rate / 1000:g} kHz {_channels(channels)} {files:,}"
                for (rate, channels), files in kinds
            ),
        )


def _known(number: int, unknown: int, utterances: int) -> str:
    if unknown == utterances:
        return "not known"
    return f"{number:,}" + (f"; of {plural(unknown, 'utterance')} not known" if unknown else "")


def _channels(number: int) -> str:
    return {1: "mono", 2: "stereo"}.get(number, f"{number} channels")


def _bars(found: Survey) -> Table:
    """The lengths as a histogram."""
    bars = _histogram(found.seconds)
    most = max(count for _, _, count in bars)
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(justify="right", style="dim", no_wrap=True)
    table.add_column(no_wrap=True, width=_BAR)
    table.add_column(justify="right", no_wrap=True)
    table.add_row("length", "", "utterances", style="dim")
    for low, high, count in bars:
        name = f"{low:g} s on" if high is None else f"{low:g} to {high:g} s"
        table.add_row(name, _bar(count / most), f"{count:,}")
    return table


def _bar(share: float) -> Text:
    eighths = max(round(share * _BAR * 8), 1 if share else 0)
    return Text("█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip(), "cyan")


def _use(found: Survey, lengths: Sequence[float]) -> Table:
    """What clips of each length can use."""
    table = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(3):
        table.add_column(justify="right", no_wrap=True)
    table.add_row("clips of", "of the utterances", "of the speech", style="dim")
    for length in lengths:
        use = found.usable(length)
        table.add_row(
            f"{length:g} s",
            f"{_percent(use.utterances_share)} %",
            f"{_percent(use.speech_share)} %",
        )
    return table


def _percent(share: float) -> str:
    """A share in per cent, which is 100 or 0 of all or none alone."""
    rounded = f"{100 * share:.0f}"
    if share < 1 and rounded == "100":
        return ">99"
    return "<1" if share > 0 and rounded == "0" else rounded
