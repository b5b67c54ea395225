"""Commands start quickly: each imports what it needs, and the help nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from runner.cli import main
from runner.cli.app import Commands, app
from tests.cli.records import result
from tests.fresh import HEAVY, imported

MEASURES = {"numpy", "runner.session", "runner.dispatch", "runner.clips", "runner.engines"}
"""What only a run needs; numpy and the config's models take longest."""

LIGHT = {
    "--help": MEASURES
    | {"store", "report", "rich", "pydantic", "sqlite3", "runner.config", "importlib.metadata"},
    "results --store {store}": MEASURES | {"runner.config", "runner.ledger"},
    "run demo --dry-run": MEASURES | {"runner.cli.execute", "runner.ledger"},
}
"""Command -> what it must not import. Typer itself imports pydantic to check an option."""


@pytest.mark.parametrize("command", LIGHT)
def test_a_command_imports_what_it_needs_alone(
    command: str, store_with: Callable[..., Path]
) -> None:
    arguments = command.format(store=store_with(result())).split()
    modules, opened = imported(f"from runner.cli import main; assert main({arguments}) == 0")
    assert not modules & (HEAVY | LIGHT[command])
    # Nor does it look through the metadata of the packages that are installed.
    assert opened
    assert not [path for path in opened if ".dist-info" in path or ".egg-info" in path]


@pytest.mark.parametrize("name", Commands.entries)
def test_the_list_of_commands_says_what_their_help_says(name: str) -> None:
    group = typer.main.get_command(app)
    stand_in = group.commands[name]  # type: ignore[attr-defined]
    command = group.get_command(None, name)  # type: ignore[attr-defined]
    assert command is not stand_in
    assert stand_in.get_short_help_str(200) == command.get_short_help_str(200)


def test_an_unknown_command_is_told_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["result"]) == 2
    assert "'results'" in capsys.readouterr().err
