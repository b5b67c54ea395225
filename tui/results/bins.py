"""How values are spread: the bins of a histogram."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

BINS = 16
"""Most bars of a histogram."""
FEWEST = 12
"""Of fewer values the rule for the bins says nothing: most of them would be empty."""


def bins(values: Sequence[float]) -> tuple[float, float, list[int]]:
    """The lower end, the width and the counts of the bins of a histogram.

    The number of bins follows Freedman and Diaconis (1981), On the histogram as a density
    estimator, within sensible limits.
    """
    ordered = sorted(values)
    low, high = ordered[0], ordered[-1]
    if high <= low:
        return low, max(abs(low) * 0.01, 1e-9), [len(values)]
    if len(values) < FEWEST:
        return (
            low,
            (high - low) / min(4, len(values)),
            _counts(values, low, high, min(4, len(values))),
        )
    spread = ordered[(3 * len(ordered)) // 4] - ordered[len(ordered) // 4]
    wanted = 2 * spread / len(ordered) ** (1 / 3)
    count = BINS if wanted <= 0 else math.ceil((high - low) / wanted)
    count = max(4, min(BINS, count))
    return low, (high - low) / count, _counts(values, low, high, count)


def _counts(values: Sequence[float], low: float, high: float, count: int) -> list[int]:
    step = (high - low) / count
    places = Counter(min(count - 1, int((value - low) / step)) for value in values)
    return [places[place] for place in range(count)]
