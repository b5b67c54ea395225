"""What a launcher is: it starts a runner for a job somewhere, and finds it again.

A launcher keeps nothing that a restart would lose: what it needs to find a runner is in the job's
row (``handle``, ``lease_owner``) or can be asked of the place where it runs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from runner.dispatch.logs import forget, log_path, tail
from runner.errors import UserError
from store import JobRow, Pool, Store, owner_is_dead, process_owner


class LaunchError(UserError):
    """A runner cannot be started here; the message names the cause and the remedy."""


@dataclass(frozen=True)
class Running:
    """The runner lives, or will as soon as there is a slot for it."""

    placed: bool = True
    """Whether it has a slot: where a cluster chooses one, that may take a while."""
    node: str | None = None
    """The node of a fleet that it is on, ``name/id``."""


@dataclass(frozen=True)
class Exited:
    """The runner has ended."""

    code: int | None
    """Its exit code, -n for signal n; None where nobody saw it end."""
    reason: str
    """What is known of its end, in words."""
    node: str | None = None
    """The node of a fleet that it was on, ``name/id``."""


@dataclass(frozen=True)
class Unreachable:
    """The place where the runner is does not answer; it may go on there."""

    reason: str


class UnreachableError(Exception):
    """The place where runners are does not answer; the message says why."""


class Handle(ABC):
    """One runner, wherever it is."""

    @property
    @abstractmethod
    def ref(self) -> str:
        """A text by which another dispatcher finds the runner; it is stored with the job."""

    @property
    @abstractmethod
    def log(self) -> Path | None:
        """The file with its output, or None where that is kept elsewhere."""

    @abstractmethod
    def poll(self) -> Running | Exited | Unreachable:
        """Whether it lives; returns at once."""

    @abstractmethod
    def stop(self, grace_s: float) -> None:
        """Asks it to end, and ends it after ``grace_s``; returns when it is gone."""

    def bring(self, store: Store, *, last: bool) -> None:
        """Takes into the store what the runner could not write there itself.

        Args:
            store: The store.
            last: The runner has ended: nothing more will come.

        Raises:
            UnreachableError: What it wrote cannot be had now.
            LeaseLostError: Its attempt is over and another one has begun.
            SpoolError: What it wrote is damaged.
            StoreError: The store cannot be written.
        """

    def gives_sign(self, within_s: float) -> bool:
        """Whether the runner is known to live though its place does not answer."""
        return False

    def release(self) -> bool:
        """Clears away what is left of a runner that has ended; False if that cannot be done now."""
        return True


def is_anothers(job: JobRow) -> bool:
    """Whether another dispatcher that lives has followed a job, and may be at its end."""
    owner = job.dispatcher
    return owner is not None and owner != process_owner() and not owner_is_dead(owner)


class Launcher(ABC):
    """Starts and finds runners of one target."""

    elsewhere: bool = False
    """Whether runners are on other machines, so that this one may be busy meanwhile."""

    def __init__(self, store_path: Path) -> None:
        """A launcher of the jobs of the store at ``store_path``."""
        self._store_path = store_path.absolute()

    def pools(self, store: Store) -> list[Pool]:
        """Which jobs can have which slots, where those are ``elsewhere``.

        Raises:
            UnreachableError: The place does not answer.
        """
        return []

    @abstractmethod
    def launch(self, job: JobRow) -> Handle:
        """Starts a runner for a claimed job, and returns without waiting for it to begin.

        Raises:
            LaunchError: It cannot be started.
            UnreachableError: The place went away just now.
        """

    @abstractmethod
    def find(self, job: JobRow) -> Handle | None:
        """The runner of this attempt, whoever started it, if it lives or left something behind.

        Raises:
            UnreachableError: The place where it would be does not answer.
        """

    def check(self, needs: str | None = None) -> None:
        """Looks whether runners can be started here at all, before a job is queued.

        Args:
            needs: What the job needs of a node; see ``runner.dispatch.fleet.needs``.

        Raises:
            LaunchError: They cannot; the message names the cause and the remedy.
        """
        if needs is not None:
            raise LaunchError("only nodes of a fleet can be chosen: needs go with --target ray")

    def tidy(self, store: Store, followed: Collection[int]) -> None:
        """Clears away runners of jobs that ended, which a dispatcher could not.

        Args:
            store: The store.
            followed: Jobs that the caller follows; they are left alone.

        Raises:
            UnreachableError: The place does not answer.
        """

    def logs(self, job: JobRow, follow: Callable[[], bool]) -> Iterator[str]:
        """Lines of the latest attempt's output: those there are, then the new ones.

        They lie beside the store; where a runner cannot write there, its dispatcher does.

        Args:
            job: The job.
            follow: Asked at the end of what there is: whether to wait for more.
        """
        return tail(log_path(self._store_path, job.id, job.attempt), follow)

    def forget(self, job: JobRow) -> None:
        """Deletes what was kept for a job outside the store: logs, spools, traces."""
        forget(self._store_path, job.id)
