"""The fleet at a glance: its nodes, what each knows of itself, and which jobs are on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from runner.dispatch.fleet.facts import NodeFacts
from runner.dispatch.fleet.launcher import TARGET, RayLauncher
from runner.dispatch.fleet.messages import Node
from store import JobRow, Store


@dataclass(frozen=True)
class NodeView:
    """One node."""

    node: Node
    facts: NodeFacts | None
    """None if it has not answered."""
    jobs: tuple[JobRow, ...]
    """Of this store, that run there now."""
    others: int = 0
    """Slots that jobs of other stores have."""

    @property
    def free(self) -> int:
        """Slots without a job."""
        return max(0, self.node.slots - self.others - len(self.jobs))


@dataclass(frozen=True)
class Overview:
    """All nodes that live, those that measure first, by name."""

    nodes: tuple[NodeView, ...]
    waiting: int
    """Jobs of this store that wait for a node, in the queue or in the cluster."""


def overview(
    launcher: RayLauncher, store: Store | None, known: Mapping[str, NodeFacts] | None = None
) -> Overview:
    """Asks the cluster and the store.

    Args:
        launcher: Of the target ``ray``.
        store: Whose jobs are looked for; None if there is none yet.
        known: Facts by node id that need not be asked again: a node's do not change while it
            lives, and asking takes seconds.

    Raises:
        UnreachableError: There is no cluster, or it does not answer.
        StoreError: The store cannot be read.
    """
    nodes = launcher.nodes()
    facts = dict(known or {})
    unknown = [node.id for node in nodes if node.id not in facts]
    if unknown:
        facts |= launcher.facts(unknown)
    held, queued = [], 0
    if store is not None:
        held = [job for job in store.queue.held() if job.target == TARGET]
        queued = store.queue.count(TARGET)
    # While one of this store has a node and does not say which, nobody's slot can be told.
    sure = all(job.node for job in held)
    views = []
    for node in nodes:
        jobs = tuple(job for job in held if (job.node or "").endswith(f"/{node.id}"))
        others = max(0, node.taken - len(jobs)) if sure else 0
        views.append(NodeView(node, facts.get(node.id), jobs, others))
    views.sort(key=lambda view: (-view.node.slots, view.node.name, view.node.id))
    placed = sum(len(view.jobs) for view in views)
    return Overview(tuple(views), queued + len(held) - placed)
