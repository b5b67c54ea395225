"""`asrprof results`: results of the store as a table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from report.text import plural
from runner.cli import complete
from runner.cli.options import MAX_ROW, JsonOption, StoreOption, store_path
from runner.cli.plain import cell, plain
from runner.cli.result import print_json
from runner.cli.robustness_table import print_robustness
from runner.cli.table import print_results, value_cell
from runner.cli.variants import print_effects
from runner.cli.where import WhereOption, all_of, condition_of
from runner.errors import UserError
from store import (
    COLUMNS,
    FilterError,
    Group,
    LeaderboardRow,
    Metric,
    Query,
    Store,
    known_column,
)
from store.browse import GROUP_COLUMNS

USUAL_ROWS = 50
"""Rows that are shown where nobody says how many."""
_OF_GROUPS = ("wer", "rtfx", "joules_per_audio_hour")
"""Figures of a group: the best."""


def results(
    store: StoreOption = None,
    where: WhereOption = None,
    job: Annotated[int | None, typer.Option("--job", help="Only this job.")] = None,
    sort: Annotated[
        str | None,
        typer.Option(
            "--sort",
            metavar="COLUMN",
            help="The best first; -COLUMN: the best last.",
            autocompletion=complete.order_column,
        ),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            "--columns",
            metavar="A,B",
            help="These columns instead of the usual ones.",
            autocompletion=complete.columns,
        ),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            "--by",
            metavar="A,B",
            help="A row for each value of these, with the best.",
            autocompletion=complete.group_columns,
        ),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Most rows.")] = USUAL_ROWS,
    show: Annotated[int | None, typer.Option("--show", help="As `asrprof show ID --json`.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show results from the store, the newest last."""
    path = store_path(store)
    for option, number in (("--job", job), ("--limit", limit), ("--show", show)):
        if number is not None and not 0 < number <= MAX_ROW:
            raise UserError(f"{option} {number}: write a number from 1 to {MAX_ROW}")
    with Store.open_to_read(path) as opened:
        if show is not None:
            print_json(opened.result(show))
            return
        of_job = None if job is None else f"job_id = {job}"
        condition = all_of(condition_of(opened, where), of_job)
        if by is not None:
            names = [_column(opened, "--by", name)[0] for name in by.split(",")]
            if not set(names) <= set(GROUP_COLUMNS):
                raise UserError(f"--by {by}: choose from {', '.join(GROUP_COLUMNS)}")
            _show_groups(opened.browse.groups(names, condition), names, limit, as_json)
            return
        chosen = [_column(opened, "--columns", name) for name in (columns or "").split(",") if name]
        rows, more = _rows(opened, condition, sort, limit)
        if as_json:
            of = [name for name, _ in chosen]
            found = [row.as_dict() for row in rows]
            found = [{name: row.get(name) for name in of} for row in found] if of else found
            typer.echo(json.dumps(found, indent=2))
        elif not rows:
            typer.echo(_none(path, filtered=condition is not None))
        elif chosen:
            _show_columns(rows, chosen)
        else:
            console = Console()
            print_results(console, opened, rows, ids=True)
            # Of what is shown alone: a store may hold any number of older comparisons.
            shown = f"result_id IN ({', '.join(str(row.result_id) for row in rows)})"
            print_effects(
                console,
                opened,
                job_id=job,
                where=shown if condition is None else f"{shown} AND {condition}",
            )
            if job is not None:
                print_robustness(console, opened, job_id=job)
        if more and limit == USUAL_ROWS:
            which = "the newest" if sort is None else "the first"
            typer.echo(f"{which} {plural(len(rows), 'result')} of more: raise --limit", err=True)


def _rows(
    store: Store, condition: str | None, sort: str | None, limit: int
) -> tuple[list[LeaderboardRow], bool]:
    """The rows in the order asked for, by default the newest at the end; whether there are more."""
    browse = store.browse
    query = Query(where=condition)
    if sort is not None:
        name, metric = _column(store, "--sort", sort.removeprefix("-"))
        highest_first = (metric.better == "higher") != sort.startswith("-")
        query = Query(where=condition, order=name, descending=highest_first)
    ids = browse.first(query, min(limit + 1, MAX_ROW))
    more, ids = len(ids) > limit, ids[:limit]
    if sort is None:
        ids.reverse()
    found = browse.rows(ids)
    return [found[number] for number in ids if number in found], more


def _column(store: Store, option: str, name: str) -> tuple[str, Metric]:
    """A column by its name or a shorter one.

    Raises:
        UserError: There is none of this name.
    """
    scalars = store.browse.scalars()
    try:
        column = known_column(name.strip(), scalars)
    except FilterError as error:
        raise UserError(f"{option}: {error}") from error
    return column, COLUMNS[column] if column in COLUMNS else scalars[column]


def _show_columns(rows: Sequence[LeaderboardRow], columns: Sequence[tuple[str, Metric]]) -> None:
    table = _table()
    for _, metric in columns:
        text = metric.form == "text"
        heading = f"{metric.heading}\n{metric.unit}".strip()
        table.add_column(heading, justify="left" if text else "right", overflow="fold")
    for row in rows:
        table.add_row(*(cell(value_cell(metric, row)) for _, metric in columns))
    Console().print(table)


def _show_groups(groups: Sequence[Group], by: Sequence[str], limit: int, as_json: bool) -> None:
    shown = groups[:limit]
    if as_json:
        found = [
            dict(zip(by, group.values, strict=True))
            | {"results": group.results, "ok": group.ok, "unstable": group.unstable}
            | {name: getattr(group, name) for name in _OF_GROUPS}
            | {"energy_label": group.energy_label, "newest": group.newest}
            for group in shown
        ]
        typer.echo(json.dumps(found, indent=2))
        return
    table = _table()
    for name in by:
        table.add_column(COLUMNS[name].heading, overflow="fold")
    for heading in (
        "results",
        "ok",
        "unstable",
        "best WER\n%",
        "best RTFx",
        "least\nJ per audio h",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    for group in shown:
        rate = "-" if group.wer is None else f"{100 * group.wer:.1f}"
        figures = [
            "-" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
            for value in (group.rtfx, group.joules_per_audio_hour)
        ]
        counts = (f"{number:,}" for number in (group.results, group.ok, group.unstable))
        values = [
            "-" if value is None else _plain_value(name, value)
            for name, value in zip(by, group.values, strict=True)
        ]
        table.add_row(*map(cell, (*values, *counts, rate, *figures)))
    console = Console()
    console.print(table)
    if len(groups) > len(shown):
        more = plural(len(groups) - len(shown), "more group")
        console.print(cell(f"{more}: raise --limit", "dim"))


def _plain_value(name: str, value: object) -> str:
    if name == "model":
        return str(value).rstrip("/").rsplit("/", 1)[-1]
    return f"{value:g}" if isinstance(value, float) else str(value)


def _table() -> Table:
    return Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True, show_edge=False)


def _none(path: Path, *, filtered: bool) -> str:
    """That nothing is shown, and whether there may be anything."""
    if filtered:
        return f"no result in {plain(str(path))} is of this kind: choose another --where or --job"
    return f"no results in {plain(str(path))}"
