"""Scenarios: what a user needs, as an objective and limits, from a small JSON file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from report.errors import ReportError
from report.speech import error_rate
from report.study import Case

MeasureName = Literal[
    "latency_ms",
    "p95_ms",
    "rtfx",
    "throughput",
    "energy_j",
    "joules_per_audio_hour",
    "gflops",
    "rss_mb",
    "vram_mb",
    "wer",
    "price_per_audio_hour",
]


@dataclass(frozen=True)
class Measure:
    """A figure that scenarios can speak of."""

    title: str
    unit: str


MEASURES: dict[MeasureName, Measure] = {
    "latency_ms": Measure("latency", "ms"),
    "p95_ms": Measure("p95 of latency", "ms"),
    "rtfx": Measure("RTFx", ""),
    "throughput": Measure("throughput", "clips/s"),
    "energy_j": Measure("energy", "J"),
    "joules_per_audio_hour": Measure("energy for an hour of audio", "J"),
    "gflops": Measure("work", "GFLOP"),
    "rss_mb": Measure("memory", "MB"),
    "vram_mb": Measure("GPU memory", "MB"),
    "wer": Measure("WER", "%"),
    "price_per_audio_hour": Measure("price of an hour of audio", ""),
}


class Strict(BaseModel):
    """No field that we do not know: a misspelt limit must not be taken for none."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Price = Annotated[float, Field(gt=0)]


class Aim(Strict):
    """One measure to make as small or as large as possible."""

    measure: MeasureName
    goal: Literal["least", "most"]
    weight: Annotated[float, Field(gt=0, le=100)] = 1.0
    """With weights 2 and 1, one per cent of the first is worth two of the second."""


class Limit(Strict):
    """A bound that a choice must keep."""

    measure: MeasureName
    at_most: float | None = None
    at_least: float | None = None
    at_most_times_best: Annotated[float, Field(ge=1)] | None = None
    """Relative to the lowest value of the measure among the candidates."""

    @model_validator(mode="after")
    def _one_bound(self) -> Limit:
        bounds = (self.at_most, self.at_least, self.at_most_times_best)
        if sum(bound is not None for bound in bounds) != 1:
            raise ValueError("give one of at_most, at_least and at_most_times_best")
        return self


class Scenario(Strict):
    """What a user needs."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    title: Annotated[str, Field(min_length=1, max_length=100)]
    about: str = ""
    device: str | None = None
    """Only devices of this name; `*` matches."""
    batch_size: Annotated[int, Field(ge=1)] | None = None
    audio_seconds: float | Literal["longest", "shortest"] = "longest"
    """Clip length to judge at; in words, among the lengths that most models share."""
    stopped_early: bool = False
    """Whether cases may be chosen that left out a tenth of the words or more."""
    price_per_hour: Price | dict[str, Price] | None = None
    """Of the machine, in any currency; or by device, where `*` matches and the first match counts.
    """
    objective: Annotated[list[Aim], Field(min_length=1)]
    limits: list[Limit] = []

    @model_validator(mode="after")
    def _has_its_price(self) -> Scenario:
        asked = {aim.measure for aim in self.objective} | {limit.measure for limit in self.limits}
        if "price_per_audio_hour" in asked and not self.price_per_hour:
            raise ValueError('price_per_audio_hour needs "price_per_hour"')
        return self

    def admitted(self, cases: Iterable[Case]) -> list[Case]:
        """The cases of the asked-for device and batch size, with their price."""
        found = [case for case in cases if self._admits(case)]
        if self.price_per_hour is None:
            return found
        return [replace(case, price_per_hour=self.price_of(case)) for case in found]

    def _admits(self, case: Case) -> bool:
        return (
            self.device is None or fnmatchcase(case.row.device, self.device)
        ) and self.batch_size in (None, case.row.batch_size)

    def price_of(self, case: Case) -> float | None:
        """What an hour of the machine that a case ran on costs; None where that is not said."""
        prices = self.price_per_hour
        if not isinstance(prices, dict):
            return prices
        matching = (price for name, price in prices.items() if fnmatchcase(case.row.device, name))
        return next(matching, None)


def load_scenarios(path: Path | None = None) -> list[Scenario]:
    """Scenarios of a file, by default those that come with asrprof.

    Raises:
        ReportError: The file cannot be read or is no list of scenarios; one line.
    """
    if path is None:
        return TypeAdapter(list[Scenario]).validate_json(scenarios_text())
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        said = getattr(error, "strerror", None) or "not UTF-8 text"
        raise ReportError(f"{path}: cannot read the scenarios: {said}") from error
    try:
        scenarios = TypeAdapter(list[Scenario]).validate_json(text)
    except ValidationError as error:
        raise ReportError(f"{path}: {_first_problem(error)}") from error
    if not scenarios:
        raise ReportError(f"{path}: no scenario in it")
    names = [scenario.name for scenario in scenarios]
    for name in names:
        if names.count(name) > 1:
            raise ReportError(f"{path}: two scenarios are named {name!r}")
    return scenarios


def scenarios_text() -> str:
    """The scenarios that come with asrprof, as JSON to edit."""
    return resources.files("report").joinpath("scenarios.json").read_text("utf-8")


def value_of(case: Case, measure: MeasureName) -> float | None:
    """A figure of a case in the measure's unit (error rates as a share, 0 to 1)."""
    row = case.row
    values: dict[MeasureName, float | None] = {
        "latency_ms": _scaled(row.latency_s, 1e3),
        "p95_ms": _scaled(row.latency_p95_s, 1e3),
        "rtfx": row.rtfx,
        "throughput": row.throughput,
        "energy_j": row.energy_j,
        "joules_per_audio_hour": row.joules_per_audio_hour,
        "gflops": _scaled(row.flops, 1e-9),
        "rss_mb": _scaled(row.rss_bytes, 1e-6),
        "vram_mb": _scaled(row.gpu_reserved_bytes, 1e-6),
        "wer": error_rate(row),
        # An hour of the machine yields as many hours of text as it is faster than speech.
        "price_per_audio_hour": (
            case.price_per_hour / row.rtfx if case.price_per_hour and row.rtfx else None
        ),
    }
    return values[measure]


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _first_problem(error: ValidationError) -> str:
    """One line about the first thing that is wrong, with its place."""
    problem = error.errors(include_url=False)[0]
    place = "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" for part in problem["loc"]
    ).lstrip(".")
    if problem["type"] == "extra_forbidden":
        message = "no such field; see docs/report.md"
    elif problem["type"] == "literal_error" and place.endswith("measure"):
        message = f"write one of {', '.join(get_args(MeasureName))}"
    else:
        message = problem["msg"].removeprefix("Value error, ")
    return f"{place or 'the file'}: {message}"


assert set(MEASURES) == set(get_args(MeasureName))
