"""The fleet as people read it: its nodes in a table, one node in full, how to make a fleet."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from report.text import plural
from runner import __version__
from runner.catalogue.extras import pip_command
from runner.dispatch.fleet.facts import NodeFacts
from runner.dispatch.fleet.needs import ARCH
from runner.dispatch.fleet.overview import NodeView, Overview
from runner.doctor import Check
from store.schema import SCHEMA_VERSION
from tui.fleet import FleetSeen
from tui.glyphs import Glyphs
from tui.palette import Palette
from tui.plain import cell, plain
from tui.present import duration, state_glyph
from tui.present_home import machine
from tui.present_queue import cases_cell, time_words
from tui.snapshot import Snapshot
from tui.table import FlexColumn

COLUMNS = (
    FlexColumn("", 1),
    FlexColumn("node", 10, grow=2),
    FlexColumn("arch", 6, keep=5),
    FlexColumn("CPU", 16, grow=3, keep=4),
    FlexColumn("cores", 7, align="right", keep=2),
    FlexColumn("memory", 8, align="right", keep=2),
    FlexColumn("GPUs", 12, grow=2, keep=4),
    FlexColumn("slots", 8),
    FlexColumn("job", 14, grow=3),
    FlexColumn("cases", 16, keep=8),
    FlexColumn("asrprof", 7, keep=7),
    FlexColumn("doctor", 10, keep=6),
)
HOW_TO = (
    (pip_command("fleet"), "in the clone of asrprof on every machine: the same version, with Ray"),
    ("ray start --head", "on one of them: it keeps the cluster together"),
    (
        "ray start --address=HEAD:6379 $(asrprof fleet flags)",
        "on each that measures; HEAD is the first one's address",
    ),
    (
        "RAY_ADDRESS=HEAD:6379",
        "set it where the app starts, if this machine is of several clusters",
    ),
)
UNKNOWN = "?"
"""What a node has not said."""
GIB = 2**30
_CPU_NOISE = re.compile(r"\((?:R|TM|r|tm)\)|\bCPU\b|\bProcessor\b|\bwith Radeon Graphics\b|@")


def is_ours(facts: NodeFacts) -> bool:
    """Whether a node has the asrprof of this app; it refuses jobs of another."""
    return (facts.version, facts.schema) == (__version__, SCHEMA_VERSION)


def node_cells(view: NodeView, palette: Palette, glyphs: Glyphs) -> tuple[Text, ...]:
    """The cells of ``COLUMNS``.

    Args:
        view: The node.
        palette: Colours of the theme.
        glyphs: Signs to draw with.
    """
    facts, muted = view.facts, palette.muted
    return (
        _sign(view, palette, glyphs),
        cell(view.node.name),
        cell(facts.arch if facts else view.node.labels.get(ARCH, UNKNOWN), muted),
        cell(short_cpu(facts.cpu) if facts else UNKNOWN, muted),
        Text(f"{facts.cores or UNKNOWN}/{facts.threads}" if facts else UNKNOWN, muted),
        Text(f"{facts.memory_bytes / GIB:.0f} GiB" if facts else UNKNOWN, muted),
        cell(gpu_words(view, glyphs), muted),
        _slots_cell(view, palette),
        _job_cell(view, palette),
        cases_cell(view.jobs[0], palette, glyphs) if view.jobs else Text(),
        _version_cell(facts, palette, glyphs),
        _doctor_cell(facts, palette, glyphs),
    )


def _sign(view: NodeView, palette: Palette, glyphs: Glyphs) -> Text:
    """What there is to know first of a node."""
    if view.jobs:
        job = view.jobs[0]
        return Text(state_glyph(job.state, glyphs), palette.style(job.state))
    if view.facts is not None and not is_ours(view.facts):
        return Text(glyphs.warn, palette.warn)
    if not view.node.slots:
        return Text(glyphs.dash, palette.muted)
    return Text(glyphs.off, palette.muted)


def _slots_cell(view: NodeView, palette: Palette) -> Text:
    slots = view.node.slots
    if not slots:
        return Text("none", palette.muted)
    if slots == 1:
        return Text("free", palette.good) if view.free else Text("busy")
    return Text(f"{view.free}/{slots} free", palette.good if view.free else "")


def _job_cell(view: NodeView, palette: Palette) -> Text:
    if not view.jobs:
        return Text("not ours" if view.others else "", palette.muted)
    job = view.jobs[0]
    text = Text.assemble((f"{job.id} ", palette.muted), cell(job.benchmark), no_wrap=True)
    more = len(view.jobs) - 1
    return text.append(f" and {more} more", palette.muted) if more else text


def _version_cell(facts: NodeFacts | None, palette: Palette, glyphs: Glyphs) -> Text:
    if facts is None:
        return Text(UNKNOWN, palette.muted)
    if is_ours(facts):
        return cell(facts.version, palette.muted)
    return cell(f"{glyphs.warn} {facts.version}", f"bold {palette.warn}")


def _doctor_cell(facts: NodeFacts | None, palette: Palette, glyphs: Glyphs) -> Text:
    """How many checks are ok, limited, missing: each with its sign."""
    if facts is None:
        return Text(UNKNOWN, palette.muted)
    found = Counter(check.state for check in facts.checks)
    text = Text(no_wrap=True)
    for state in ("ok", "limited", "missing"):
        if found[state]:
            text.append(str(found[state])).append(
                f"{state_glyph(state, glyphs)} ", palette.style(state)
            )
    text.rstrip()
    return text


def doctor_words(checks: tuple[Check, ...]) -> str:
    """``9 ok, 2 limited, 1 missing``."""
    found = Counter(check.state for check in checks)
    return ", ".join(f"{found[state]} {state}" for state in ("ok", "limited", "missing"))


def short_cpu(name: str) -> str:
    """A CPU's name without what every CPU's name has."""
    return " ".join(_CPU_NOISE.sub(" ", plain(name)).split()) or UNKNOWN


def gpu_words(view: NodeView, glyphs: Glyphs) -> str:
    """``2 x H100 80GB HBM3``; as far as the cluster knows where the node has not said."""
    if view.facts is None:
        return str(view.node.gpus) if view.node.gpus else UNKNOWN
    boards = Counter(name.removeprefix("NVIDIA ") for name in view.facts.gpus)
    return ", ".join(
        f"{count} {glyphs.times} {name}" if count > 1 else name for name, count in boards.items()
    )


def summary(
    seen: FleetSeen, found: Overview | None, now: datetime, palette: Palette, glyphs: Glyphs
) -> Text:
    """The fleet in a line; where it does not answer, why and since when.

    Args:
        seen: What the last look brought.
        found: The fleet, as far as it is known.
        now: The time of day.
        palette: Colours of the theme.
        glyphs: Signs to draw with.
    """
    if found is None:
        if seen.error:
            return Text.assemble((f"{glyphs.bad} ", palette.bad), (plain(seen.error), palette.bad))
        return Text("Looking for a Ray cluster ...", palette.muted)
    slots = sum(view.node.slots for view in found.nodes)
    busy = slots - sum(view.free for view in found.nodes)
    waiting = f"{plural(found.waiting, 'job')} waiting" if found.waiting else "no job waits"
    text = Text.assemble(
        (plural(len(found.nodes), "node"), "bold"),
        f", slots: {busy} busy, {slots - busy} free, {waiting}",
        (f" {glyphs.dot} Ray cluster at {plain(seen.address)}", palette.muted),
    )
    others = sum(view.facts is not None and not is_ours(view.facts) for view in found.nodes)
    if others:
        has = "have" if others > 1 else "has"
        words = f" {glyphs.dot} {glyphs.warn} {plural(others, 'node')} {has} another asrprof"
        text.append(words, palette.warn)
    if seen.error:
        since = duration((now - seen.at).total_seconds()) if seen.at is not None else UNKNOWN
        text.append(f"\n{glyphs.bad} as it was {since} ago: {plain(seen.error)}", palette.bad)
    return text


def how_to(palette: Palette) -> RenderableType:
    """How to make a fleet."""
    parts: list[RenderableType] = [
        Text("Jobs for the target ray run on the nodes of a Ray cluster, one at a time on each."),
        Text(),
    ]
    for command, words in HOW_TO:
        parts.append(Text(words, palette.muted))
        parts.append(Text(f"  {command}", f"bold {palette.primary}"))
    parts += [Text(), Text("The cluster is looked for again every few seconds.", palette.muted)]
    return Group(*parts)


def node_facts(
    view: NodeView, snapshot: Snapshot, palette: Palette, glyphs: Glyphs, *, asks: bool
) -> RenderableType:
    """What one node is, and what runs there.

    Args:
        view: The node.
        snapshot: What the store holds.
        palette: Colours of the theme.
        glyphs: Signs to draw with.
        asks: Whether the node may say more in a moment.
    """
    node, facts = view.node, view.facts
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style=palette.muted)
    table.add_column(overflow="fold")
    for job in view.jobs:
        line = Text.assemble((f"{job.id} ", palette.muted), plain(job.benchmark), "  ")
        line.append_text(cases_cell(job, palette, glyphs))
        line.append(f"  {time_words(job, snapshot)}", palette.muted)
        table.add_row("job", line)
        progress = snapshot.progress.get(job.id)
        if progress is not None and progress.title is not None:
            table.add_row("case", Text(plain(progress.title)))
    if facts is not None:
        table.add_row("hardware", Text(plain(facts.hardware)))
    elif asks:
        table.add_row("hardware", Text("asking it ...", palette.muted))
    else:
        words = "it has not said: asrprof is missing there, or it does not answer"
        table.add_row("hardware", Text(words, palette.warn if node.slots else palette.muted))
    table.add_row("asrprof", _version_words(facts, palette, glyphs))
    table.add_row("slots", Text(_slot_words(view)))
    table.add_row("address", Text(plain(node.address)))
    if facts is not None and facts.host != node.name:
        table.add_row("host", Text(plain(facts.host)))
    own = {name: value for name, value in node.labels.items() if not name.startswith("ray.io/node")}
    for number, (name, value) in enumerate(sorted(own.items())):
        table.add_row("labels" if not number else "", Text(plain(f"{name}={value}")))
    return table


def _version_words(facts: NodeFacts | None, palette: Palette, glyphs: Glyphs) -> Text:
    if facts is None:
        return Text(UNKNOWN)
    words = f"{plain(facts.version)}, Python {plain(facts.python)}"
    if is_ours(facts):
        return Text(words)
    return Text(
        f"{glyphs.warn} {words}, store schema {facts.schema}; here {__version__} with "
        f"{SCHEMA_VERSION}: it refuses jobs until both are the same",
        palette.warn,
    )


def _slot_words(view: NodeView) -> str:
    slots = view.node.slots
    if not slots:
        return "none: it measures nothing; `asrprof fleet flags` prints how to start one that does"
    others = f", {view.others} used by another store" if view.others else ""
    return f"{slots}, {view.free} free{others}"


def node_checks(view: NodeView, palette: Palette, glyphs: Glyphs) -> RenderableType:
    """What ``asrprof doctor`` says there.

    Args:
        view: The node.
        palette: Colours of the theme.
        glyphs: Signs to draw with.
    """
    if view.facts is None:
        return Text()
    head = Text.assemble(("asrprof doctor there: ", palette.muted), doctor_words(view.facts.checks))
    return Group(head, machine(view.facts.checks, palette, glyphs))
