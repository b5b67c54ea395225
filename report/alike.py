"""Like with like: at which length of clips and which batch size results are set side by side.

Fronts, bars, charts and recommendations all ask here, so that they speak of the same results.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import NamedTuple, TypeVar

from report.speech import error_rate, of_one_kind, rate_kind
from store import LeaderboardRow, StudyRow

Item = TypeVar("Item")
Place = TypeVar("Place", float, tuple[float, int])
Row = StudyRow | LeaderboardRow
Point = tuple[float, int]
"""Audio seconds of a clip and batch size."""

OTHER_ENGINES = frozenset({"faster-whisper", "onnx", "openvino", "whisper-cpp"})
"""Engines that run a model whose own engine is another: its name alone would say the wrong one."""


class Entry(NamedTuple):
    """What the choice of a point needs to know of a result."""

    model: Hashable
    """The model, its weights, engine and language."""
    configuration: Hashable
    """The model, where and how it ran."""
    point: Point


def entry_of(row: Row) -> Entry:
    """The entry of a result whose machine does not matter."""
    model = (row.model, row.weights, row.engine, row.language or "en")
    return Entry(model, (*model, row.device, row.variant), (row.audio_seconds, row.batch_size))


def common_point(entries: Iterable[Entry]) -> Point | None:
    """The point of the grid that most models share, then most configurations, then the largest.

    Args:
        entries: The results.

    Returns:
        None where there is no result.
    """
    counts = _sharing((entry, entry.point) for entry in entries)
    return max(counts, key=lambda point: (counts[point], point), default=None)


def common_lengths(entries: Iterable[Entry]) -> list[float]:
    """The lengths of clips that more than half of the models share, the shortest first.

    Where there is none, the one that most share.

    Args:
        entries: The results.
    """
    entries = list(entries)
    models = len({entry.model for entry in entries})
    counts = _sharing((entry, entry.point[0]) for entry in entries)
    found = sorted(length for length, (count, _) in counts.items() if 2 * count > models)
    if found or not counts:
        return found
    return [max(counts, key=lambda length: (counts[length], length))]


def judged(items: Iterable[Item], row: Callable[[Item], Row]) -> list[Item]:
    """The items that have a speed and an error rate of one kind.

    Args:
        items: Results.
        row: That of one of them.
    """
    both = [item for item in items if row(item).rtfx and error_rate(row(item)) is not None]
    return of_one_kind(both, lambda item: rate_kind(row(item)))


def front_of(items: Sequence[Item], row: Callable[[Item], Row]) -> list[Item]:
    """What no other item beats in both speed and errors, the fastest first.

    Args:
        items: Results of one length and batch size, with a speed and an error rate.
        row: That of one of them.
    """
    # Here, because numpy takes a tenth of a second to import and the terminal UI starts without.
    from report.pareto import pareto_front

    points = [(row(item).rtfx or 0.0, error_rate(row(item)) or 0.0) for item in items]
    return [items[index] for index in pareto_front(points, minimise=(False, True))]


def _sharing(places: Iterable[tuple[Entry, Place]]) -> dict[Place, tuple[int, int]]:
    """How many models and how many configurations each point, or length, has."""
    found: dict[Place, tuple[set[Hashable], set[Hashable]]] = {}
    for entry, place in places:
        models, configurations = found.setdefault(place, (set(), set()))
        models.add(entry.model)
        configurations.add(entry.configuration)
    return {place: (len(models), len(configs)) for place, (models, configs) in found.items()}
