"""What the launcher and its bridge say to each other, pickled, and an agent to the bridge."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from runner.dispatch.fleet.facts import NodeFacts
from runner.spool import Ticket

RunnerKind = Literal["auto", "process", "container"]


@dataclass(frozen=True)
class Order:
    """One attempt of a job, as the agent on a node gets it."""

    name: str
    """``asrprof-<store>-<job>-<attempt>``, of the agent."""
    ticket: Ticket
    version: str
    """Of asrprof; a node must have the same."""
    schema: int
    """Of the store."""
    kind: RunnerKind = "auto"
    """What the runner is: a container where the node has an engine with the image, else a
    process; or one of them in any case."""
    cuda: bool = False
    """Whether it must be the image with CUDA."""
    command: tuple[str, ...] = ()
    """What starts a runner, instead of this Python; for tests."""
    environment: dict[str, str] = field(default_factory=dict)
    """Variables for the runner."""


@dataclass(frozen=True)
class Seen:
    """What an agent says of its runner."""

    node: str
    """Ray's id of its node; the bridge puts the name before it, ``name/id``."""
    ended: bool
    code: int | None
    """Its exit code, -n for signal n."""
    reason: str
    """Of its end, in words."""
    log: bytes
    """Its output from where the question started."""
    spool: bytes
    """Its records, likewise."""
    more: bool
    """Whether there is more of either by now."""


# Questions; each is answered by what its docstring names, or by a ``Failure``.


@dataclass(frozen=True)
class Hello:
    """Are you connected? The cluster's address."""


@dataclass(frozen=True)
class Submit:
    """Have this run on a node. ``Taken`` if an agent of this name is there already, else True."""

    order: Order
    selector: dict[str, str]
    gpus: int
    files: Path | None
    """An archive of the folders that the job's config names, or None."""


@dataclass(frozen=True)
class Look:
    """How is it? A ``Sight``."""

    name: str
    log_from: int
    spool_from: int


@dataclass(frozen=True)
class Find:
    """Is there an agent of this name? True or False."""

    name: str


@dataclass(frozen=True)
class Names:
    """The names of all agents that begin so."""

    prefix: str


@dataclass(frozen=True)
class Stop:
    """Ask the runner to end. True."""

    name: str


@dataclass(frozen=True)
class Release:
    """End the agent and what is left of its runner. True."""

    name: str


@dataclass(frozen=True)
class Trace:
    """A profiler trace. Its bytes; none if there is none."""

    name: str
    file: str


@dataclass(frozen=True)
class ListNodes:
    """The nodes of the cluster that live, as a list of ``Node``."""


@dataclass(frozen=True)
class AskNodes:
    """What these nodes know of themselves: facts by node id, of those that answered in time."""

    ids: tuple[str, ...]


Question = Hello | Submit | Look | Find | Names | Stop | Release | Trace | ListNodes | AskNodes


@dataclass(frozen=True)
class Failure:
    """The question cannot be answered."""

    words: str


@dataclass(frozen=True)
class Taken:
    """There is an agent of this name."""


@dataclass(frozen=True)
class Sight:
    """An agent as it is seen from outside."""

    state: Literal["placing", "there", "silent", "gone"]
    """``placing``: Ray has no node for it yet. ``silent``: it lives, but does not answer."""
    words: str = ""
    seen: Seen | None = None
    """News, if there are any."""


@dataclass(frozen=True)
class Node:
    """A node as the cluster knows it."""

    id: str
    name: str
    """Its host, as ``asrprof fleet flags`` labelled it, else its address."""
    address: str
    slots: int
    """How many jobs it may measure at once: 1, or 0 for one that measures none."""
    gpus: int
    memory_bytes: int
    labels: dict[str, str]
    taken: int = 0
    """Slots in use now, by jobs of whatever store."""


Answer = str | bool | Sight | bytes | list[str] | list[Node] | dict[str, NodeFacts] | Taken
