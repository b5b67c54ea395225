"""What became of jobs that nobody follows: their dispatcher has gone, or is silent for too long."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from runner.dispatch.launcher import Handle, Launcher, UnreachableError
from store import (
    JobRow,
    Store,
    machine_of,
    owner_is_alive,
    owner_is_dead,
    timestamp,
    utc_now,
    vanished,
)


@dataclass(frozen=True)
class Found:
    """Its runner is there: someone may follow it."""

    handle: Handle


@dataclass(frozen=True)
class NotBegun:
    """It was claimed, and no runner is there: it may go back."""


@dataclass(frozen=True)
class Gone:
    """It ran, and its runner is gone."""

    reason: str


Fate = Found | NotBegun | Gone


def find_orphans(
    store: Store, launchers: Mapping[str, Launcher], owner: str, followed: Collection[int]
) -> Iterator[tuple[JobRow, Fate]]:
    """Jobs that nobody follows, and what became of each, as far as it can be told.

    Args:
        store: The store.
        launchers: Of each target, who can say whether a runner lives.
        owner: The dispatcher that asks.
        followed: Jobs that it follows.
    """
    for job in store.attempts.held():
        if job.id in followed or not _is_orphan(job):
            continue
        launcher = _launcher_to_ask(job, launchers, owner)
        answers, handle = True, None
        try:
            handle = None if launcher is None else launcher.find(job)
        except UnreachableError:
            # It may run on there, so it must not be started again; only its lease can tell.
            launcher, answers = None, False
        reason = vanished(job, utc_now())
        if handle is not None:
            yield job, Found(handle)
        elif job.state == "starting" and answers:
            yield job, NotBegun()
        elif launcher is not None or reason is not None:
            yield job, Gone(reason or f"its runner {job.handle} is gone")


def _launcher_to_ask(job: JobRow, launchers: Mapping[str, Launcher], owner: str) -> Launcher | None:
    """Who can say whether a job's runner lives; None if only its lease can tell."""
    launcher = launchers.get(job.target)
    if job.dispatcher is None or launcher is None:
        return None
    # Another machine's processes cannot be asked from here, a cluster can.
    here = job.machine == machine_of(owner)
    return launcher if here or launcher.elsewhere else None


def _is_orphan(job: JobRow) -> bool:
    """Whether nobody seems to follow a job any more."""
    late = job.lease_expires_at is None or job.lease_expires_at <= timestamp(utc_now())
    if job.dispatcher is None:  # Run by hand.
        holder = job.lease_owner or ""
        # After the machine slept a lease is over though its holder is well.
        return owner_is_dead(holder) or (late and not owner_is_alive(holder))
    return owner_is_dead(job.dispatcher) or late
