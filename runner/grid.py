"""A benchmark config expands to cases: lists multiply, `exclude` drops, `include` adds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import product
from math import prod
from typing import Literal

from runner.config import Benchmark, Model, Point, Variant, check_device
from runner.errors import UserError

BatchSize = int | Literal["max"]

CPU = "cpu"
OWN = "own"
"""What an entry of `include` or `exclude` calls the engine of a model that names none."""
MAX_CASES = 100_000
"""More cases than this cannot be meant: at a second each they take a day."""


@dataclass(frozen=True)
class Case:
    """One point of the grid; it gives one row of ``results``."""

    model: Model
    device: str
    variant: Variant
    audio_seconds: float
    batch_size: BatchSize
    """Clips in a batch; ``max`` until it has been found out."""
    threads: int | None = None
    """CPU threads, where the benchmark lists several numbers of them."""

    @property
    def point(self) -> tuple[object, ...]:
        """What the variants of a case share: they are judged beside one another."""
        return (self.model, self.device, self.audio_seconds, self.batch_size, self.threads)

    @property
    def mixed(self) -> bool:
        """Whether its clips are of different lengths, up to ``audio_seconds``."""
        return self.variant.batching is not None

    @property
    def key(self) -> str:
        """What tells this case from the others of its benchmark, readable and stable."""
        return "|".join(
            (
                *self._subject(self.variant, self.model.revision),
                f"{str(self.audio_seconds).removesuffix('.0')}s",  # exact, unlike format "g"
                f"b{self.batch_size}",
                *(() if self.threads is None else (f"t{self.threads}",)),
            )
        )

    def quality_key(self, variant: Variant, revision: str | None, speech: str) -> str:
        """What the words of single utterances depend on, readable and stable.

        Args:
            variant: The case's own, or its baseline.
            revision: Commit of the weights where it is known; the configured one when None.
            speech: Fingerprint of the utterances.
        """
        return "|".join((*self._subject(variant, revision or self.model.revision), speech))

    def _subject(self, variant: Variant, revision: str | None) -> tuple[str, ...]:
        name = self.model.name
        if self.model.engine is not None:
            name = f"{name}@{self.model.engine}"
        if self.model.server is not None:
            name = f"{name}({self.model.server.url})"
        if self.model.language is not None:
            name = f"{name}:{self.model.language}"
        return (name, str(self.model.weights), revision or "-", self.device, variant.name)

    @property
    def title(self) -> str:
        """One line for people."""
        name = self.model.name.rstrip("/").rsplit("/", 1)[-1]
        weights = " (random)" if self.model.weights == "random" else ""
        engine = f" {self.model.engine}" if self.model.engine else ""
        language = f" {self.model.language}" if self.model.language else ""
        threads = "" if self.threads is None else f" t{self.threads}"
        return (
            f"{name}{weights}{engine}{language} {self.device} {self.variant.name} "
            f"{self.audio_seconds:g} s x {self.batch_size}{threads}"
        )


def expand(benchmark: Benchmark) -> tuple[Case, ...]:
    """All cases of a benchmark, each once, grouped by model as listed.

    `exclude` drops points of the lists' grid, then `include` adds its own: what an entry of
    `include` asks for is run, whatever `exclude` says.

    Raises:
        UserError: nothing is left of the grid, or it is absurdly large, or an entry of `include`
            or `exclude` matches nothing, or threads are listed and no case is on a CPU.
    """
    models, grid = benchmark.resolved_models(), _grid(benchmark)
    dropped: set[Case] = set()
    for number, point in enumerate(benchmark.exclude):
        matching = [case for case in grid if _matches(point, case)]
        if not matching:
            raise UserError(f"exclude[{number}] matches no point of the grid: {_show(point)}")
        dropped.update(matching)
    cases = [case for case in grid if case not in dropped]
    for number, point in enumerate(benchmark.include):
        try:
            cases += _points(point, benchmark)
        except ValueError as error:
            raise UserError(f"include[{number}]: {error}: {_show(point)}") from error
        _refuse_absurd(len(cases))
    if not cases:
        raise UserError("no case is left: `exclude` drops the whole grid")
    if benchmark.threads and all(case.threads is None for case in cases):
        raise UserError("threads: no case is on a CPU; leave it out")
    position = {model: number for number, model in enumerate(models)}
    cases.sort(key=lambda case: position[case.model])  # Stable: the rest stays as it is.
    return tuple(dict.fromkeys(cases))


def without_idle(benchmark: Benchmark, whole: Benchmark) -> Benchmark:
    """A benchmark without the entries of `exclude` that its lists no longer reach.

    Args:
        benchmark: Narrowed, such as by overrides.
        whole: What it was made of. An entry that matches nothing here either is a mistake, and
            stays for `expand` to refuse.
    """
    grid, was = _grid(benchmark), _grid(whole)
    kept = [
        point
        for point in benchmark.exclude
        if any(_matches(point, case) for case in grid)
        or not any(_matches(point, case) for case in was)
    ]
    return benchmark.model_copy(update={"exclude": kept})


def _grid(benchmark: Benchmark) -> list[Case]:
    """All points of the lists."""
    return _multiply(
        benchmark.resolved_models(),
        benchmark.devices,
        benchmark.resolved_variants(),
        benchmark.audio_seconds,
        benchmark.batch_sizes,
        benchmark.threads,
    )


def _multiply(
    models: list[Model],
    devices: list[str],
    variants: list[Variant],
    lengths: list[float],
    sizes: Sequence[BatchSize],
    threads: Sequence[int] | None,
) -> list[Case]:
    numbers: Sequence[int | None] = threads or (None,)
    _refuse_absurd(prod(len(axis) for axis in (models, devices, variants, lengths, sizes, numbers)))
    return [
        Case(model, device, variant, length, size, number)
        for model, device, variant, length, size in product(
            models, devices, variants, lengths, sizes
        )
        for number in (numbers if device == CPU else (None,))
    ]


def _refuse_absurd(count: int) -> None:
    if count > MAX_CASES:
        raise UserError(f"the grid has {count} cases, the most is {MAX_CASES}; shorten the lists")


def _matches(point: Point, case: Case) -> bool:
    return (
        (point.model is None or fnmatchcase(case.model.name, point.model))
        and (point.engine is None or fnmatchcase(case.model.engine or OWN, point.engine))
        and (point.device is None or fnmatchcase(case.device, point.device))
        and (point.variant is None or fnmatchcase(case.variant.name, point.variant))
        and (point.audio_seconds is None or case.audio_seconds == point.audio_seconds)
        and (point.batch_size is None or case.batch_size == point.batch_size)
        and (point.threads is None or case.threads == point.threads)
    )


def _points(point: Point, benchmark: Benchmark) -> list[Case]:
    """The cases that an entry of `include` adds; ValueError if its names match nothing."""
    models, variants = benchmark.resolved_models(), benchmark.resolved_variants()
    if point.model is not None:
        models = [model for model in models if fnmatchcase(model.name, point.model)]
    if point.engine is not None:
        models = [model for model in models if fnmatchcase(model.engine or OWN, point.engine)]
    if point.variant is not None:
        variants = [variant for variant in variants if fnmatchcase(variant.name, point.variant)]
    if not models or not variants:
        raise ValueError("names no model, engine or variant of this benchmark")
    devices = benchmark.devices
    if point.device is not None:
        devices = [device for device in devices if fnmatchcase(device, point.device)]
        if not devices:  # A device that is not in the list may be added, by its full name.
            check_device(point.device)
            devices = [point.device]
    lengths = [point.audio_seconds] if point.audio_seconds else benchmark.audio_seconds
    sizes = [point.batch_size] if point.batch_size else benchmark.batch_sizes
    threads = [point.threads] if point.threads else benchmark.threads
    if point.threads and CPU not in devices:
        raise ValueError("asks for CPU threads on no CPU")
    return _multiply(models, devices, variants, lengths, sizes, threads)


def _show(point: Point) -> str:
    return json.dumps(point.model_dump(exclude_none=True), ensure_ascii=False)
