"""The results that a study is made of: the newest of every case, under names that people read."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from report.alike import Entry, common_point, judged
from report.names import hardware, model_names, place_names, thread_marks, titled
from report.one_speech import OtherData, of_one_speech
from report.speech import of_one_kind, rate_kind
from store import Environment, Metric, Store, StudyReader, StudyRow, Transcript
from store.data_source import short_data

BASELINE = "fp32"
"""The variant that others are compared with."""

Record = TypeVar("Record")
Key = TypeVar("Key")


@dataclass(frozen=True)
class Case:
    """One point of the grid and its newest result."""

    row: StudyRow
    model: str
    """Short name; random weights are marked, an engine that is not the model's own, and the
    speech, where results of several kinds of it stand together."""
    place: str
    """Device; with its hardware where the store has several for one device, and with the number of
    threads, ``cpu t2``, where the benchmark listed several or runs had different ones."""
    price_per_hour: float | None = None
    """Of the machine that it ran on, where a scenario names one."""

    @cached_property
    def configuration(self) -> Configuration:
        return Configuration(self.model, self.place, self.row.variant)

    @property
    def entry(self) -> Entry:
        """What the choice of a point of the grid needs to know."""
        return Entry(self.model, self.configuration, self.point)

    @property
    def point(self) -> tuple[float, int]:
        """Audio seconds and batch size."""
        return self.row.audio_seconds, self.row.batch_size

    @property
    def title(self) -> str:
        """One line for people."""
        return f"{self.configuration.title}, {shape(*self.point)}"

    @property
    def quality_record(self) -> int:
        """A number that cases share whose error rates are one piece of evidence."""
        # A result without a record shares none: its own number keeps it apart.
        return self.row.quality_id or -self.row.result_id

    @property
    def packed(self) -> bool:
        """Whether its timed clips join unrelated speakers."""
        return self.row.clips_mode == "packed"

    @property
    def stopped_early(self) -> bool:
        """Whether a tenth of the words or more are missing: its latency is of less work."""
        return bool(self.row.stopped_early)


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
        *,
        with_stopped_early: bool = False,
        other_data: Sequence[OtherData] = (),
    ) -> None:
        """Names the results and keeps the newest of each case.

        Args:
            path: The store.
            rows: Results, oldest first.
            environments: The store's machines.
            reader: For samples, stages and the rest, which are read when asked for.
            with_stopped_early: Whether cases that stopped early may be chosen.
            other_data: Results of other speech that were left out.
        """
        self.path = path
        self.with_stopped_early = with_stopped_early
        self.environments = environments
        self.results = len(rows)
        """Results read, repeated measurements included."""
        self.other_data = other_data
        """Results of other speech that were left out."""
        self.cases = _newest(named(rows, environments))
        self._reader = reader

    @classmethod
    def read(
        cls,
        store: Store,
        *,
        where: str | None = None,
        job_id: int | None = None,
        with_stopped_early: bool = False,
    ) -> Study:
        """The study of a store, of the speech that was measured last.

        Figures of other speech do not compare: its latencies are of other words, its error rates of
        other speakers. What is left out for that is in `other_data`.

        Args:
            store: Opened read-only if there is a condition.
            where: Only results for which this SQL condition on the leaderboard holds.
            job_id: Only this job's.
            with_stopped_early: Whether cases that stopped early may be chosen: on fronts, in
                recommendations and in brief.
        """
        rows, others = of_one_speech(store.study.rows(where=where, job_id=job_id))
        environments = store.study.environments()
        return cls(
            store.path,
            rows,
            environments,
            store.study,
            with_stopped_early=with_stopped_early,
            other_data=others,
        )

    @cached_property
    def ok(self) -> tuple[Case, ...]:
        """The cases with a latency."""
        return tuple(case for case in self.cases if case.row.latency_s is not None)

    @cached_property
    def ended(self) -> tuple[Case, ...]:
        """The cases with figures, whether or not a latency is among them."""
        return tuple(case for case in self.cases if case.row.state == "ok")

    @cached_property
    def baseline(self) -> tuple[Case, ...]:
        """The cases with a latency that ran without any optimisation."""
        return tuple(case for case in self.ok if case.row.variant == BASELINE)

    @property
    def has_variants(self) -> bool:
        """Whether a case may have a baseline to be compared with."""
        return any(case.row.variant != (case.row.baseline or BASELINE) for case in self.ok)

    @cached_property
    def comparable(self) -> tuple[Case, ...]:
        """The cases with a latency that a choice may rest on; see `comparable`."""
        return comparable(self.ok, with_stopped_early=self.with_stopped_early)

    @cached_property
    def models(self) -> tuple[str, ...]:
        """All models with a latency, those with most cases first."""
        return tuple(model for model, _ in Counter(case.model for case in self.ok).most_common())

    def rank(self, model: str) -> int:
        """A model's place among `models`; those without a latency come behind all others."""
        return self.models.index(model) if model in self.models else len(self.models)

    @cached_property
    def places(self) -> tuple[str, ...]:
        """All devices with a latency, the CPU first."""
        return tuple(sorted({case.place for case in self.ok}, key=lambda p: (p[:3] != "cpu", p)))

    @cached_property
    def data(self) -> str | None:
        """The name of its speech; None where it has none, or several."""
        found = {case.row.data for case in self.cases}
        only = found.pop() if len(found) == 1 else None
        if only is None:
            return None
        return short_data([only, *(one.data for one in self.other_data)])[only]

    @cached_property
    def scalars(self) -> dict[str, Metric]:
        """What the scalars of the results are, by name."""
        return self._reader.scalars()

    def children(
        self, record: type[Record], cases: Iterable[Case]
    ) -> dict[int, tuple[Record, ...]]:
        """Samples, stages, operators … of some cases, by result."""
        return self._reader.children(record, [case.row.result_id for case in cases])

    def utterances(self, cases: Iterable[Case]) -> dict[int, frozenset[str]]:
        """Ids of the utterances (or packed clips) behind the WER of some cases, by result.

        Read once for each quality record, however many cases share it.
        """
        shared = group(
            [case for case in cases if case.row.wer is not None],
            lambda case: case.quality_record,
        )
        found = self.children(Transcript, [members[0] for members in shared.values()])
        return {
            case.row.result_id: frozenset(
                transcript.clip_id for transcript in found.get(members[0].row.result_id, ())
            )
            for members in shared.values()
            for case in members
        }

    def environment(self, case: Case) -> Environment | None:
        """Where a case ran."""
        return self.environments.get(case.row.environment_id or 0)

    def common_point(self, cases: Sequence[Case]) -> tuple[float, int] | None:
        """The point of the grid that most models share; see `report.alike`.

        Figures that show one bar a model need cases that had the same work to do.
        """
        return common_point(case.entry for case in cases)


def comparable(cases: Iterable[Case], *, with_stopped_early: bool = False) -> tuple[Case, ...]:
    """The cases that a choice may rest on: those whose latency is of the whole work.

    Fronts, recommendations and the choices in brief all ask here.

    Args:
        cases: Cases with a latency.
        with_stopped_early: Whether those that stopped early stay in.
    """
    return tuple(case for case in cases if with_stopped_early or not case.stopped_early)


def of_one_rate(cases: Sequence[Case]) -> tuple[Case, ...]:
    """The cases whose WER compares, and those without one.

    Rates of utterances and of packed clips, by different normalisers, or by words and by characters
    do not: those of the largest kind stay, of utterances where any is.
    """
    judged = [case for case in cases if case.row.wer is not None]
    kept = {id(case) for case in of_one_kind(judged, lambda case: rate_kind(case.row))}
    return tuple(case for case in cases if case.row.wer is None or id(case) in kept)


def front_candidates(study: Study) -> list[Case]:
    """Cases that a front of errors may be made of: those at the point that most models share.

    The errors are the same at every length and batch size, but another point is other work, and
    the other axis is a cost.
    """
    known = judged(study.comparable, lambda case: case.row)
    point = common_point(case.entry for case in known)
    return [case for case in known if case.point == point]


def group(cases: Iterable[Case], key: Callable[[Case], Key]) -> dict[Key, list[Case]]:
    """The cases by a key, in the order in which the keys first occur."""
    groups: dict[Key, list[Case]] = defaultdict(list)
    for case in cases:
        groups[key(case)].append(case)
    return dict(groups)


def shape(audio_seconds: float, batch_size: int) -> str:
    """The work of a case in words, such as ``30 s × 4``."""
    return f"{audio_seconds:g} s × {batch_size}"


def named(rows: Sequence[StudyRow], environments: dict[int, Environment]) -> list[Case]:
    """Every result under names that tell them apart, in the order of the rows."""
    titles = model_names(rows)
    places = place_names(rows, environments)
    threads = thread_marks(rows, environments)
    return [
        Case(
            row,
            titles[titled(row)],
            places[row.device, hardware(row, environments)] + threads.get(row.result_id, ""),
        )
        for row in rows
    ]


def _newest(cases: Iterable[Case]) -> tuple[Case, ...]:
    newest: dict[tuple[str, str, str, float, int], Case] = {}
    for case in cases:
        row = case.row
        key = (case.model, case.place, row.variant, row.audio_seconds, row.batch_size)
        kept = newest.get(key)
        # A later attempt without figures does not take those of an earlier one away.
        if kept is None or row.latency_s is not None or kept.row.latency_s is None:
            newest[key] = case
    return tuple(newest.values())
