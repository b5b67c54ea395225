"""The benchmark: its models, its grid and what to measure."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema, field_validator, model_validator

from runner.catalogue.engines import ENGINES, check_engine
from runner.catalogue.measures import MEASURES, check_measure
from runner.catalogue.models import CATALOGUE, check_model
from runner.catalogue.variants import VARIANTS, check_variant
from runner.config.data import Data
from runner.config.language import ModelLanguage
from runner.config.limits import Limits
from runner.config.load import Load
from runner.config.robustness import Robustness
from runner.config.server import Server
from runner.config.strict import NAME, REVISION, ModelName, Positive, Strict
from runner.config.variant import Variant

Measure = Annotated[
    str,
    AfterValidator(check_measure),
    WithJsonSchema({"type": "string", "enum": list(MEASURES)}),
]
"""What can be measured."""

OtherEngine = Annotated[
    str,
    AfterValidator(check_engine),
    WithJsonSchema(
        {"type": "string", "enum": [name for name, e in ENGINES.items() if e.can_be_asked_for]}
    ),
]
Weights = Literal["pretrained", "random"]
AudioSeconds = Annotated[float, Field(ge=0.1, le=3600)]
BatchSize = Annotated[int, Field(ge=1, le=4096)] | Literal["max"]

GPUS = ("gpu", "GPU", "CUDA", "nvidia")
"""What `cuda` is called by mistake."""
_DEVICE = re.compile(r"cpu|cuda(:[0-9]{1,3})?")


class Model(Strict):
    """One model of the grid, where its name alone does not say enough."""

    name: ModelName
    """A name of `asrprof models`, a Hugging Face repository or a local folder."""

    weights: Weights | None = None
    """Overrides the benchmark's `weights` for this model."""

    revision: Annotated[str, Field(pattern=REVISION, max_length=200)] | None = None
    """Branch, tag or commit of the repository; the default branch when absent."""

    engine: OtherEngine | None = None
    """What to run it with, where that is not transformers: `faster-whisper` converts a Whisper to
    CTranslate2, `whisper-cpp` to whisper.cpp's file; `onnx` and `openvino` export a Whisper, a
    Moonshine or a CTC model to ONNX. `asrprof doctor` says which are not installed, and what
    brings them. `http` asks a `server`, by any name that it knows its model by."""

    server: Server | None = None
    """For `"engine": "http"`: where the server is."""

    language: ModelLanguage | None = None
    """The language that the model is told to transcribe: a code such as `de`, or `detect`, which
    takes a Whisper a stage of its own for each window. When absent `data.language`, else what the
    checkpoint's generation_config.json says, else English."""

    @model_validator(mode="after")
    def _known(self) -> Model:
        if (self.engine == "http") != (self.server is not None):
            raise ValueError('"engine": "http" and "server" belong together: give both or neither')
        if self.server is not None:
            return self
        check_model(self.name)
        entry = CATALOGUE.get(self.name)
        runs = ENGINES[self.engine].runs if self.engine is not None else ()
        if runs and entry is not None and entry.family not in runs:
            names = " or ".join(runs)
            raise ValueError(f'"{self.name}" is no {names} model: {self.engine} runs those alone')
        return self


class Point(Strict):
    """Points of the grid. Absent fields match (exclude) or multiply (include) every value."""

    model: str | None = None
    """Model name; `*` and `?` match as in a shell."""

    engine: str | None = None
    """The `engine` of a model; `*` matches. A model that names none has `own`."""

    device: str | None = None
    """Device name; `*` matches."""

    variant: str | None = None
    """Variant name; `*` matches."""

    audio_seconds: AudioSeconds | None = None
    """Clip length in seconds."""

    batch_size: BatchSize | None = None
    """Clips in a batch, as in `batch_sizes`."""

    threads: Positive | None = None
    """CPU threads, as in `threads`."""

    @model_validator(mode="after")
    def _says_something(self) -> Point:
        if not self.model_dump(exclude_none=True):
            raise ValueError("an empty entry matches the whole grid; give it at least one field")
        return self


class Benchmark(Strict):
    """One benchmark: lists multiply to a grid of cases."""

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=NAME)]
    """What the benchmark is called in the store: letters, digits and `_` `.` `+` `-`, no spaces, a
    letter or digit first."""

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

    threads: Annotated[list[Positive], Field(min_length=1)] | None = None
    """CPU threads: each CPU case is run with each number, and those on a GPU once. More than the
    cores that a process may use are refused. When absent each case has `limits.threads`."""

    variants: Annotated[list[str | Variant], Field(min_length=1)] = ["fp32"]
    """Execution variants. The first is the baseline of the others; among those with `batching`,
    which transcribe other clips, the first of them."""

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
    """What to measure. With `flops` alone nothing is run and no weights are needed. `comparison`
    interleaves a variant and the first of `variants`, for the
    ratio of their latencies. `decoder` looks at a decoder step by step. `quality` transcribes every
    utterance by itself, once for all cases of a model, variant and device; `quality_batch` does it
    again at the case's own batch size and counts the texts that padding changes. `load` sends
    requests as `load` says; `robustness` transcribes the utterances in noise, and silence. Each of
    these two needs one value of `audio_seconds` and of `batch_sizes`, which do not matter to it."""

    load: Load = Load()
    """How the measure `load` sends requests."""

    robustness: Robustness = Robustness()
    """How much noise the measure `robustness` adds, and of which kind."""

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

    @field_validator("audio_seconds", "batch_sizes", "threads", "measures")
    @classmethod
    def _once_each(cls, values: list[object] | None) -> list[object] | None:
        _refuse_twice([str(value).removesuffix(".0") for value in values or ()])
        return values

    @model_validator(mode="after")
    def _models_once_each(self) -> Benchmark:
        models = self.resolved_models()
        _refuse_twice(
            [
                f"{m.name}@{m.revision or 'default'} with {m.weights} weights"
                + (f" on {m.engine}" if m.engine else "")
                + (f" at {m.server.url}" if m.server else "")
                + (f" in {m.language}" if m.language else "")
                for m in models
            ]
        )
        return self

    @model_validator(mode="after")
    def _threads_once(self) -> Benchmark:
        if self.threads is not None and self.limits.threads is not None:
            raise ValueError("threads takes the place of limits.threads: leave one of them out")
        return self

    @model_validator(mode="after")
    def _streams_have_no_batch(self) -> Benchmark:
        paced = [m for m in self.resolved_models() if m.server is not None and m.server.paced]
        if paced and "latency" in self.measures:
            raise ValueError(
                f'"{paced[0].name}" is sent speech at real-time pace, which has no latency of a '
                'batch: leave "latency" out of "measures"; "load" has the latency of its final '
                "texts"
            )
        return self

    @model_validator(mode="after")
    def _load_fits(self) -> Benchmark:
        if "load" not in self.measures:
            if self.load != Load():
                raise ValueError('"load" is set but not measured: add "load" to "measures"')
            return self
        if len(self.audio_seconds) > 1 or len(self.batch_sizes) > 1:
            raise ValueError(
                'the measure "load" sends whole utterances, whatever the clips and batches: give '
                "one value of audio_seconds and one of batch_sizes"
            )
        longest_s = self.load.longest_s()
        if longest_s > self.limits.case_seconds:
            raise ValueError(
                f"the levels of load may take {longest_s:,.0f} s, and limits.case_seconds is "
                f"{self.limits.case_seconds:g}: raise it, or shorten the levels"
            )
        return self

    @model_validator(mode="after")
    def _robustness_fits(self) -> Benchmark:
        if "robustness" not in self.measures:
            if self.robustness != Robustness():
                raise ValueError(
                    '"robustness" is set but not measured: add "robustness" to "measures"'
                )
        elif len(self.audio_seconds) > 1 or len(self.batch_sizes) > 1:
            raise ValueError(
                'the measure "robustness" transcribes whole utterances, whatever the clips: give '
                "one value of audio_seconds and one of batch_sizes"
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
        """Every model as an object with its weights and its language filled in."""
        models = [Model(name=m) if isinstance(m, str) else m for m in self.models]
        return [
            m.model_copy(
                update={
                    "weights": m.weights or self.weights,
                    "language": m.language or self.data.language,
                }
            )
            for m in models
        ]

    def baseline_of(self, variant: Variant) -> Variant | None:
        """What a variant is compared with: the first of the same clips; None for itself."""
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
    """Checks that ``name`` can be a device; whether it is there, its machine knows.

    Raises:
        ValueError: It can be none; one line with those that can.
    """
    if not _DEVICE.fullmatch(name):
        raise ValueError(f'unknown device "{name}"; use "cpu", "cuda" or "cuda:N"')


def _refuse_twice(names: list[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f'"{name}" is listed twice')
        seen.add(name)
