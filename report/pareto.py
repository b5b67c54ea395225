"""The Pareto front: the points that no other point beats in every coordinate at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def pareto_front(
    points: Sequence[Sequence[float]], *, minimise: Sequence[bool] = (True, False)
) -> tuple[int, ...]:
    """The points that are not dominated, in order of their first coordinate, best first.

    A point is dominated when another is at least as good in every coordinate and better in one.
    Equal points do not dominate one another, so both are kept.

    Args:
        points: Any number of points with one value a coordinate. A point with a value that is not
            finite is on no front and dominates none.
        minimise: For each coordinate whether less is better; by default the first is a cost and
            the second a gain.

    Returns:
        Indices into ``points``.

    Raises:
        ValueError: A point has another number of coordinates than ``minimise``.
    """
    if any(len(point) != len(minimise) for point in points):
        raise ValueError(f"every point needs {len(minimise)} coordinates")
    if not points:
        return ()
    # Less is better in every column from here on.
    costs = np.asarray(points, dtype=np.float64) * np.where(minimise, 1.0, -1.0)
    candidates = np.flatnonzero(np.isfinite(costs).all(axis=1))
    # In lexical order a point can only be dominated by an earlier one, and if by any, then by one
    # that is on the front.
    order = candidates[np.lexsort(costs[candidates].T[::-1])]
    front: list[int] = []
    kept = np.empty((0, costs.shape[1]))
    for index in order:
        cost = costs[index]
        beaten = (kept <= cost).all(axis=1) & (kept < cost).any(axis=1)
        if not beaten.any():
            front.append(int(index))
            kept = costs[front]
    return tuple(front)
