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

    @property
    def mixed(self) -> bool:
        """Whether its clips are of different lengths, up to ``audio_seconds``."""
        return self.variant.batching is not None

    @property
    def key(self) -> str:
        """What tells this case from the others of its benchmark, readable and stable."""
        name = self.model.name
        if self.model.engine is not None:
            name = f"{name}@{self.model.engine}"
        return "|".join(
            (
                name,
                str(self.model.weights),
                self.model.revision or "-",
                self.device,
                self.variant.name,
                f"{str(self.audio_seconds).removesuffix('.0')}s",  # exact, unlike format "g"
                f"b{self.batch_size}",
            )
        )

    @property
    def title(self) -> str:
        """One line for people."""
        name = self.model.name.rstrip("/").rsplit("/", 1)[-1]
        weights = " (random)" if self.model.weights == "random" else ""
        engine = f" {self.model.engine}" if self.model.engine else ""
        return (
            f"{name}{weights}{engine} {self.device} {self.variant.name} "
            f"{self.audio_seconds:g} s x {self.batch_size}"
        )


def expand(benchmark: Benchmark) -> tuple[Case, ...]:
    """All cases of a benchmark, each once, grouped by model as listed.

    `exclude` drops points of the lists' grid, then `include` adds its own: what an entry of
    `include` asks for is run, whatever `exclude` says.

    Raises:
        UserError: nothing is left of the grid, or it is absurdly large, or an entry of `include`
            or `exclude` matches nothing.
    """
    models = benchmark.resolved_models()
    grid = _multiply(
        models,
        benchmark.devices,
        benchmark.resolved_variants(),
        benchmark.audio_seconds,
        benchmark.batch_sizes,
    )
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
    position = {model: number for number, model in enumerate(models)}
    cases.sort(key=lambda case: position[case.model])  # Stable: the rest stays as it is.
    return tuple(dict.fromkeys(cases))


def _multiply(
    models: list[Model],
    devices: list[str],
    variants: list[Variant],
    lengths: list[float],
    sizes: Sequence[BatchSize],
) -> list[Case]:
    _refuse_absurd(prod(len(axis) for axis in (models, devices, variants, lengths, sizes)))
    return [Case(*point) for point in product(models, devices, variants, lengths, sizes)]


def _refuse_absurd(count: int) -> None:
    if count > MAX_CASES:
        raise UserError(f"the grid has {count} cases, the most is {MAX_CASES}; shorten the lists")


def _matches(point: Point, case: Case) -> bool:
    return (
        (point.model is None or fnmatchcase(case.model.name, point.model))
        and (point.device is None or fnmatchcase(case.device, point.device))
        and (point.variant is None or fnmatchcase(case.variant.name, point.variant))
        and (point.audio_seconds is None or case.audio_seconds == point.audio_seconds)
        and (point.batch_size is None or case.batch_size == point.batch_size)
    )


def _points(point: Point, benchmark: Benchmark) -> list[Case]:
    """The cases that an entry of `include` adds; ValueError if its names match nothing."""
    models, variants = benchmark.resolved_models(), benchmark.resolved_variants()
    if point.model is not None:
        models = [model for model in models if fnmatchcase(model.name, point.model)]
    if point.variant is not None:
        variants = [variant for variant in variants if fnmatchcase(variant.name, point.variant)]
    if not models or not variants:
        raise ValueError("names no model or variant of this benchmark")
    devices = benchmark.devices
    if point.device is not None:
        devices = [device for device in devices if fnmatchcase(device, point.device)]
        if not devices:  # A device that is not in the list may be added, by its full name.
            check_device(point.device)
            devices = [point.device]
    lengths = [point.audio_seconds] if point.audio_seconds else benchmark.audio_seconds
    sizes = [point.batch_size] if point.batch_size else benchmark.batch_sizes
    return _multiply(models, devices, variants, lengths, sizes)


def _show(point: Point) -> str:
    return json.dumps(point.model_dump(exclude_none=True), ensure_ascii=False)
