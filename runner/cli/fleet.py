"""`asrprof fleet`: the nodes of a Ray cluster, and what each can measure."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from runner import __version__
from runner.cli.doctor import print_checks
from runner.cli.options import JsonOption, StoreOption, store_path
from runner.cli.plain import cell, plain
from runner.dispatch.fleet.facts import start_flags
from runner.dispatch.fleet.launcher import RayLauncher
from runner.dispatch.fleet.overview import NodeView, Overview, overview
from runner.dispatch.launcher import LaunchError, UnreachableError
from runner.errors import UserError
from store import Store

app = typer.Typer(
    help="See the nodes of the fleet (a Ray cluster; RAY_ADDRESS names it), and what is on them.",
    invoke_without_command=True,
)


@app.callback()
def fleet(context: typer.Context, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """List the nodes: their hardware, their asrprof, which job is on which."""
    if context.invoked_subcommand is not None:
        return
    found = _overview(store)
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=2, default=str))
        return
    console = Console()
    console.print(_table(found))
    measuring = [view for view in found.nodes if view.node.slots]
    free = sum(view.free for view in measuring)
    console.print(
        f"nodes that measure: {len(measuring)}, slots free: {free}, jobs waiting: {found.waiting}",
        style="dim",
    )


@app.command("doctor")
def doctor(
    node: Annotated[str, typer.Argument(help="The node's name, or the start of its id.")],
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what a node can measure, what it cannot, and what to do about it."""
    found = _overview(store)
    views = [view for view in found.nodes if node in (view.node.name, view.node.id)]
    views = views or [view for view in found.nodes if view.node.id.startswith(node)]
    if not views:
        names = ", ".join(sorted({plain(view.node.name) for view in found.nodes}))
        raise UserError(f'no node "{node[:60]}" lives; there are: {names}')
    for view in views:
        if view.facts is None:
            raise UserError(f"node {plain(view.node.name)} does not answer: try again")
        if as_json:
            typer.echo(json.dumps(asdict(view), indent=2, default=str))
            continue
        typer.echo(f"{plain(view.node.name)} ({view.node.id[:8]}): {plain(view.facts.hardware)}")
        print_checks(view.facts.checks)


@app.command("flags")
def flags() -> None:
    """Print arguments for `ray start`, so that this machine is a node that measures.

    Use it as `ray start --address=HEAD:6379 $(asrprof fleet flags)`.
    """
    # Not quoted: a shell splits what a command prints at blanks, and keeps quotes as they are.
    typer.echo(" ".join(start_flags()))


def _overview(store: StoreOption) -> Overview:
    path = store_path(store)
    launcher = RayLauncher(path)
    try:
        if not path.exists():
            return overview(launcher, None)
        with Store.open_to_read(path) as opened:
            return overview(launcher, opened)
    except (LaunchError, UnreachableError) as error:
        raise UserError(str(error)) from error


def _table(found: Overview) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("node", overflow="fold")
    table.add_column("hardware", overflow="fold", ratio=2)
    table.add_column("asrprof", overflow="fold")
    table.add_column("doctor", overflow="fold")
    table.add_column("job", overflow="fold", ratio=1)
    for view in found.nodes:
        table.add_row(
            cell(view.node.name),
            cell("does not answer" if view.facts is None else view.facts.hardware),
            cell(_version(view)),
            cell(_health(view)),
            cell(_jobs(view)),
        )
    return table


def _version(view: NodeView) -> str:
    if view.facts is None:
        return ""
    other = "" if view.facts.version == __version__ else f" (here {__version__})"
    return f"{view.facts.version}{other}"


def _health(view: NodeView) -> str:
    if view.facts is None:
        return ""
    states = [check.state for check in view.facts.checks]
    counts = ((state, states.count(state)) for state in ("ok", "limited", "missing"))
    return ", ".join(f"{count} {state}" for state, count in counts if count)


def _jobs(view: NodeView) -> str:
    if not view.node.slots:
        return "measures none"
    words = [f"{job.id} {job.benchmark} {job.cases_done}/{job.cases_total}" for job in view.jobs]
    if view.others:
        words.append("another store's")
    return ", ".join(words) or "free"
