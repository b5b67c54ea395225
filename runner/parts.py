"""A benchmark's cases shared out to several jobs that run at once."""

from __future__ import annotations

from collections.abc import Sequence

from runner.errors import UserError
from runner.grid import Case


def parts(count: int) -> list[str]:
    """The names of so many parts: ``1/3``, ``2/3``, ``3/3``."""
    return [f"{number}/{count}" for number in range(1, count + 1)]


def share(cases: Sequence[Case], part: str | None) -> tuple[Case, ...]:
    """The cases of one part, in their order; all of them when ``part`` is None.

    All variants of a point stay together, because a variant is judged beside its baseline. Points
    go round the parts, so that none gets all the large ones.

    Raises:
        UserError: ``part`` is none, such as 5/4.
    """
    if part is None:
        return tuple(cases)
    number, _, count = part.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise UserError(f'part "{part[:20]}": write a number and how many there are, such as 2/4')
    points: dict[tuple[object, ...], int] = {}
    for case in cases:
        points.setdefault(case.point, len(points))
    return tuple(case for case in cases if points[case.point] % int(count) == int(number) - 1)


def points(cases: Sequence[Case]) -> int:
    """How many parts there can be at most."""
    return len({case.point for case in cases})
