"""How long a sweep takes with this tree and with an earlier commit, in turns, and to what figures.

The commit is checked out beside the repository and set up by its own `.ci/setup`, so that both
sides run as their users would have run them. Each config is run by both, round after round.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer

from report.text import interval, number
from runner.cli.app import guarded
from runner.config_file import parse_object
from runner.errors import UserError

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Side:
    """One tree with an environment of its own."""

    name: str
    root: Path

    def run(self, config: Path, store: Path) -> float:
        """Runs a benchmark into a store; returns wall seconds.

        Raises:
            UserError: it did not end well.
        """
        command = [
            ".venv/bin/python",
            "-m",
            "runner",
            "--quiet",
            "--store",
            str(store),
            str(config),
        ]
        began = time.monotonic()
        # Neither side may take the other's code, nor clips that the other has prepared.
        done = subprocess.run(
            command,
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": "", "ASRPROF_CACHE": str(store.with_suffix(".cache"))},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no word"])[-1]
            raise UserError(f"{self.name} ended with exit code {done.returncode}: {last}")
        return time.monotonic() - began


@dataclass(frozen=True)
class Case:
    """A case's latency on one side."""

    median_s: float
    low_s: float | None
    high_s: float | None

    @property
    def shown(self) -> str:
        """The median with its interval."""
        return f"{number(self.median_s)} {interval(self.low_s, self.high_s)}"

    def agrees(self, other: Case) -> bool | None:
        """Whether the intervals overlap; None where there is none."""
        if self.low_s is None or self.high_s is None:
            return None
        if other.low_s is None or other.high_s is None:
            return None
        return self.low_s <= other.high_s and other.low_s <= self.high_s


def cases_of(store: Path) -> tuple[dict[str, Case], frozenset[str]]:
    """The rows of a store.

    Returns:
        The latency of each case by its key, and the columns that are filled in every row.
    """
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
        timed = connection.execute(
            "select case_key, latency_s, latency_low_s, latency_high_s from results"
            " where latency_s is not null"
        )
        found = {str(key): Case(*figures) for key, *figures in timed}
        shown = connection.execute("select * from leaderboard")
        names = [column[0] for column in shown.description]
        columns = zip(names, zip(*shown, strict=True), strict=False)
        filled = frozenset(name for name, values in columns if None not in values)
    return found, filled


@contextmanager
def checked_out(commit: str, folder: Path) -> Iterator[Side]:
    """An earlier commit with an environment of its own.

    Raises:
        UserError: there is no such commit, or it cannot be set up.
    """
    tree = folder / "before"
    added = subprocess.run(
        ["git", "worktree", "add", "--quiet", "--detach", str(tree), commit],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if added.returncode:
        raise UserError(f"cannot check out {commit}: {added.stderr.strip().splitlines()[-1]}")
    try:
        typer.echo(f"setting up {commit} in {tree}", err=True)
        done = subprocess.run([".ci/setup"], cwd=tree, stdout=sys.stderr, check=False)
        if done.returncode:
            raise UserError(f"{commit}: .ci/setup ended with exit code {done.returncode}")
        yield Side(commit, tree)
    finally:
        subprocess.run(["git", "worktree", "remove", "--force", str(tree)], cwd=ROOT, check=False)


def merged(document: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A config with changes; objects are merged key by key, anything else is replaced."""
    result = dict(document)
    for key, value in changes.items():
        before = result.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            result[key] = merged(before, value)
        else:
            result[key] = value
    return result


def in_turns(
    sides: Sequence[tuple[Side, Path]], rounds: int, folder: Path
) -> tuple[list[list[float]], list[Path]]:
    """Runs a config on each side, round after round; who begins changes from round to round.

    Args:
        sides: Each with its config.
        rounds: Of both.
        folder: Where stores are written.

    Returns:
        Wall seconds by side and round, and each side's last store.
    """
    seconds: list[list[float]] = [[] for _ in sides]
    stores = [folder / f"{index}.db" for index in range(len(sides))]
    for number_ in range(rounds):
        order = range(len(sides)) if number_ % 2 == 0 else reversed(range(len(sides)))
        for index in order:
            side, config = sides[index]
            stores[index].unlink(missing_ok=True)
            seconds[index].append(side.run(config, stores[index]))
            typer.echo(f"{config.stem}: {side.name} {seconds[index][-1]:.1f} s", err=True)
    return seconds, stores


def sweep(
    commit: Annotated[str, typer.Argument(help="The earlier commit.")],
    configs: Annotated[list[Path], typer.Argument(help="Configs that both sides can read.")],
    rounds: Annotated[int, typer.Option(min=1, help="Times that each side runs each.")] = 3,
    now: Annotated[
        str, typer.Option(metavar="JSON", help="What this tree's configs have besides.")
    ] = "{}",
) -> int:
    """Print the ratio of wall times, and the latencies of both sides."""
    changes = parse_object(now, "--now")
    documents = {path.stem: parse_object(path.read_text("utf-8"), str(path)) for path in configs}
    folder = Path(tempfile.mkdtemp(prefix="asrprof-sweep-"))
    try:
        with checked_out(commit, folder) as before:
            here = Side("now", ROOT)
            for name, document in documents.items():
                _compare(name, document, merged(document, changes), (before, here), rounds, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def _compare(
    name: str,
    before: Mapping[str, Any],
    now: Mapping[str, Any],
    sides: tuple[Side, Side],
    rounds: int,
    folder: Path,
) -> None:
    files = []
    for side, document in zip(sides, (before, now), strict=True):
        path = folder / side.name / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document), "utf-8")
        files.append((side, path))
    seconds, stores = in_turns(files, rounds, folder)
    old, new = (median(each) for each in seconds)
    typer.echo(f"\n{name}: {old:.1f} s before, {new:.1f} s now, ratio {new / old:.2f}")
    (was, was_filled), (is_, is_filled) = (cases_of(store) for store in stores)
    for key in sorted(was.keys() | is_.keys()):
        pair = [side.get(key) for side in (was, is_)]
        words = [case.shown if case else "no row" for case in pair]
        verdict = pair[0].agrees(pair[1]) if pair[0] and pair[1] else False
        said = {True: "", False: "  DIFFERS", None: "  no interval"}[verdict]
        typer.echo(f"  {key}: {words[0]} s, {words[1]} s{said}")
    lost = sorted(was_filled - is_filled)
    if lost:
        typer.echo(f"  no longer filled in every row: {', '.join(lost)}")


def main() -> int:
    """The command; returns the exit code."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command("bench-sweep")(sweep)
    return guarded(app, sys.argv[1:], "python -m benchmarks.sweep")


if __name__ == "__main__":
    sys.exit(main())
