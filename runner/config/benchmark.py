"""The benchmark: its models, its grid and what to measure."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from runner.config.data import Data
from runner.config.limits import Limits
from runner.config.strict import ModelName, Strict
from runner.config.variant import Variant
from runner.engines.catalogue import CATALOGUE, check_model
from runner.variants.catalogue import VARIANTS, check_variant

Measure = Literal[
    "latency",
    "stages",
    "energy",
    "memory",
    "flops",
    "study_flops",
    "operators",
    "quality",
    "comparison",
    "decoder",
]
"""What can be measured. ``latency`` is always taken: every other figure leans on it."""

Weights = Literal["pretrained", "random"]
AudioSeconds = Annotated[float, Field(ge=0.1, le=3600)]
BatchSize = Annotated[int, Field(ge=1, le=4096)] | Literal["max"]

_DEVICE = re.compile(r"cpu|cuda(:[0-9]{1,3})?")


class Model(Strict):
    """One model of the grid, where its name alone does not say enough."""

    name: ModelName
    """A name of `asrprof models`, a Hugging Face repository or a local folder."""

    weights: Weights | None = None
    """Overrides the benchmark's `weights` for this model."""

    revision: Annotated[str, Field(pattern=r"^[^\s|-][^\s|]*$", max_length=200)] | None = None
    """Branch, tag or commit of the repository; the default branch when absent."""

    engine: Literal["faster-whisper"] | None = None
    """What to run it with, where that is not transformers: `faster-whisper` converts a Whisper to
    CTranslate2 (`pip install "asrprof[faster-whisper]"`)."""

    @model_validator(mode="after")
    def _known(self) -> Model:
        check_model(self.name)
        entry = CATALOGUE.get(self.name)
        if self.engine is not None and entry is not None and entry.family != "whisper":
            raise ValueError(f'"{self.name}" is no Whisper: {self.engine} runs those alone')
        return self


class Point(Strict):
    """Points of the grid. Absent fields match (exclude) or multiply (include) every value."""

    model: str | None = None
    """Model name; `*` and `?` match as in a shell."""

    device: str | None = None
    """Device name; `*` matches."""

    variant: str | None = None
    """Variant name; `*` matches."""

    audio_seconds: AudioSeconds | None = None
    """Clip length in seconds."""

    batch_size: BatchSize | None = None
    """Clips in a batch, as in `batch_sizes`."""

    @model_validator(mode="after")
    def _says_something(self) -> Point:
        if not self.model_dump(exclude_none=True):
            raise ValueError("an empty entry matches the whole grid; give it at least one field")
        return self


class Benchmark(Strict):
    """One benchmark: lists multiply to a grid of cases."""

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][\w.+-]*$")]
    """What the benchmark is called in the store."""

    models: Annotated[list[ModelName | Model], Field(min_length=1, max_length=200)]
    """Models: names of `asrprof models`, Hugging Face repositories or local folders."""

    weights: Weights = "pretrained"
    """`pretrained`, or `random`: the true architecture without its weights (real latency,
    energy, memory and FLOPs, no word error rate, no download)."""

    devices: Annotated[list[str], Field(min_length=1)] = ["cpu"]
    """`cpu`, `cuda` or `cuda:N`."""

    audio_seconds: Annotated[list[AudioSeconds], Field(min_length=1)] = [15.0]
    """Exact clip lengths in seconds."""

    batch_sizes: Annotated[list[BatchSize], Field(min_length=1)] = [1]
    """Clips in a batch. `max` is the largest that fits into memory, found before the case is
    measured, at most `limits.largest_batch`."""

    variants: Annotated[list[str | Variant], Field(min_length=1)] = ["fp32"]
    """Execution variants. The first is the baseline of the others; among those with `batching`,
    which hear other clips, the first of them."""

    data: Data = Data()
    """Where the speech comes from."""

    measures: Annotated[list[Measure], Field(min_length=1)] = [
        "latency",
        "stages",
        "energy",
        "memory",
        "flops",
        "operators",
        "quality",
        "comparison",
    ]
    """What to measure. `comparison` runs a variant and the first of `variants` in turns, for the
    ratio of their latencies. `decoder` looks at a decoder step by step."""

    limits: Limits = Limits()
    """How long to measure, and what a case may use."""

    include: list[Point] = []
    """Points to add to the grid; absent fields take every value of the lists above."""

    exclude: list[Point] = []
    """Points to drop from the grid; absent fields match every value."""

    seed: Annotated[int, Field(ge=0, lt=2**32)] = 42
    """Seed of clip packing, random weights and bootstrap."""

    @field_validator("models")
    @classmethod
    def _models_known(cls, models: list[str | Model]) -> list[str | Model]:
        for model in models:
            if isinstance(model, str):
                check_model(model)
        return models

    @field_validator("devices")
    @classmethod
    def _devices_known(cls, devices: list[str]) -> list[str]:
        for device in devices:
            check_device(device)
        _refuse_twice(devices)
        return devices

    @field_validator("variants")
    @classmethod
    def _variants_known(cls, variants: list[str | Variant]) -> list[str | Variant]:
        for variant in variants:
            if isinstance(variant, str):
                check_variant(variant)
        _refuse_twice([v if isinstance(v, str) else v.name for v in variants])
        return variants

    @field_validator("audio_seconds", "batch_sizes", "measures")
    @classmethod
    def _once_each(cls, values: list[object]) -> list[object]:
        _refuse_twice([str(value).removesuffix(".0") for value in values])
        return values

    @model_validator(mode="after")
    def _models_once_each(self) -> Benchmark:
        models = self.resolved_models()
        _refuse_twice(
            [
                f"{m.name}@{m.revision or 'default'} with {m.weights} weights"
                + (f" on {m.engine}" if m.engine else "")
                for m in models
            ]
        )
        return self

    @model_validator(mode="after")
    def _random_where_possible(self) -> Benchmark:
        for model in self.resolved_models():
            entry = CATALOGUE.get(model.name)
            if model.weights == "random" and (entry is None or not entry.random):
                raise ValueError(
                    f'"{model.name}" cannot have random weights; '
                    f'write {{"name": "{model.name}", "weights": "pretrained"}}'
                )
        return self

    def resolved_models(self) -> list[Model]:
        """Every model as an object with its weights filled in."""
        models = [Model(name=m) if isinstance(m, str) else m for m in self.models]
        return [m if m.weights else m.model_copy(update={"weights": self.weights}) for m in models]

    def baseline_of(self, variant: Variant) -> Variant | None:
        """What a variant is compared with: the first that hears the same clips; None for itself."""
        mixed = variant.batching is not None
        first = next(v for v in self.resolved_variants() if (v.batching is not None) == mixed)
        return first if first != variant else None

    def resolved_variants(self) -> list[Variant]:
        """Every variant as an object."""
        return [
            Variant.model_validate({"name": v, **VARIANTS[v]}) if isinstance(v, str) else v
            for v in self.variants
        ]


def check_device(name: str) -> None:
    """Raises ValueError if ``name`` can be no device; whether it is there, its machine knows."""
    if not _DEVICE.fullmatch(name):
        raise ValueError(f'unknown device "{name}"; use "cpu", "cuda" or "cuda:N"')


def _refuse_twice(names: list[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f'"{name}" is listed twice')
        seen.add(name)
