"""The fleet at a glance: its nodes, what each knows of itself, and which jobs are on it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

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
    jobs: tuple[JobRow, ...] = ()
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
    nodes = list(launcher.nodes())
    facts = dict(known or {})
    unknown = [node.id for node in nodes if node.id not in facts]
    if unknown:
        facts |= launcher.facts(unknown)
    held: list[JobRow] = []
    queued = 0
    if store is not None:
        held = [job for job in store.attempts.held() if job.target == TARGET]
        queued = store.queue.count(TARGET)
    nodes.sort(key=lambda node: (-node.slots, node.name, node.id))
    found = with_jobs((NodeView(node, facts.get(node.id)) for node in nodes), held, queued)
    if not all(job.node for job in held):
        # One of this store may have a slot and not say where: nobody else's can be told.
        return found
    others = (max(0, view.node.taken - len(view.jobs)) for view in found.nodes)
    views = (replace(view, others=n) for view, n in zip(found.nodes, others, strict=True))
    return replace(found, nodes=tuple(views))


def with_jobs(views: Iterable[NodeView], held: Collection[JobRow], queued: int) -> Overview:
    """The nodes with the jobs that are on them now.

    Args:
        views: The nodes, with whatever jobs.
        held: Jobs of this store that the cluster has.
        queued: Jobs of this store that wait for their turn.
    """
    by_node: dict[str, list[JobRow]] = {}
    for job in held:
        by_node.setdefault((job.node or "").rpartition("/")[2], []).append(job)
    nodes = tuple(replace(view, jobs=tuple(by_node.get(view.node.id, ()))) for view in views)
    return Overview(nodes, queued + len(held) - sum(len(view.jobs) for view in nodes))
