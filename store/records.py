"""The records that travel into and out of the store: frozen dataclasses, SI units in the names.

Every figure of a result is for **one batch** through the timed region, unless its name says
otherwise. ``None`` always comes with a reason in the field beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from store.energy_marks import EnergyLabel
from store.load_records import LoadLevel
from store.metrics import Metric
from store.noise_records import NoiseLevel
from store.word_records import Quality, TimedSpeech, Transcript

ResultState = Literal["ok", "failed", "oom", "refused"]
FinalState = Literal["done", "failed", "cancelled", "lost"]
JobState = Literal["queued", "starting", "running"] | FinalState
Weights = Literal["pretrained", "random"]
LanguageBy = Literal["config", "checkpoint", "default", "model"]
"""Who chose a language: the config, the checkpoint's settings, asrprof (English, where nothing else
says it), or the model, which has no other."""


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Seconds for one batch through the timed region, over whole rounds of the batch cycle."""

    load_s: float
    cold_s: float
    warmup_iterations: int
    warmup_s: float
    iterations: int
    median_s: float
    low_s: float | None
    """Lower end of the 95 % bootstrap interval of the median."""
    high_s: float | None
    interval_reason: str | None = None
    """Why there is no interval, or None."""
    mean_s: float
    stdev_s: float
    p90_s: float
    p95_s: float
    p99_s: float
    stable: bool
    stable_reason: str | None
    audio_s: float
    """Real (unpadded) audio seconds of one batch, mean over the cycle."""
    rtfx: float
    """``audio_s / median_s``."""
    throughput: float
    """Clips per second, ``batch_size / median_s``."""
    tokens: float | None
    """Decoder tokens generated a batch, mean over the cycle; None where there is no decoder."""
    windows: float | None
    """Encoder windows a batch."""
    decoder_calls: float | None
    """Forward passes of the decoder a batch, the prefill included."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Seconds of one stage of the region, from the pass of its own."""

    stage: str
    median_s: float
    low_s: float | None
    """Lower end of its 95 % bootstrap interval."""
    high_s: float | None
    iterations: int
    interval_reason: str | None = None
    """Why there is no interval, or None."""


BASELINE, VARIANT = "interleaved:baseline", "interleaved:variant"
"""Kinds of the samples of two that were interleaved."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One timing.

    ``kind`` is ``cold``, ``warmup``, ``latency``, ``stage:<name>``, ``interleaved:baseline`` or
    ``interleaved:variant``.
    """

    kind: str
    iteration: int
    batch: int
    """Index of the batch in the cycle."""
    seconds: float


@dataclass(frozen=True, kw_only=True)
class EnergyReading:
    """What one energy source says of one batch. A refused reading has no joules and a reason."""

    source: str
    """For example ``nvml-counter``, ``nvml-sampled``, ``rapl``, ``codecarbon``."""
    label: EnergyLabel
    scope: str
    """What the source covers: ``board GPU-uuid``, ``package+dram``, ``machine``."""
    windows: int
    window_s: float
    """Total seconds of work measured over all windows."""
    batches: int
    """Batches run within these windows."""
    gross_j: float | None
    net_j: float | None
    """Gross less idle power times time."""
    uncertainty_j: float | None
    """One standard deviation of ``gross_j``."""
    net_uncertainty_j: float | None
    idle_w: float | None
    mean_w: float | None
    refresh_s: float | None
    """Measured refresh period of the source."""
    reason: str | None
    """Why there are no joules, or None."""
    net_reason: str | None
    """Why there is no net figure, or None."""
    detail: str | None = None
    """JSON with what the source adds, e.g. codecarbon's EmissionsData verbatim."""


@dataclass(frozen=True, kw_only=True)
class PowerSample:
    """One reading of a power sensor, or of a counter as joules since its first reading."""

    source: str
    phase: str
    """``idle`` or ``window-<n>``."""
    time_s: float
    """Seconds since the case started (monotonic)."""
    power_w: float | None
    energy_j: float | None


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Peak memory of the case's own process and of its GPU."""

    rss_bytes: int
    """Peak resident set size of the process that ran the case."""
    rss_before_bytes: int
    """Resident set size before the model was loaded (interpreter and libraries)."""
    weights_bytes: int | None
    gpu_allocated_bytes: int | None
    gpu_reserved_bytes: int | None
    gpu_board_bytes: int | None
    """Peak used on the whole board, as NVML sees it: other processes included."""


@dataclass(frozen=True, kw_only=True)
class FlopsReading:
    """Operations of one stage by one method, for one batch. ``flops`` is 2 x MAC where exact."""

    method: str
    """``meta`` (the count we report), ``thop`` or ``fvcore`` (study-compatible)."""
    stage: str
    """``encoder``, ``prefill``, ``decode``, ``token`` (one mean decoder step) or ``total``."""
    flops: int | None
    macs: int | None
    note: str | None
    """What the figure leaves out, or why there is none."""


@dataclass(frozen=True, kw_only=True)
class Operator:
    """One operator of the profile, summed over the profiled batch."""

    name: str
    category: str
    device: str
    calls: int
    self_s: float
    share: float
    """Share of the device's total self time, 0 to 1."""
    memory_bytes: int | None


@dataclass(frozen=True, kw_only=True)
class Peak:
    """What a device can do at best, from a short calibration after a case's passes."""

    device: str
    dtype: str
    """Of the matrix product: ``float32``, without TF32."""
    threads: int | None
    """Intra-op threads on a CPU; None on a GPU."""
    flops_per_s: float
    """Of a large square matrix product, the best of several."""
    bytes_per_s: float
    """Read and written by a large copy, the best of several."""
    detail: str
    """Sizes, in words."""
    model_s: float | None = None
    """Of one pass through a small transformer of fixed size, the best of several."""


@dataclass(frozen=True, kw_only=True)
class Proof:
    """That one part of a variant took effect, as seen in the running model."""

    technique: str
    """The variant's field in the config: ``precision``, ``cache`` …"""
    requested: str
    found: str
    """What was seen, in words and counts."""


@dataclass(frozen=True, kw_only=True)
class Scalar:
    """A figure that only some variants, engines or measures have."""

    name: str
    """With its unit: ``cache_bytes``, ``compile_s``, ``acceptance`` …"""
    value: float
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class DecoderStep:
    """One position of the decoder profile: the step that gives one token for every row."""

    position: int
    """Decoder passes so far in this batch, this one included; 1 is the prefill."""
    median_s: float
    low_s: float
    """Fastest of the iterations."""
    high_s: float
    """Slowest of the iterations."""
    iterations: int


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A variant beside its baseline: both in one process, interleaved batch by batch."""

    baseline: str
    """Name of the baseline variant."""
    rounds: int
    baseline_s: float
    """Seconds of one batch, as ``Latency.median_s``, from the interleaved rounds alone."""
    variant_s: float
    speedup: float
    """Baseline by variant: the geometric mean of the rounds' ratios."""
    speedup_low: float | None
    """Lower end of its 95 % interval, Student's of the rounds' logarithms."""
    speedup_high: float | None
    interval_reason: str | None = None
    """Why there is no interval, or None."""
    clips: int
    """Clips whose texts were compared: of the quality pass, or of the batch cycle without one."""
    same_text: int
    """How many of them have the same text under both."""
    same_text_promised: bool = False
    """Whether all that tells the variant from its baseline promises that, but for rounding."""

    @property
    def text_mismatch(self) -> bool:
        """Whether the text was promised of all clips and is another in some."""
        return self.same_text_promised and self.same_text < self.clips


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Where a case ran. Rows with an equal ``fingerprint`` are one environment."""

    fingerprint: str
    """SHA-256 of every other field."""
    hostname: str
    os: str
    kernel: str
    architecture: str
    virtualization: str | None
    cpu_model: str
    cpu_physical_cores: int | None
    cpu_logical_cores: int
    cpu_affinity: int
    """Logical CPUs this process may use."""
    cpu_governor: str | None
    memory_bytes: int
    gpu_name: str | None
    gpu_uuid: str | None
    gpu_memory_bytes: int | None
    gpu_power_limit_w: float | None
    gpu_driver: str | None
    cuda: str | None
    python: str
    packages: str
    """JSON object: name to version of every package a figure can depend on."""
    git_commit: str | None
    asrprof: str
    container_image: str | None


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What the machine was doing while a case ran; it varies, so it is no part of Environment."""

    load_before: float
    """One-minute load average before the case."""
    load_after: float
    foreign_cpu: float | None
    """Share (0 to 1) of the machine's CPU time used by others during the latency loop."""
    threads: int | None
    """Intra-op threads of the framework."""
    throttled: str | None
    """Clock throttling seen, in words, or None."""
    temperature_c: float | None


@dataclass(frozen=True, kw_only=True)
class Result:
    """One case's outcome: one row of ``results`` and its children."""

    case_key: str
    model: str
    engine: str
    weights: Weights
    revision: str | None
    device: str
    variant: str
    audio_seconds: float
    batch_size: int
    seed: int
    state: ResultState
    reason: str | None
    started_at: str
    """UTC, ISO 8601."""
    wall_s: float
    language: str | None = None
    """The language it was told, or is known, to transcribe: a code, or ``detect``."""
    language_by: LanguageBy | None = None
    parameters: int | None = None
    clips_fingerprint: str | None = None
    trace_path: str | None = None
    latency: Latency | None = None
    speech: TimedSpeech | None = None
    memory: Memory | None = None
    quality: Quality | None = None
    """Of the utterances; taken once for all rows of a job with the same ``quality_key``."""
    quality_key: str | None = None
    """What the quality record depends on, as one text; see ``runner.grid.Case.quality_key``."""
    conditions: Conditions | None = None
    comparison: Comparison | None = None
    comparison_reason: str | None = None
    """Why there is no comparison, or None."""
    latency_reason: str | None = None
    """Why a case with figures has no latency, or None; stored in the place of
    ``Latency.stable_reason``."""
    decoder_reason: str | None = None
    """Why there is no profile of the decoder, or None."""
    environment: Environment | None = None
    energy: tuple[EnergyReading, ...] = ()
    energy_primary: str | None = None
    """Source of the reading that fills the row's ``energy_j``; the rest are beside it."""
    energy_reason: str | None = None
    """Why the row has no joules, or None."""
    flops: tuple[FlopsReading, ...] = ()
    flops_reason: str | None = None
    operators_reason: str | None = None
    stages: tuple[Stage, ...] = ()
    samples: tuple[Sample, ...] = ()
    power_samples: tuple[PowerSample, ...] = ()
    operators: tuple[Operator, ...] = ()
    peaks: tuple[Peak, ...] = ()
    """Of the machine; one case of a session has them."""
    transcripts: tuple[Transcript, ...] = field(default=())
    """Of the quality record: stored once, by the case that took it, and read with every row that
    shares it."""
    proofs: tuple[Proof, ...] = ()
    figures: tuple[Scalar, ...] = ()
    metrics: tuple[Metric, ...] = ()
    """What some of ``figures`` are, where ``store.metrics`` does not say it. A store keeps it for
    all its results together, so that a result that is read has none."""
    decoder_steps: tuple[DecoderStep, ...] = ()
    load_levels: tuple[LoadLevel, ...] = ()
    load_reason: str | None = None
    """Why there are no levels of load, or None."""
    noise_levels: tuple[NoiseLevel, ...] = ()
    robustness_reason: str | None = None
    """Why nothing is known of noise and silence, or None."""
