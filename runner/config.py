"""The benchmark config: one JSON file, parsed strictly, with a docstring for every field.

Importing this module must stay cheap: no torch, no transformers (the terminal UI uses it).
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

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
Positive = Annotated[int, Field(gt=0)]
AudioSeconds = Annotated[float, Field(ge=0.1, le=3600)]
BatchSize = Annotated[int, Field(ge=1, le=4096)]
ModelName = Annotated[str, Field(min_length=1, max_length=300)]

_DEVICE = re.compile(r"cpu|cuda(:[0-9]{1,3})?")


class Strict(BaseModel):
    """Base of every config model: unknown keys are refused, docstrings become descriptions."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )


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


class Variant(Strict):
    """One execution variant: how the model is run, everything else equal."""

    name: Annotated[str, Field(pattern=r"^\w[\w.+ -]*$", max_length=60)]
    """What the variant is called in results; a ready-made name keeps its own meaning."""

    precision: Literal["fp32", "tf32", "fp16", "bf16"] = "fp32"
    """Number format of weights and activations. `tf32`: fp32 weights, products rounded to ten
    bits, on NVIDIA GPUs since Ampere."""

    autocast: bool = False
    """Keep fp32 weights and convert to `precision` at each product, leaving what is sensitive to
    rounding in fp32."""

    attention: Literal["eager", "sdpa", "flash"] | None = None
    """Implementation of attention; the library's choice when absent. `flash` needs an NVIDIA
    GPU, the package flash-attn and half precision."""

    quantization: Literal["int8-dynamic", "int8-weight-only", "int8-dynamic-torch"] | None = None
    """INT8 weights of the linear layers. `dynamic`: activations are rounded too, and products are
    of integers; `-torch`: by PyTorch's older CPU kernels instead of torchao."""

    quantize_only: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """Quantise only the layers whose name matches this pattern (`*`, `?`), to see what each group
    of them costs in words."""

    cache: Literal["dynamic", "static", "off"] | None = None
    """Key-value cache of the decoder; dynamic when absent."""

    beams: Annotated[int, Field(ge=1, le=64)] = 1
    """Hypotheses that the decoder follows at once; 1 is greedy."""

    compile: Literal["default", "reduce-overhead", "max-autotune"] | None = None
    """Compile the encoder (of a CTC model: the model) in this mode of `torch.compile`.
    `reduce-overhead` is CUDA graphs and needs an NVIDIA GPU."""

    cuda_graph: bool = False
    """Record the encoder's kernels once and replay them, on an NVIDIA GPU."""

    assistant: ModelName | None = None
    """A smaller model of the same family and vocabulary that drafts tokens; `self` is the model
    itself."""

    draft_tokens: Annotated[int, Field(ge=1, le=64)] = 5
    """Tokens that the assistant drafts at a time."""

    chunk_seconds: Annotated[float, Field(ge=0.1, le=30)] | None = None
    """Stream: hear a clip in chunks of this length, as if it were still being spoken."""

    left_seconds: Annotated[float, Field(ge=0, le=30)] = 0.0
    """Context before each chunk that a CTC model hears again."""

    right_seconds: Annotated[float, Field(ge=0, le=30)] = 0.0
    """Look-ahead after each chunk that a CTC model waits for."""

    @property
    def parts(self) -> dict[str, object]:
        """The fields that differ from their defaults; none for plain fp32."""
        return self.model_dump(exclude={"name"}, exclude_defaults=True)

    @model_validator(mode="after")
    def _keeps_its_meaning(self) -> Variant:
        ready = VARIANTS.get(self.name)
        if ready is not None and ready != self.parts:
            raise ValueError(f'"{self.name}" is a ready-made variant; give yours another name')
        return self

    @model_validator(mode="after")
    def _belongs_together(self) -> Variant:
        if self.autocast and self.precision not in ("fp16", "bf16"):
            raise ValueError('"autocast" needs "precision": "fp16" or "bf16"')
        if self.autocast and self.quantization is not None:
            raise ValueError('"autocast" would convert what "quantization" has rounded')
        if self.cuda_graph and (self.compile is not None or self.autocast):
            raise ValueError('"cuda_graph" goes with neither "compile" nor "autocast"')
        if self.chunk_seconds is None and (self.left_seconds or self.right_seconds):
            raise ValueError('"left_seconds" and "right_seconds" need "chunk_seconds"')
        if self.quantize_only is not None and self.quantization is None:
            raise ValueError('"quantize_only" needs "quantization"')
        if self.assistant is None:
            if self.draft_tokens != 5:
                raise ValueError('"draft_tokens" needs "assistant"')
            return self
        if self.assistant != "self":
            check_model(self.assistant)
        if self.cache in ("static", "off") or self.beams > 1:
            raise ValueError('"assistant" works with a dynamic cache and one beam alone')
        return self


class Data(Strict):
    """Where the speech comes from."""

    source: Literal["builtin", "folder", "hub"] = "builtin"
    """`builtin`: synthesised speech that ships with asrprof; `folder`: local files with a
    manifest; `hub`: a data set of the Hugging Face hub, streamed."""

    path: str | None = None
    """For `folder`: a folder with `manifest.jsonl` or `metadata.csv` and audio files."""

    dataset: str | None = None
    """For `hub`: `gigaspeech`, `librispeech`, or any repository such as `org/name`."""

    subset: str | None = None
    """For `hub`: the data set's configuration name."""

    split: str = "validation"
    """For `hub`: the split to stream."""

    revision: str | None = None
    """For `hub`: branch, tag or commit of the data set."""

    audio_column: str | None = None
    """For `hub`: the column that holds the audio; found by its type when absent."""

    text_column: str | None = None
    """The column or manifest key that holds the transcript; found by its usual names when
    absent."""

    utterances: Positive | None = None
    """How many utterances to take, in the source's order; all of a local source, 200 of a hub
    data set when absent."""

    cache: str | None = None
    """Folder for prepared clips; `ASRPROF_CACHE` or `~/.cache/asrprof` when absent."""

    @model_validator(mode="after")
    def _belongs_together(self) -> Data:
        if self.source == "folder" and not self.path:
            raise ValueError('data source "folder" needs "path"')
        if self.source == "hub" and not self.dataset:
            raise ValueError('data source "hub" needs "dataset", for example "librispeech"')
        if self.source != "folder" and self.path:
            raise ValueError('"path" belongs to data source "folder" only')
        fields = type(self).model_fields
        for name in ("dataset", "subset", "split", "revision", "audio_column"):
            if self.source != "hub" and getattr(self, name) != fields[name].default:
                raise ValueError(f'"{name}" belongs to data source "hub" only')
        if self.source == "builtin" and self.text_column:
            raise ValueError('data source "builtin" has no "text_column" to choose')
        return self


class Limits(Strict):
    """How long to measure, and what a case may use."""

    warmup_seconds: Annotated[float, Field(gt=0, le=600)] = 20.0
    """Cap on the warm-up; it ends earlier when the last latencies agree."""

    warmup_iterations: Annotated[int, Field(ge=1, le=1000)] = 3
    """Fewest warm-up iterations."""

    min_iterations: Annotated[int, Field(ge=1, le=100_000)] = 10
    """Fewest timed iterations; always rounded up to whole rounds of the batch cycle."""

    min_seconds: Annotated[float, Field(ge=0, le=3600)] = 5.0
    """Shortest timed loop. Both this and `min_iterations` must be reached."""

    cycle_batches: Annotated[int, Field(ge=1, le=64)] = 4
    """How many different batches the timed loop goes round."""

    stage_iterations: Annotated[int, Field(ge=1, le=1000)] = 5
    """Iterations of the pass that times the stages."""

    comparison_rounds: Annotated[int, Field(ge=3, le=1000)] = 10
    """Rounds of the batch cycle in which a variant and its baseline take turns; fewer, but three
    at least, where they would take twenty times `min_seconds`."""

    decoder_tokens: Annotated[int, Field(ge=2, le=448)] = 64
    """Tokens of each row in the decoder's profile, also where trained weights would have
    stopped."""

    decoder_iterations: Annotated[int, Field(ge=1, le=1000)] = 5
    """Iterations of the decoder's profile; fewer where they would take twenty times
    `min_seconds`."""

    energy_window_seconds: Annotated[float, Field(ge=0.1, le=600)] = 10.0
    """Shortest energy window; lengthened to 100 refresh periods of the sensor."""

    energy_windows: Annotated[int, Field(ge=1, le=50)] = 5
    """How many energy windows."""

    energy_idle_seconds: Annotated[float, Field(ge=0.1, le=600)] = 10.0
    """Idle baseline before and after the windows, with the model resident."""

    energy_cooldown_seconds: Annotated[float, Field(ge=0, le=600)] = 5.0
    """Pause between energy windows."""

    tokens_per_audio_second: Annotated[float, Field(gt=0, le=14)] = 4.0
    """Fixed decoder work with random weights: tokens generated for each second of a window."""

    profile_tokens: Annotated[int, Field(ge=1, le=448)] = 8
    """Decoder tokens in the operator profile; more makes it slow to read, not better."""

    operators: Annotated[int, Field(ge=1, le=1000)] = 40
    """How many operators of the profile to keep, by self time."""

    quality_clips: Positive | None = None
    """Most clips to score; all of them when absent."""

    threads: Positive | None = None
    """CPU threads of the framework; one a physical core when absent."""

    memory_bytes: Annotated[int, Field(ge=64 * 2**20)] | None = None
    """Most private memory a CPU case may allocate; beyond it the case is a row `oom`."""

    case_seconds: Annotated[float, Field(gt=0, le=86_400)] = 1800.0
    """Most time one case may take; beyond it the case is stopped and is a row `failed`."""

    trace: bool = False
    """Keep a chrome trace of the operator profile beside the store."""


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
    """Clips in a batch."""

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
    """Clips in a batch."""

    variants: Annotated[list[str | Variant], Field(min_length=1)] = ["fp32"]
    """Execution variants. The first is the baseline of the others."""

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
