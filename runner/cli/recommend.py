"""`asrprof recommend`: which model to take for which purpose, in the terminal."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from runner.cli.options import JobOption, JsonOption, StoreOption, store_path
from runner.cli.plain import cell
from runner.cli.report import EarlyOption, ScenariosOption
from runner.cli.where import WhereOption, condition_of
from runner.errors import UserError
from store import Store

if TYPE_CHECKING:
    from report.content import Card


def recommend(
    store: StoreOption = None,
    where: WhereOption = None,
    job: JobOption = None,
    scenarios: ScenariosOption = None,
    with_stopped_early: EarlyOption = False,
    as_json: JsonOption = False,
) -> int:
    """Say which model to take for which purpose, and how sure that is."""
    # numpy and scipy, which no other command should wait for.
    from report.errors import ReportError
    from report.one_speech import what_is_left_out
    from report.recommend import recommend as choose
    from report.scenarios import load_scenarios
    from report.sections.recommendations import card_of
    from report.study import Study

    try:
        wanted = load_scenarios(scenarios)
        with Store.open_to_read(store_path(store)) as opened:
            study = Study.read(
                opened,
                where=condition_of(opened, where),
                job_id=job,
                with_stopped_early=with_stopped_early,
            )
            if not study.ok:
                raise UserError("no result with figures to choose from")
            others = what_is_left_out(study.other_data)
            cards = {one.name: card_of(choose(one, study)) for one in wanted}
    except ReportError as error:
        raise UserError(str(error)) from error
    if as_json:
        found = [{"name": name, **asdict(card)} for name, card in cards.items()]
        typer.echo(json.dumps(found, indent=2))
        return 0
    console = Console()
    for card in cards.values():
        _print(console, card)
    if others is not None:
        console.print(cell(f"Of the speech of {study.data}. {others}", "dim"))
    return 0


def _print(console: Console, card: Card) -> None:
    console.print(cell(f"{card.title}: {card.headline}", "bold"))
    console.print(Padding(cell(f"{card.about} {card.asked}".strip(), "dim"), (0, 0, 0, 2)))
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    commands = []
    for label, text in card.facts:
        if text.startswith("asrprof "):
            commands.append((label, text))
        else:
            table.add_row(cell(label), cell(text))
    console.print(Padding(table, (0, 0, 0, 2)))
    for note in card.notes:
        console.print(Padding(cell(note, "yellow"), (0, 0, 0, 2)))
    for label, text in commands:
        # On a line of its own and never folded, so that it can be copied.
        console.print(Padding(cell(f"{label}:", "dim"), (0, 0, 0, 2)))
        console.print(cell(text), soft_wrap=True)
    console.print()
