"""Which queued job is next, for the slots that a dispatcher has to give."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from store.connection import Transaction

ANY_NEEDS = "*"


@dataclass(frozen=True)
class Pool:
    """Jobs that wait for the same slots."""

    machine: str
    """Where those are: a machine's name, or a fleet's."""
    targets: tuple[str, ...]
    """Which jobs can have one."""
    slots: int
    """How many of them may be starting or running there at once, whoever started them."""
    needs: str | None = ANY_NEEDS
    """Only jobs that need just this; by default whatever they need."""


def next_job(
    transaction: Transaction,
    targets: Collection[str],
    *,
    only: int | None = None,
    needs: str | None = ANY_NEEDS,
) -> int | None:
    """The job that starts next, among those of some targets and needs; None if none waits.

    It is read off an index in its order: a long queue costs no more than a short one.

    Args:
        transaction: The transaction that it is looked for in.
        targets: Where it may run.
        only: Only this job; None for any.
        needs: Only jobs that need just this; by default whatever they need.
    """
    if not targets:
        return None
    marks = ", ".join("?" for _ in targets)
    any_needs = needs == ANY_NEEDS
    found = transaction.rows(
        f"SELECT id FROM jobs INDEXED BY {'jobs_waiting' if any_needs else 'jobs_waiting_needs'}"
        f" WHERE state = 'queued' AND target IN ({marks}) AND (? IS NULL OR id = ?)"
        f" {'' if any_needs else 'AND needs IS ?'} ORDER BY priority DESC, position, id LIMIT 1",
        (*targets, only, only, *(() if any_needs else (needs,))),
    )
    return int(found[0]["id"]) if found else None


def occupied(transaction: Transaction, pool: Pool) -> int:
    """How many of a pool's slots are taken."""
    ((count,),) = transaction.rows(
        "SELECT count(*) FROM jobs WHERE state IN ('starting', 'running') AND machine = ?"
        " AND (? = '*' OR needs IS ?)",
        (pool.machine, pool.needs or "", pool.needs),
    )
    return int(count)
