"""A benchmark config expands to cases: lists multiply, `exclude` drops, `include` adds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import product

from runner.config import Benchmark, Model, Point, Variant
from runner.errors import UserError


@dataclass(frozen=True)
class Case:
    """One point of the grid; it gives one row of ``results``."""

    model: Model
    device: str
    variant: Variant
    audio_seconds: float
    batch_size: int

    @property
    def key(self) -> str:
        """What tells this case from the others of its benchmark, readable and stable."""
        return "|".join(
            (
                self.model.name,
                str(self.model.weights),
                self.model.revision or "-",
                self.device,
                self.variant.name,
                f"{self.audio_seconds:g}s",
                f"b{self.batch_size}",
            )
        )

    @property
    def title(self) -> str:
        """One line for people."""
        name = self.model.name.rstrip("/").rsplit("/", 1)[-1]
        weights = " (random)" if self.model.weights == "random" else ""
        return (
            f"{name}{weights} {self.device} {self.variant.name} "
            f"{self.audio_seconds:g} s x {self.batch_size}"
        )


def expand(benchmark: Benchmark) -> tuple[Case, ...]:
    """All cases of a benchmark, each once, grouped by model as listed.

    Raises:
        UserError: nothing is left of the grid, or an entry of `include` or `exclude` matches
            nothing.
    """
    cases = [
        Case(model, device, variant, float(seconds), size)
        for model, device, variant, seconds, size in product(
            benchmark.resolved_models(),
            benchmark.devices,
            benchmark.resolved_variants(),
            benchmark.audio_seconds,
            benchmark.batch_sizes,
        )
    ]
    for number, point in enumerate(benchmark.exclude):
        kept = [case for case in cases if not _matches(point, case)]
        if len(kept) == len(cases):
            raise UserError(f"exclude[{number}] matches no point of the grid: {_show(point)}")
        cases = kept
    for number, point in enumerate(benchmark.include):
        added = list(_points(point, benchmark))
        if not added:
            raise UserError(f"include[{number}] names no model or variant of this benchmark")
        cases += added
    unique = {case.key: case for case in cases}
    if not unique:
        raise UserError("no case is left: `exclude` drops the whole grid")
    return tuple(unique.values())


def _matches(point: Point, case: Case) -> bool:
    return (
        (point.model is None or fnmatchcase(case.model.name, point.model))
        and (point.device is None or fnmatchcase(case.device, point.device))
        and (point.variant is None or fnmatchcase(case.variant.name, point.variant))
        and (point.audio_seconds is None or case.audio_seconds == point.audio_seconds)
        and (point.batch_size is None or case.batch_size == point.batch_size)
    )


def _points(point: Point, benchmark: Benchmark) -> Iterator[Case]:
    models = [
        m for m in benchmark.resolved_models() if point.model is None or _glob(m.name, point.model)
    ]
    variants = [
        v
        for v in benchmark.resolved_variants()
        if point.variant is None or _glob(v.name, point.variant)
    ]
    if point.device is None:
        devices = benchmark.devices
    else:
        devices = [d for d in benchmark.devices if _glob(d, point.device)] or [point.device]
    seconds = [point.audio_seconds] if point.audio_seconds else benchmark.audio_seconds
    sizes = [point.batch_size] if point.batch_size else benchmark.batch_sizes
    for model, device, variant, length, size in product(models, devices, variants, seconds, sizes):
        yield Case(model, device, variant, float(length), size)


def _glob(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern)


def _show(point: Point) -> str:
    return str(point.model_dump(exclude_none=True))
