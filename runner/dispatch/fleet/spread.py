"""One benchmark over several nodes, if those are alike: else figures would not compare."""

from __future__ import annotations

from collections import Counter

from runner.config import Benchmark
from runner.dispatch.fleet.launcher import RayLauncher
from runner.dispatch.launcher import UnreachableError
from runner.errors import UserError
from runner.grid import expand
from runner.parts import parts, points


def spread(
    launcher: RayLauncher,
    benchmark: Benchmark,
    needs: str | None,
    *,
    most: int | None = None,
    unequal: bool = False,
) -> list[str]:
    """The parts that a benchmark is queued as, one for each node that it may run on.

    Args:
        launcher: Of the fleet.
        benchmark: What to run.
        needs: What its nodes need to have.
        most: At most so many parts.
        unequal: Whether nodes may differ in hardware.

    Returns:
        ``1/3``, ``2/3``, ``3/3``.

    Raises:
        UserError: There is no such node, or they differ.
    """
    try:
        launcher.check(needs)
        nodes = launcher.matching(needs)
        facts = launcher.facts([node.id for node in nodes])
    except UnreachableError as error:
        raise UserError(f"target ray: {error}") from error
    silent = sorted(node.name for node in nodes if node.id not in facts)
    if silent:
        raise UserError(f"nodes do not say what they are: {', '.join(silent)}: try again")
    kinds = Counter(facts[node.id].hardware for node in nodes)
    if len(kinds) > 1 and not unequal:
        words = "; ".join(f"{count} x {kind}" for kind, count in kinds.most_common())
        raise UserError(
            f"the nodes differ, so that figures of one would not compare with those of another "
            f"({words}): choose equal ones with --need, or allow it with --unequal"
        )
    slots = sum(node.slots for node in nodes)
    count = min(slots, points(expand(benchmark)), most or slots)
    return parts(count)
