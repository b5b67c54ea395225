"""Target ``ray``: runners on the nodes of a Ray cluster, which chooses the node of each."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import tarfile
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

from runner import __version__
from runner.catalogue.extras import install_line
from runner.dispatch.container import readable, ticket_of
from runner.dispatch.fleet.facts import NodeFacts
from runner.dispatch.fleet.handle import FleetHandle
from runner.dispatch.fleet.link import Link, LinkError, link_to
from runner.dispatch.fleet.messages import (
    AskNodes,
    Find,
    Hello,
    ListNodes,
    Names,
    Node,
    Order,
    Release,
    RunnerKind,
    Submit,
    Taken,
)
from runner.dispatch.fleet.needs import in_words, meets, selector
from runner.dispatch.launcher import (
    Handle,
    Launcher,
    LaunchError,
    UnreachableError,
    is_anothers,
)
from runner.dispatch.logs import log_path
from runner.dispatch.needs import needs_of
from store import HELD, JobRow, Pool, Store, StoreError
from store.schema import SCHEMA_VERSION

TARGET = "ray"
NODES_S = 2.0
"""How long the list of nodes stays good."""
MOST_BYTES = 2 * 2**30
"""Of files that travel with a job; larger ones must be on the nodes."""
SUBMIT_S = 60.0
PASSED_ON = ("HF_TOKEN", "HF_ENDPOINT")


class RayLauncher(Launcher):
    """Starts runners in a fleet."""

    elsewhere = True

    def __init__(
        self,
        store_path: Path,
        *,
        environ: Mapping[str, str] = os.environ,
        link: Link | None = None,
        alone: bool = False,
        command: Sequence[str] = (),
    ) -> None:
        """A launcher of one store's jobs.

        Args:
            store_path: The store.
            environ: ``RAY_ADDRESS`` names the cluster, ``ASRPROF_FLEET_RUNNER`` what runners are.
            link: To the cluster, instead of the one that the environment names.
            alone: Whether to have a link of its own, so that nobody waits for its answers.
            command: What starts a runner on a node, for tests.
        """
        super().__init__(store_path)
        self._environ = environ
        self._given = link
        self._alone = alone
        self._command = tuple(command)
        self._nodes: list[Node] = []
        self._nodes_at = float("-inf")
        self._start = ""

    # For those who ask about the fleet

    def address(self) -> str:
        """The cluster's, as it names itself.

        Raises:
            UnreachableError: There is no cluster, or it does not answer.
        """
        with self._reached():
            return self._link().ask(Hello(), str)

    def close(self) -> None:
        """Ends a link of its own; one that is shared stays."""
        if self._alone and self._given is not None:
            self._given.close()

    def nodes(self) -> list[Node]:
        """The nodes that live.

        Raises:
            UnreachableError: There is no cluster, or it does not answer.
        """
        if time.monotonic() - self._nodes_at > NODES_S:
            with self._reached():
                self._nodes = self._link().ask(ListNodes(), list)
            self._nodes_at = time.monotonic()
        return self._nodes

    def facts(self, ids: Sequence[str]) -> dict[str, NodeFacts]:
        """What nodes know of themselves; those that are missing did not answer in time.

        Raises:
            UnreachableError: There is no cluster, or it does not answer.
        """
        with self._reached():
            return self._link().ask(AskNodes(tuple(ids)), dict, timeout_s=30.0)

    def matching(self, needs: str | None) -> list[Node]:
        """The nodes that measure and have what a job needs.

        Raises:
            UnreachableError: There is no cluster, or it does not answer.
        """
        return [node for node in self.nodes() if node.slots and meets(node.labels, needs)]

    # A launcher's part

    def pools(self, store: Store) -> list[Pool]:
        """One for each kind of needs: each may have all the nodes that have those."""
        return [
            Pool(TARGET, (TARGET,), sum(node.slots for node in self.matching(needs)), needs)
            for needs in store.queue.needs(TARGET)
        ]

    def check(self, needs: str | None = None) -> None:
        """Connects, and looks for a node that measures and has what is needed.

        Raises:
            LaunchError: The cluster does not answer, or has no such node.
        """
        try:
            found = self.matching(needs)
        except UnreachableError as error:
            raise LaunchError(f"target {TARGET}: {error}") from error
        if not found and needs is not None and self.matching(None):
            raise LaunchError(
                f"no node of the fleet has {in_words(needs)}: `asrprof fleet` lists what they have"
            )
        if not found:
            raise LaunchError(
                "no node of the fleet measures: start nodes with the flags that "
                "`asrprof fleet flags` prints"
            )

    def launch(self, job: JobRow) -> Handle:
        """Gives a job to the cluster, which places it.

        Raises:
            LaunchError: Its folders cannot travel, or its name is taken.
            UnreachableError: The cluster does not answer.
        """
        with Store.open(self._store_path, readonly=True) as store:
            ticket = ticket_of(store, job)
        work = Path(job.folder or Path.cwd())
        order = Order(
            name=self._name(job.id, job.attempt),
            ticket=ticket,
            version=__version__,
            schema=SCHEMA_VERSION,
            kind=self._kind(),
            cuda=gpus_of(ticket.config) > 0,
            command=self._command,
            environment={
                name: self._environ[name] for name in PASSED_ON if self._environ.get(name)
            },
        )
        avoid = (job.avoid or "").split(",") if job.avoid else ()
        with tempfile.TemporaryDirectory(prefix="asrprof-") as folder:
            files = _pack(ticket.config, work, Path(folder) / "files.tar")
            ask = Submit(order, selector(job.needs, avoid), gpus_of(ticket.config), files)
            with self._reached():
                cluster = self._link().ask(Hello(), str)
                answer = self._link().ask(ask, object, timeout_s=SUBMIT_S)
                if isinstance(answer, Taken):
                    # A dispatcher before died between starting it and noting it.
                    self._link().ask(Release(order.name), bool)
                    answer = self._link().ask(ask, object, timeout_s=SUBMIT_S)
        if answer is not True:
            raise LaunchError(f"target {TARGET}: the name {order.name} is taken")
        return self._handle(job, cluster)

    def find(self, job: JobRow) -> Handle | None:
        """The agent of this attempt.

        Raises:
            UnreachableError: The cluster does not answer, or is not the one that has it.
        """
        with self._reached():
            cluster = self._link().ask(Hello(), str)
            known = (job.handle or "").partition("/")[0]
            if known and known != cluster:
                raise UnreachableError(f"the job is on another Ray cluster, at {known}")
            name = self._name(job.id, job.attempt)
            return self._handle(job, cluster) if self._link().ask(Find(name), bool) else None

    def tidy(self, store: Store, followed: Collection[int]) -> None:
        """Ends agents of this store whose attempt is over."""
        if TARGET not in store.queue.targets():
            return  # No cluster is looked for that was never asked for.
        prefix = self._name_start()
        with self._reached():
            for name in self._link().ask(Names(prefix), list):
                job_id, _, attempt = str(name).removeprefix(prefix).partition("-")
                if int(job_id) in followed:
                    continue
                try:
                    job = store.job(int(job_id))
                    ended = job.state not in HELD and not is_anothers(job)
                    over = job.attempt != int(attempt) or ended
                except StoreError:
                    over = True  # It was removed.
                if over:
                    self._link().ask(Release(name), bool)

    def _handle(self, job: JobRow, cluster: str) -> FleetHandle:
        name = self._name(job.id, job.attempt)
        log = log_path(self._store_path, job.id, job.attempt)
        return FleetHandle(self._link(), cluster, name, log, job.id, job.attempt)

    def _name(self, job_id: int, attempt: int) -> str:
        return f"{self._name_start()}{job_id}-{attempt}"

    def _name_start(self) -> str:
        # A copy of a store has its id, and must not touch its agents.
        if not self._start:
            with Store.open(self._store_path, readonly=True) as store:
                text = f"{store.id} {self._store_path.resolve()}"
            self._start = f"asrprof-{hashlib.sha256(text.encode()).hexdigest()[:8]}-"
        return self._start

    def _kind(self) -> RunnerKind:
        kind = self._environ.get("ASRPROF_FLEET_RUNNER") or "auto"
        if kind not in get_args(RunnerKind):
            raise LaunchError(
                f'ASRPROF_FLEET_RUNNER="{kind[:40]}": write auto, process or container'
            )
        return kind  # type: ignore[return-value]

    def _link(self) -> Link:
        if self._given is not None:
            return self._given
        if importlib.util.find_spec("ray") is None:
            raise LinkError(f"Ray is not installed; {install_line('fleet')}")
        address = self._environ.get("RAY_ADDRESS") or "auto"
        if self._alone:
            self._given = Link(address)
            return self._given
        return link_to(address)

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except LinkError as error:
            raise UnreachableError(str(error)) from error


def gpus_of(config: str) -> int:
    """How many GPUs a benchmark needs on its node: it may name them, ``cuda:1``."""
    devices: list[str] = json.loads(config).get("devices") or []
    numbers = [int(device.partition(":")[2] or 0) for device in devices if "cuda" in device]
    return max(numbers, default=-1) + 1


def _pack(config: str, work: Path, to: Path) -> Path | None:
    """Archives the folders that a config names relative to where it was queued.

    Others must be on the nodes, under the same name.

    Raises:
        LaunchError: They cannot be read, or are too much to travel.
    """
    folders = [
        path
        for path in needs_of(config, work).folders
        if path.is_relative_to(work) and str(path) not in config
    ]
    if not folders:
        return None
    size = sum(file.stat().st_size for path in folders for file in path.rglob("*"))
    if size > MOST_BYTES:
        raise LaunchError(
            f"{', '.join(path.name for path in folders)}: {size / 2**30:.1f} GiB are too much to "
            "send along; put them on every node and give their absolute path"
        )
    try:
        with tarfile.open(to, "w", dereference=True) as archive:
            for path in folders:
                archive.add(path, arcname=str(path.relative_to(work)), filter=readable)
    except OSError as error:
        raise LaunchError(f"cannot read {error.filename}: {error.strerror}") from error
    return to
