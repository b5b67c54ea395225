"""The results that a study is made of: the newest of every case, under names that people read."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from store import Environment, Store, StudyReader, StudyRow

BASELINE = "fp32"
"""The variant that others are compared with."""

OTHER_ENGINES = frozenset({"faster-whisper"})
"""Engines that run a model whose own engine is another: its name alone would say the wrong one."""

Record = TypeVar("Record")
Key = TypeVar("Key")


@dataclass(frozen=True)
class Case:
    """One point of the grid and its newest result."""

    row: StudyRow
    model: str
    """Short name; random weights are marked, and an engine that is not the model's own."""
    place: str
    """Device; with its hardware where the store has several for one device."""

    @property
    def configuration(self) -> Configuration:
        return Configuration(self.model, self.place, self.row.variant)

    @property
    def point(self) -> tuple[float, int]:
        """Audio seconds and batch size."""
        return self.row.audio_seconds, self.row.batch_size

    @property
    def title(self) -> str:
        """One line for people."""
        return f"{self.configuration.title}, {shape(*self.point)}"


@dataclass(frozen=True, order=True)
class Configuration:
    """What is run, whatever it is given: the lines of a figure."""

    model: str
    place: str
    variant: str

    @property
    def title(self) -> str:
        variant = "" if self.variant == BASELINE else f" {self.variant}"
        return f"{self.model}{variant} on {self.place}"


class Study:
    """The results of one store, or a part of them."""

    def __init__(
        self,
        path: Path,
        rows: Sequence[StudyRow],
        environments: dict[int, Environment],
        reader: StudyReader,
    ) -> None:
        """Names the results and keeps the newest of each case.

        Args:
            path: The store.
            rows: Results, oldest first.
            environments: The store's machines.
            reader: For samples, stages and the rest, which are read when asked for.
        """
        self.path = path
        self.environments = environments
        self.results = len(rows)
        """Results read, repeated measurements included."""
        self.cases = _newest(rows, environments)
        self._reader = reader

    @classmethod
    def read(cls, store: Store, *, where: str | None = None, job_id: int | None = None) -> Study:
        """The study of a store.

        Args:
            store: Opened read-only if there is a condition.
            where: Only results for which this SQL condition on the leaderboard holds.
            job_id: Only this job's.
        """
        rows = store.study.rows(where=where, job_id=job_id)
        return cls(store.path, rows, store.study.environments(), store.study)

    @cached_property
    def ok(self) -> tuple[Case, ...]:
        """The cases with a latency."""
        return tuple(case for case in self.cases if case.row.latency_s is not None)

    @cached_property
    def baseline(self) -> tuple[Case, ...]:
        """The cases with a latency that ran without any optimisation."""
        return tuple(case for case in self.ok if case.row.variant == BASELINE)

    @cached_property
    def models(self) -> tuple[str, ...]:
        """All models with a latency, those with most cases first."""
        return tuple(model for model, _ in Counter(case.model for case in self.ok).most_common())

    @cached_property
    def places(self) -> tuple[str, ...]:
        """All devices with a latency, the CPU first."""
        return tuple(sorted({case.place for case in self.ok}, key=lambda p: (p[:3] != "cpu", p)))

    def children(
        self, record: type[Record], cases: Iterable[Case]
    ) -> dict[int, tuple[Record, ...]]:
        """Samples, stages, operators … of some cases, by result."""
        return self._reader.children(record, [case.row.result_id for case in cases])

    def environment(self, case: Case) -> Environment | None:
        """Where a case ran."""
        return self.environments.get(case.row.environment_id or 0)

    def common_point(self, cases: Sequence[Case]) -> tuple[float, int] | None:
        """The point of the grid that most configurations share; of several, the largest.

        Figures that show one bar a model need cases that had the same work to do.
        """
        counts = Counter(point for point, _ in {(case.point, case.configuration) for case in cases})
        return max(counts, key=lambda point: (counts[point], point), default=None)


def front_candidates(study: Study) -> list[Case]:
    """Cases that a front of errors may be made of: those of one length of clips.

    Other lengths are other work, and other clips. It is the longest that most models share.
    """
    judged = [case for case in study.ok if case.row.wer is not None]
    models = {
        length: len({case.model for case in members})
        for length, members in group(judged, lambda case: case.row.audio_seconds).items()
    }
    chosen = max(models, key=lambda length: (models[length], length), default=None)
    return [case for case in judged if case.row.audio_seconds == chosen]


def group(cases: Iterable[Case], key: Callable[[Case], Key]) -> dict[Key, list[Case]]:
    """The cases by a key, in the order in which the keys first occur."""
    groups: dict[Key, list[Case]] = defaultdict(list)
    for case in cases:
        groups[key(case)].append(case)
    return dict(groups)


def shape(audio_seconds: float, batch_size: int) -> str:
    """The work of a case in words, such as ``30 s × 4``."""
    return f"{audio_seconds:g} s × {batch_size}"


def _newest(rows: Sequence[StudyRow], environments: dict[int, Environment]) -> tuple[Case, ...]:
    titles = _titles(rows)
    places = _places(rows, environments)
    newest: dict[tuple[str, str, str, float, int], Case] = {}
    for row in rows:
        place = places[row.device, _hardware(row, environments)]
        case = Case(row, titles[row.model, row.weights, row.engine], place)
        key = (case.model, place, row.variant, row.audio_seconds, row.batch_size)
        kept = newest.get(key)
        # A later attempt without figures does not take those of an earlier one away.
        if kept is None or row.latency_s is not None or kept.row.latency_s is None:
            newest[key] = case
    return tuple(newest.values())


def _titles(rows: Sequence[StudyRow]) -> dict[tuple[str, str, str], str]:
    models = dict.fromkeys((row.model, row.weights, row.engine) for row in rows)
    short = {model: model.rstrip("/").rsplit("/", 1)[-1] for model, _, _ in models}
    uses = Counter(short.values())
    return {
        key: " ".join(filter(None, (_name(key[0], short, uses), _marks(*key[1:]))))
        for key in models
    }


def _name(model: str, short: dict[str, str], uses: Counter[str]) -> str:
    return short[model] if uses[short[model]] == 1 else model


def _marks(weights: str, engine: str) -> str:
    marks = ["random"] if weights == "random" else []
    marks += [engine] if engine in OTHER_ENGINES else []
    return f"({', '.join(marks)})" if marks else ""


def _hardware(row: StudyRow, environments: dict[int, Environment]) -> str:
    environment = environments.get(row.environment_id or 0)
    if environment is None:
        return ""
    if row.device.startswith("cpu"):
        return environment.cpu_model
    return environment.gpu_name or ""


def _places(
    rows: Sequence[StudyRow], environments: dict[int, Environment]
) -> dict[tuple[str, str], str]:
    """Device and hardware to what it is called; the hardware is named only where it must be.

    A case that never came to read its machine belongs to the device's only hardware, if there is
    only one.
    """
    found = dict.fromkeys((row.device, _hardware(row, environments)) for row in rows)
    several = Counter(device for device, hardware in found if hardware)
    return {
        (device, hardware): f"{device} ({hardware})" if several[device] > 1 and hardware else device
        for device, hardware in found
    }
