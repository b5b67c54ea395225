"""What a chart shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Point:
    """One value, with its interval where there is one."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None
    id: int = 0
    """What it stands for, e.g. a result."""
    note: str = ""
    """What is to be known of it, in a few words: its label, or that it is unstable."""
    mark: str = ""
    """A sign to draw instead of its series', for what tells it from the others of the series."""
    kind: int | None = None
    """Which of the plot's kinds it is of: its sign tells that then, and its colour the series."""
    name: str = ""
    """What to write beside it, where there is room."""


@dataclass(frozen=True)
class Series:
    """Points that belong together."""

    label: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Rule:
    """A limit: a line across the whole plot."""

    y: float
    label: str


@dataclass(frozen=True)
class Axis:
    """One axis."""

    label: str
    unit: str = ""
    log: bool = False
    at: tuple[float, ...] = ()
    """Where ticks belong, for values that are a few given ones; by default round numbers."""

    @property
    def title(self) -> str:
        """Label and unit."""
        return f"{self.label}, {self.unit}" if self.unit else self.label


@dataclass(frozen=True)
class Plot:
    """One chart."""

    title: str
    x: Axis
    y: Axis
    series: tuple[Series, ...]
    lines: bool = True
    """Whether the points of a series are joined, those of one kind with each other."""
    rules: tuple[Rule, ...] = ()
    left_out: int = 0
    """Series that are not shown, because there are no marks left to tell them apart."""
    front: tuple[Point, ...] = ()
    """Points of a Pareto front, in the order of x; joined by steps."""
    front_label: str = "Pareto front"
    kinds: tuple[str, ...] = ()
    """What the kinds of points are, in the order of their signs."""
    bars: bool = False
    """Whether each point is a bar of its own, from nothing to its ``y``."""
    mark_meanings: tuple[tuple[str, str], ...] = ()
    """Signs that points have instead of their series', and what these mean."""
    caption: str = ""
    """What is left out or to be known of the whole, in one line."""
    empty: str = "nothing to show"
    """What to say when there is no point."""

    @property
    def shown_rules(self) -> tuple[Rule, ...]:
        """The limits that the axis can show."""
        return tuple(rule for rule in self.rules if rule.y > 0 or not self.y.log)

    def points(self) -> Iterator[tuple[int, Point]]:
        """Every point that its axes can show, with the number of its series."""
        for number, series in enumerate(self.series):
            for point in series.points:
                if (point.x > 0 or not self.x.log) and (point.y > 0 or not self.y.log):
                    yield number, point
