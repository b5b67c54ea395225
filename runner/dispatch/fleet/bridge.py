"""The process that is connected to the Ray cluster, on behalf of a dispatcher.

``python -m runner.dispatch.fleet.bridge FD ADDRESS``: it answers questions on an inherited socket
until that is closed. Nothing else of asrprof imports Ray, because a driver of Ray ends its whole
process when its cluster goes.
"""

from __future__ import annotations

import dataclasses
import os
import socket
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from runner.dispatch.fleet.agent import PlacedAgent
from runner.dispatch.fleet.facts import SLOT, NodeFacts, tell_facts
from runner.dispatch.fleet.messages import (
    Answer,
    AskNodes,
    Failure,
    Find,
    Hello,
    ListNodes,
    Look,
    Names,
    Node,
    Question,
    Release,
    Sight,
    Stop,
    Submit,
    Taken,
    Trace,
)
from runner.dispatch.fleet.needs import HOST, NODE_ID

NAMESPACE = "asrprof"
REACH_S = 3.0
"""For the head's port to answer at all."""
SILENT_S = 20.0
"""An agent that has a node answers sooner than this."""
FACTS_S = 10.0
TRACE_S = 10.0
RELEASE_S = 5.0


@dataclass
class _Watched:
    """An agent, and the question to it that is under way."""

    actor: Any
    since: float
    question: Any = None
    placed: bool = False


class Bridge:
    """A driver of a Ray cluster."""

    def __init__(self, address: str) -> None:
        """Connects.

        Raises:
            ConnectionError: It cannot; the message says what to change.
        """
        if address == "auto":
            address = _last_started() or address
        if address != "auto":
            _reach(address)
        # The bridge's own output is read when it dies; Ray's banner would only be in the way.
        os.environ.setdefault("RAY_DEDUP_LOGS", "0")
        import ray

        try:
            ray.init(
                address=address,
                namespace=NAMESPACE,
                log_to_driver=False,
                logging_level="CRITICAL",
            )
        except Exception as error:
            raise ConnectionError(_why(address, error)) from error
        self._ray = ray
        self._watched: dict[str, _Watched] = {}
        self._names_of_nodes: dict[str, str] = {}

    def answer(self, question: Question) -> Answer | Failure:
        """Answers one question; a failure of the cluster is an answer too."""
        handlers: dict[type[Question], Callable[[Any], Answer]] = {
            Hello: lambda _: str(self._ray.get_runtime_context().gcs_address),
            Submit: self._submit,
            Look: self._look,
            Find: lambda ask: self._find(ask.name) is not None,
            Names: self._names,
            Stop: self._stop,
            Release: lambda ask: self._release(ask.name),
            Trace: self._trace,
            ListNodes: lambda _: self._nodes(),
            AskNodes: lambda ask: self._facts(ask.ids),
        }
        try:
            return handlers[type(question)](question)
        except Exception as error:  # noqa: BLE001 - the dispatcher decides what it means.
            return Failure(f"the Ray cluster says: {_line(error)}")

    # Agents

    def _submit(self, ask: Submit) -> Answer:
        ray = self._ray
        files = None if ask.files is None else ray.put(ask.files.read_bytes())
        selector = dict(ask.selector)
        avoid = selector.get(NODE_ID)
        if avoid is not None and not self._others(selector, avoid):
            del selector[NODE_ID]  # There is no other node: better there again than nowhere.
        remote = ray.remote(num_cpus=0, max_restarts=0, max_concurrency=4)(PlacedAgent)
        try:
            actor = remote.options(
                name=ask.order.name,
                lifetime="detached",
                resources={SLOT: 1},
                num_gpus=ask.gpus,
                label_selector=selector,
            ).remote(ask.order, files)
        except ValueError as error:
            if "already taken" in str(error):
                return Taken()
            raise
        self._watched[ask.order.name] = _Watched(actor, time.monotonic())
        return True

    def _others(self, selector: dict[str, str], avoid: str) -> bool:
        """Whether a node meets a selector's labels and is none of those to avoid."""
        avoided = avoid.removeprefix("!in(").removesuffix(")").split(",")
        labels = [(name, value) for name, value in selector.items() if name != NODE_ID]
        return any(
            node.slots
            and node.id not in avoided
            and all(node.labels.get(name) == value for name, value in labels)
            for node in self._nodes()
        )

    def _find(self, name: str) -> _Watched | None:
        if name not in self._watched:
            try:
                actor = self._ray.get_actor(name)
            except ValueError:
                return None
            self._watched[name] = _Watched(actor, time.monotonic())
        return self._watched[name]

    def _names(self, ask: Names) -> list[str]:
        names: list[str] = self._ray.util.list_named_actors()
        return [name for name in names if name.startswith(ask.prefix)]

    def _stop(self, ask: Stop) -> bool:
        watched = self._find(ask.name)
        if watched is not None:
            watched.actor.stop.remote()
        return True

    def _trace(self, ask: Trace) -> bytes:
        watched = self._find(ask.name)
        if watched is None:
            return b""
        found: bytes = self._ray.get(watched.actor.trace.remote(ask.file), timeout=TRACE_S)
        return found

    def _look(self, ask: Look) -> Sight:
        exceptions = self._ray.exceptions
        watched = self._find(ask.name)
        if watched is None:
            return Sight("gone", "the Ray cluster does not know it any more")
        now = time.monotonic()
        if watched.question is None:
            watched.question = watched.actor.look.remote(ask.log_from, ask.spool_from)
            watched.since = now
        # Never waited for: what it says is had at the next look.
        ready, _ = self._ray.wait([watched.question], timeout=0)
        if not ready:
            if not watched.placed:
                return Sight("placing")
            silent = now - watched.since > SILENT_S
            return Sight("silent", "its node does not answer") if silent else Sight("there")
        question, watched.question = watched.question, None
        try:
            seen = self._ray.get(question)
        except exceptions.ActorUnavailableError as error:
            return Sight("silent", _line(error))
        except exceptions.RayError as error:
            del self._watched[ask.name]
            return Sight("gone", _line(error))
        watched.placed = True
        node = f"{self._name_of(seen.node)}/{seen.node}"
        return Sight("there", seen=dataclasses.replace(seen, node=node))

    def _release(self, name: str) -> bool:
        watched = self._find(name)
        if watched is None:
            return True
        if watched.placed:
            with suppress(self._ray.exceptions.RayError):
                self._ray.get(watched.actor.release.remote(), timeout=RELEASE_S)
        self._ray.kill(watched.actor, no_restart=True)
        self._watched.pop(name, None)
        return True

    # Nodes

    def _name_of(self, node_id: str) -> str:
        if node_id not in self._names_of_nodes:
            self._names_of_nodes = {node.id: node.name for node in self._nodes()}
        return self._names_of_nodes.get(node_id, node_id[:8])

    def _nodes(self) -> list[Node]:
        free = self._free()
        return [_node(node, free) for node in self._ray.nodes() if node["Alive"]]

    def _free(self) -> dict[str, int]:
        """Slots that are free now, by node; nothing is known where this Ray does not tell."""
        try:
            from ray._private.state import available_resources_per_node
        except ImportError:
            return {}
        # A resource that is all in use is not named.
        return {
            node: int(left.get(SLOT, 0)) for node, left in available_resources_per_node().items()
        }

    def _facts(self, ids: tuple[str, ...]) -> dict[str, NodeFacts]:
        remote = self._ray.remote(num_cpus=0, max_retries=0)(tell_facts)
        asked = {remote.options(label_selector={NODE_ID: node}).remote(): node for node in ids}
        ready, late = self._ray.wait(list(asked), num_returns=len(asked), timeout=FACTS_S)
        for question in late:
            self._ray.cancel(question)
        facts: dict[str, NodeFacts] = {}
        for question in ready:
            with suppress(self._ray.exceptions.RayError):
                facts[asked[question]] = self._ray.get(question)
        return facts


def _node(found: dict[str, Any], free: Mapping[str, int]) -> Node:
    """A node as Ray lists it, with the slots that are free by node."""
    labels, resources = found["Labels"], found["Resources"]
    slots = int(resources.get(SLOT, 0))
    return Node(
        id=found["NodeID"],
        name=labels.get(HOST) or found["NodeManagerHostname"],
        address=found["NodeManagerAddress"],
        slots=slots,
        gpus=int(resources.get("GPU", 0)),
        memory_bytes=int(resources.get("memory", 0)),
        labels=dict(labels),
        taken=slots - free.get(found["NodeID"], slots),
    )


def _last_started(environ: Mapping[str, str] = os.environ) -> str | None:
    """The cluster that was last started on this machine, as Ray notes it, even if it is gone.

    Ray itself would try to reach one that is gone for minutes.
    """
    note = Path(environ.get("RAY_TMPDIR", "/tmp")) / "ray" / "ray_current_cluster"
    try:
        return note.read_text(encoding="utf-8").strip() or None
    except OSError:
        return None


def _reach(address: str) -> None:
    host, _, port = address.rpartition(":")
    if address.startswith("ray://"):
        host = host.removeprefix("ray://")
    if not host or not port.isdecimal():
        raise ConnectionError(f'RAY_ADDRESS="{address}": write HOST:PORT, such as 10.0.0.1:6379')
    try:
        socket.create_connection((host, int(port)), timeout=REACH_S).close()
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ConnectionError(
            f"no Ray cluster at {address} ({why}): start one with `ray start --head`, or set "
            "RAY_ADDRESS"
        ) from error


def _why(address: str, error: Exception) -> str:
    text = str(error)
    if "expects this IP address" in text or "node_ip_address" in text:
        return (
            f"this machine is no node of the Ray cluster at {address}: run "
            f"`ray start --address={address}` on it first"
        )
    if address == "auto" and isinstance(error, ConnectionError):
        return "no Ray cluster here: start one with `ray start --head`, or set RAY_ADDRESS"
    return f"cannot join the Ray cluster at {address}: {_line(error)}"


def _line(error: Exception) -> str:
    """The part of an error of Ray that says what happened; the rest are names and hints."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [
        line for line in lines if line.startswith(("The actor died because", "The actor is dead"))
    ]
    causes = [line for line in lines if "Error: " in line]
    found = (telling or causes[-1:] or lines or [type(error).__name__])[0]
    return found[:300]


def main(arguments: list[str]) -> int:
    """Serves one dispatcher."""
    connection = Connection(int(arguments[0]))
    try:
        bridge: Bridge | None = Bridge(arguments[1])
        failure = Failure("")
    except (ConnectionError, ImportError) as error:
        bridge, failure = None, Failure(str(error))
    while True:
        try:
            question = connection.recv()
            connection.send(failure if bridge is None else bridge.answer(question))
        except (EOFError, OSError):
            # Not through Ray's own end, which may wait for a cluster that is gone.
            os._exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
