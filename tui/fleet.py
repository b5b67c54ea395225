"""The fleet as the tab Fleet sees it, and who asks the cluster for it: slow, so in a thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from runner.dispatch.fleet.facts import NodeFacts
from runner.dispatch.fleet.launcher import TARGET, RayLauncher
from runner.dispatch.fleet.link import Link
from runner.dispatch.fleet.overview import Overview, overview, with_jobs
from runner.dispatch.launcher import UnreachableError
from store import Clock, Store, StoreError, utc_now
from tui.snapshot import Snapshot

AGAIN_S = 60.0
"""Before a node that did not say what it is gets asked again: each time may take ten seconds."""


@dataclass(frozen=True)
class FleetSeen:
    """What was found by asking."""

    overview: Overview | None = None
    """The nodes, as they were when they were last to be had; None if that was never."""
    at: datetime | None = None
    """When that was."""
    address: str = ""
    """Of the cluster."""
    error: str = ""
    """Why there is nothing newer, in one line that says what to change; empty if there is."""
    asks: bool = False
    """Whether nodes are being asked what they are."""


class FleetSource(Protocol):
    """Asks a cluster; all of it may take seconds, and is called from one thread."""

    def look(self) -> Iterator[FleetSeen]:
        """What there is at once, then with what takes longer."""

    def forget(self) -> None:
        """Asks every node anew what it is."""

    def close(self) -> None:
        """Leaves the cluster until it is asked again."""


class ClusterSource:
    """Asks the Ray cluster that the environment names."""

    def __init__(
        self, store: Path, *, clock: Clock = utc_now, launcher: Asker | None = None
    ) -> None:
        """Connects to nothing yet.

        Args:
            store: The store whose jobs are looked for.
            clock: Gives the time of day, with a time zone.
            launcher: Asks the nodes; one for the store by default.
        """
        self._store = store
        self._clock = clock
        self._launcher = launcher or Asker(store)
        self._known: dict[str, NodeFacts] = {}
        self._stale = False
        self._seen = FleetSeen()

    def look(self) -> Iterator[FleetSeen]:
        asker = self._launcher
        try:
            with self._opened() as store:
                asker.hold_back(True)
                yield self._take(overview(asker, store, self._known))
                if self._stale or asker.held_back:
                    asker.hold_back(False)
                    found = overview(asker, store, {} if self._stale else self._known)
                    self._stale = False
                    yield self._take(found)
        except (UnreachableError, StoreError) as error:
            self._seen = replace(self._seen, error=str(error), asks=False)
            yield self._seen

    def _opened(self) -> AbstractContextManager[Store | None]:
        """The store, if there is one yet."""
        if not self._store.exists():
            return nullcontext()
        return Store.open(self._store, readonly=True)

    def _take(self, found: Overview) -> FleetSeen:
        """What is known of nodes stays known until they say something else, or are gone."""
        nodes = tuple(
            replace(view, facts=view.facts or self._known.get(view.node.id)) for view in found.nodes
        )
        self._known = {view.node.id: view.facts for view in nodes if view.facts is not None}
        address = self._launcher.address()
        self._seen = FleetSeen(
            replace(found, nodes=nodes), self._clock(), address, asks=self._launcher.held_back
        )
        return self._seen

    def forget(self) -> None:
        self._stale = True
        self._launcher.ask_all_again()

    def close(self) -> None:
        self._launcher.close()


class Asker(RayLauncher):
    """Asks through a link of its own, so that no dispatcher waits while nodes look around."""

    def __init__(
        self,
        store_path: Path,
        *,
        link: Link | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Connects to nothing yet.

        Args:
            store_path: See ``RayLauncher``.
            link: See ``RayLauncher``.
            now: Monotonic seconds.
        """
        super().__init__(store_path, link=link, alone=True)
        self._now = now
        self._not_before: dict[str, float] = {}
        self._holds_back = False
        self.held_back = False
        """Whether there were nodes to ask since ``hold_back``."""

    def hold_back(self, on: bool) -> None:
        """Whether to ask no node for now."""
        self._holds_back, self.held_back = on, False

    def facts(self, ids: Sequence[str]) -> dict[str, NodeFacts]:
        due = [node for node in ids if self._now() >= self._not_before.get(node, 0.0)]
        if self._holds_back or not due:
            self.held_back = bool(due)
            return {}
        found = super().facts(due)
        for node in due:
            self._not_before[node] = self._now() + AGAIN_S
        return found

    def ask_all_again(self) -> None:
        """Asks nodes that did not say what they are again at the next time."""
        self._not_before.clear()


def current(found: Overview, snapshot: Snapshot) -> Overview:
    """The nodes with the jobs that the store has by now; the cluster was asked seconds ago."""
    held = [job for job in snapshot.held if job.target == TARGET]
    queued = sum(job.target == TARGET for job in snapshot.waiting)
    return with_jobs(found.nodes, held, queued)
