"""`asrprof share`: results as Markdown to paste, without the name of the machine."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

from runner.cli.options import MAX_ROW, StoreOption, store_path
from runner.cli.plain import plain
from runner.cli.speech_notes import speech_notes
from runner.cli.table import model_cell, notes_of, value_cell
from runner.cli.where import WhereOption, all_of, condition_of
from runner.errors import UserError
from store import COLUMNS, Environment, LeaderboardRow, Query, Store

_COLUMNS = (
    *("model", "device", "variant", "audio_seconds", "batch_size", "latency_ms", "rtfx"),
    *("energy_j", "gflops", "rss_mb", "vram_mb", "wer"),
)
MOST = 50
"""Rows, the newest: more than that nobody pastes."""


def share(
    ids: Annotated[
        list[int] | None,
        typer.Argument(metavar="[ID]...", help="As `asrprof results` lists them; default: all."),
    ] = None,
    store: StoreOption = None,
    where: WhereOption = None,
) -> None:
    """Write results as a Markdown table to paste: figures, marks, hardware, and no hostname."""
    if any(not 0 < number <= MAX_ROW for number in ids or ()):
        raise UserError(f"write ids from 1 to {MAX_ROW}")
    with Store.open_to_read(store_path(store)) as opened:
        of_ids = f"result_id IN ({', '.join(map(str, ids))})" if ids else None
        condition = all_of(condition_of(opened, where), "state = 'ok'", of_ids)
        newest = opened.browse.first(Query(where=condition), MOST)[::-1]
        rows = list(opened.browse.rows(newest).values())
        machines = opened.study.environments()
        spoken = speech_notes(opened, rows)
    if not rows:
        raise UserError("no result with figures to share")
    for line in _markdown(sorted(rows, key=lambda row: row.result_id), machines, spoken):
        typer.echo(line)


def _markdown(
    rows: list[LeaderboardRow], machines: dict[int, Environment], spoken: list[str]
) -> Iterable[str]:
    names = [
        name
        for name in _COLUMNS
        if name in ("model", "device") or any(row.value(name) is not None for row in rows)
    ]
    heads = [f"{COLUMNS[name].heading} {COLUMNS[name].unit}".strip() for name in names]
    yield f"| {' | '.join(map(_cell, heads))} |"
    yield f"|{'|'.join('---' if COLUMNS[name].form == 'text' else '--:' for name in names)}|"
    for row in rows:
        yield f"| {' | '.join(_cell(_value(name, row)) for name in names)} |"
    yield ""
    used = dict.fromkeys(row.environment_id for row in rows if row.environment_id in machines)
    for number in used:
        if number is not None:
            yield f"- {_cell(_machine(machines[number]))}"
    for note in (*notes_of(rows, elsewhere=True), *spoken):
        yield f"- {_cell(note)}"


def _value(name: str, row: LeaderboardRow) -> str:
    """A figure with its marks; a model without the folder that it lies in here."""
    return model_cell(row) if name == "model" else value_cell(COLUMNS[name], row)


def _machine(machine: Environment) -> str:
    """The hardware and software, without a name that tells whose it is."""
    parts = [f"{machine.cpu_model}, {machine.cpu_affinity} logical CPUs"]
    if machine.gpu_name is not None:
        parts.append(machine.gpu_name)
    parts += [machine.os, f"Python {machine.python}", f"asrprof {machine.asrprof}"]
    return ", ".join(parts)


def _cell(text: str) -> str:
    """Text that Markdown leaves as it is, on one line."""
    text = plain(text).replace("\\", "\\\\").replace("&", "&amp;").replace("<", "&lt;")
    for mark in "*_[]|`#~":
        text = text.replace(mark, f"\\{mark}")
    return text
