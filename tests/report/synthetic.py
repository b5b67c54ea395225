"""A store as a benchmark would leave it, made from known laws in place of measurements.

``latency = fixed + rate * length * batch`` and the like: what an analysis finds in such a store can
be compared with what was put in.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from stats.timings import cycle_interval, cycle_median
from store import (
    ClipsMode,
    Conditions,
    EnergyLabel,
    EnergyReading,
    Environment,
    FlopsReading,
    Latency,
    Memory,
    Operator,
    Peak,
    Quality,
    QualityOf,
    Result,
    Sample,
    Stage,
    Store,
    TimedSpeech,
    Transcript,
    process_owner,
)

BATCHES = (0.9, 1.1, 1.05, 0.95)
"""Work of the batches of the cycle, relative; their mean is 1."""

WORDS = ["alder", "birch", "cedar", "elm", "fir", "hazel", "larch", "maple", "oak", "willow"]


@dataclass(frozen=True)
class Law:
    """What a model costs; a subject of the grid."""

    model: str
    engine: str
    parameters: int
    cpu_s: float
    """Seconds for one second of audio on the CPU."""
    cuda_s: float
    gflop: float
    """For one second of audio."""
    wer: float
    decoder_share: float
    """Of the latency that the decoder takes; 0 for CTC."""


WHISPER = (
    Law("openai/whisper-tiny", "whisper", 37_760_640, 0.020, 0.00040, 1.4, 0.14, 0.45),
    Law("openai/whisper-base", "whisper", 72_593_920, 0.040, 0.00070, 3.1, 0.11, 0.50),
    Law("openai/whisper-small", "whisper", 241_734_912, 0.120, 0.00150, 12.0, 0.09, 0.55),
    Law("openai/whisper-medium", "whisper", 763_857_920, 0.380, 0.00400, 40.0, 0.08, 0.60),
)
WAV2VEC2 = Law("facebook/wav2vec2-base-960h", "ctc", 94_396_320, 0.060, 0.00012, 14.5, 0.20, 0.0)

FIXED_S = {"cpu": 0.050, "cuda": 0.012}
"""Seconds of every batch, however small."""
WATTS = {"cpu": 65.0, "cuda": 180.0}
FACTORS = {"fp32": 1.0, "fp16": 0.55, "int8": 0.60}
"""Latency of a variant against the baseline."""
WER_LOSS = {"fp32": 0.0, "fp16": 0.0, "int8": 0.02}


@dataclass(frozen=True, kw_only=True)
class Grid:
    """What is in the store."""

    laws: tuple[Law, ...] = (*WHISPER, WAV2VEC2)
    devices: tuple[str, ...] = ("cpu", "cuda")
    lengths: tuple[float, ...] = (5.0, 15.0, 30.0, 60.0)
    batches: tuple[int, ...] = (1, 4, 8, 16)
    variants: tuple[tuple[str, str], ...] = (("cuda", "fp16"), ("cpu", "int8"))
    """Device and name of each optimisation; they run at the longest length."""
    noise: float = 0.01
    rounds: int = 10
    factor: float = 1.0
    """Times every latency: a planted regression."""
    clips: int = 20
    """Utterances behind each error rate, of two a speaker."""
    by_chance: bool = False
    """Errors are drawn, word by word, where else each utterance has the law's share."""
    mode: ClipsMode = "continuous"
    """How the timed clips were made."""
    quality_of: QualityOf = "utterances"
    """Of packed clips every result has a record of its own, as in older stores."""
    missing: float = 0.0
    """Share of the words of the timed clips that do not come out."""
    energy: bool = True
    quality: bool = True
    out_of_memory: bool = True
    """The largest model at the largest point of the GPU ran out of memory."""
    seed: int = 7


def write_study(
    path: Path, grid: Grid = Grid(), *, name: str = "synthetic", folder: str | None = None
) -> int:
    """Writes a store, or another job into one, and returns the job's id.

    Args:
        path: The store.
        grid: What is in it.
        name: Of the benchmark.
        folder: Where its speech lies; by default it is that of asrprof.
    """
    results = list(results_of(grid))
    with Store.open(path) as store:
        config: dict[str, object] = {"name": name}
        if folder is not None:
            config["data"] = {"source": "folder", "path": folder}
        benchmark_id = store.add_benchmark(name, json.dumps(config))
        job_id = store.start_job(
            benchmark_id,
            target="local",
            cases_total=len(results),
            owner=process_owner(),
            lease_s=600.0,
        )
        for result in results:
            store.write_result(job_id, result)
        store.finish_job(job_id, "done")
    return job_id


def latency_law(law: Law, device: str, seconds: float, batch: int, variant: str = "fp32") -> float:
    """The latency that the store is made with."""
    rate = law.cpu_s if device == "cpu" else law.cuda_s
    return FACTORS[variant] * (FIXED_S[device] + rate * seconds * batch)


def results_of(grid: Grid) -> Iterator[Result]:
    """Every case of a grid."""
    generator = np.random.default_rng(grid.seed)
    for law in grid.laws:
        for device in grid.devices:
            for seconds in grid.lengths:
                for batch in grid.batches:
                    yield _result(grid, law, device, "fp32", seconds, batch, generator)
            for place, variant in grid.variants:
                if place == device:
                    for batch in grid.batches:
                        yield _result(
                            grid, law, device, variant, grid.lengths[-1], batch, generator
                        )


def _result(
    grid: Grid,
    law: Law,
    device: str,
    variant: str,
    seconds: float,
    batch: int,
    generator: np.random.Generator,
) -> Result:
    bare = Result(
        case_key=f"{law.model}|{device}|{variant}|{seconds:g}s|b{batch}",
        model=law.model,
        engine=law.engine,
        weights="pretrained",
        revision="0" * 40,
        device=device,
        variant=variant,
        audio_seconds=seconds,
        batch_size=batch,
        seed=42,
        state="oom",
        reason="CUDA out of memory: asked for 2.0 GiB more than the board has",
        started_at="2026-01-31T12:00:00.000000+00:00",
        wall_s=3.0,
        environment=ENVIRONMENT,
    )
    largest = (grid.lengths[-1], grid.batches[-1])
    if (
        grid.out_of_memory
        and (law.model, device, seconds, batch)
        == (max(grid.laws, key=lambda one: one.parameters).model, "cuda", *largest)
        and variant == "fp32"
    ):
        return bare
    truth = grid.factor * latency_law(law, device, seconds, batch, variant)
    errors = generator.normal(0, grid.noise, size=(grid.rounds, len(BATCHES)))
    timings = truth * np.asarray(BATCHES) * np.exp(errors)
    latency = _latency(timings, 0.95 * seconds * batch, batch, law)
    flops = round(law.gflop * 1e9 * seconds * batch)
    quality, transcripts = _quality(grid, law, device, variant, seconds)
    return replace(
        bare,
        state="ok",
        reason=None,
        wall_s=60.0,
        parameters=law.parameters,
        clips_fingerprint=f"{grid.mode}-{seconds:g}",
        latency=latency,
        speech=_speech(grid, seconds, batch) if grid.quality else None,
        memory=_memory(law, device, seconds, batch),
        quality=quality,
        quality_key=_quality_key(grid, law, device, variant) if quality else None,
        transcripts=transcripts,
        conditions=Conditions(
            load_before=0.2,
            load_after=1.0,
            foreign_cpu=0.01,
            threads=8,
            throttled=None,
            temperature_c=60.0,
        ),
        energy=(_energy(device, latency.median_s, generator),) if grid.energy else (),
        energy_primary=SOURCES[device][0] if grid.energy else None,
        energy_reason=None if grid.energy else "not asked for",
        flops=_flops(law, flops),
        stages=_stages(law, latency.median_s),
        samples=tuple(
            Sample(kind="latency", iteration=n, batch=n % len(BATCHES), seconds=float(value))
            for n, value in enumerate(timings.ravel())
        ),
        operators=_operators(law, device, latency.median_s),
        peaks=(PEAKS[device],),
    )


def _latency(timings: np.ndarray, audio_s: float, batch: int, law: Law) -> Latency:  # type: ignore[type-arg]
    by_batch = [list(column) for column in timings.T]
    middle = cycle_median(by_batch)
    interval = cycle_interval(by_batch, 42)
    flat = timings.ravel()
    decoder = law.decoder_share > 0
    return Latency(
        load_s=2.0,
        cold_s=4 * middle,
        warmup_iterations=3,
        warmup_s=3 * middle,
        iterations=len(flat),
        median_s=middle,
        low_s=interval.low,
        high_s=interval.high,
        interval_reason=interval.reason,
        mean_s=float(flat.mean()),
        stdev_s=float(flat.std()),
        p90_s=float(np.quantile(flat, 0.90)),
        p95_s=float(np.quantile(flat, 0.95)),
        p99_s=float(np.quantile(flat, 0.99)),
        stable=True,
        stable_reason=None,
        audio_s=audio_s,
        rtfx=audio_s / middle,
        throughput=batch / middle,
        tokens=40.0 * batch if decoder else None,
        windows=math.ceil(audio_s / batch / 30) * batch if decoder else float(batch),
        decoder_calls=40.0 if decoder else None,
    )


SOURCES: dict[str, tuple[str, EnergyLabel, str]] = {
    "cpu": ("rapl", "measured", "package+dram"),
    "cuda": ("nvml-counter", "measured", "board GPU-0"),
}


PEAKS = {
    "cpu": Peak(
        device="cpu",
        dtype="float32",
        threads=8,
        flops_per_s=5e11,
        bytes_per_s=4e10,
        detail="product of 1536 x 1536, copy of 268 MB",
    ),
    "cuda": Peak(
        device="cuda",
        dtype="float32",
        threads=None,
        flops_per_s=9e12,
        bytes_per_s=5e11,
        detail="product of 8192 x 8192, copy of 1074 MB",
    ),
}


def _energy(device: str, latency_s: float, generator: np.random.Generator) -> EnergyReading:
    source, label, scope = SOURCES[device]
    joules = WATTS[device] * latency_s * float(np.exp(generator.normal(0, 0.02)))
    return EnergyReading(
        source=source,
        label=label,
        scope=scope,
        windows=5,
        window_s=50.0,
        batches=max(1, round(50 / latency_s)),
        gross_j=joules,
        net_j=0.7 * joules,
        uncertainty_j=0.05 * joules,
        net_uncertainty_j=0.06 * joules,
        idle_w=0.3 * WATTS[device],
        mean_w=WATTS[device],
        refresh_s=0.02,
        reason=None,
        net_reason=None,
    )


def _memory(law: Law, device: str, seconds: float, batch: int) -> Memory:
    weights = 4 * law.parameters
    activations = round(1.5e6 * seconds * batch)
    gpu = device != "cpu"
    return Memory(
        rss_bytes=500_000_000 + (0 if gpu else weights + activations),
        rss_before_bytes=400_000_000,
        weights_bytes=weights,
        gpu_allocated_bytes=weights + activations if gpu else None,
        gpu_reserved_bytes=round(1.2 * (weights + activations)) if gpu else None,
        gpu_board_bytes=round(1.5 * (weights + activations)) if gpu else None,
    )


def _quality_key(grid: Grid, law: Law, device: str, variant: str) -> str | None:
    """One record for all lengths and batches; None where every result has its own."""
    return None if grid.quality_of == "packed clips" else f"{law.model}|{device}|{variant}"


def _speech(grid: Grid, seconds: float, batch: int) -> TimedSpeech:
    """Two words a second of the cycle's clips; a part of them may not come out."""
    clips = batch * len(BATCHES)
    words = round(2 * seconds * clips)
    missing = round(grid.missing * words)
    packed = grid.mode == "packed"
    return TimedSpeech(
        mode=grid.mode,
        of_recording=0 if packed else clips - 1,
        of_speaker=0,
        of_utterance=0 if packed else 1,
        of_any=clips if packed else 0,
        speech_share=0.95,
        reference_words=words,
        hypothesis_words=words - missing,
        missing_words=missing,
        loops=0,
        loops_time_share=0.0,
        stopped_early=missing >= 0.1 * words,
    )


def _quality(
    grid: Grid, law: Law, device: str, variant: str, seconds: float
) -> tuple[Quality | None, tuple[Transcript, ...]]:
    if not grid.quality:
        return None, ()
    # The same words whatever the clips, as the store keeps one record of them.
    seed = zlib.crc32(f"{law.model}|{device}|{variant}|{grid.seed}".encode())
    generator = np.random.default_rng(seed)
    words = 20
    wer = law.wer + WER_LOSS[variant]
    packed = grid.quality_of == "packed clips"
    transcripts = []
    for number in range(grid.clips):
        # Every utterance has the same share of errors, so that the rate is the law's to a word.
        errors = round((number + 1) * wer * words) - round(number * wer * words)
        if grid.by_chance:
            errors = int(generator.binomial(words, wer))
        reference = [WORDS[(number + n) % len(WORDS)] for n in range(words)]
        wrong = set(generator.permutation(words)[:errors].tolist())
        transcripts.append(
            Transcript(
                clip_id=f"clip-{seconds:g}-{number:03}" if packed else f"utterance-{number:03}",
                audio_seconds=9.5,
                reference=" ".join(reference),
                hypothesis=" ".join("oops" if n in wrong else w for n, w in enumerate(reference)),
                substitutions=errors,
                deletions=0,
                insertions=0,
                hits=words - errors,
                speaker=None if packed else f"speaker-{number // 2}",
            )
        )
    errors = sum(clip.substitutions or 0 for clip in transcripts)
    total = words * grid.clips
    spread = 1.96 * math.sqrt(wer * (1 - wer) / total)
    return Quality(
        of=grid.quality_of,
        scored=grid.clips,
        batch_size=None if packed else 1,
        wer=errors / total,
        wer_low=max(0.0, errors / total - spread),
        wer_high=errors / total + spread,
        cer=errors / total / 2,
        cer_low=0.0,
        cer_high=errors / total,
        interval_by="packed clip" if packed else "speaker",
        clusters=grid.clips if packed else math.ceil(grid.clips / 2),
        substitutions=errors,
        deletions=0,
        insertions=0,
        hits=total - errors,
        loops=None if packed else 0,
        normaliser="whisper-normalizer/english" if packed else "asrprof/english-1",
        normaliser_version="0.1.12",
        reason=None,
    ), tuple(transcripts)


def _flops(law: Law, flops: int) -> tuple[FlopsReading, ...]:
    encoder = round(0.8 * flops) if law.decoder_share else flops
    readings = [("meta", "encoder", encoder), ("meta", "total", flops)]
    if law.decoder_share:
        readings.append(("meta", "token", round(0.002 * flops)))
    return tuple(
        FlopsReading(method=method, stage=stage, flops=count, macs=count // 2, note=None)
        for method, stage, count in readings
    )


def _stages(law: Law, latency_s: float) -> tuple[Stage, ...]:
    shares = {"features": 0.05, "transfer": 0.01, "encode": 0.94 - law.decoder_share, "text": 0.0}
    if law.decoder_share:
        shares |= {"prefill": 0.1 * law.decoder_share, "decode": 0.9 * law.decoder_share}
    stages = [(stage, share * latency_s) for stage, share in shares.items()]
    if law.decoder_share:
        stages.append(("token", 0.9 * law.decoder_share * latency_s / 39))
    return tuple(
        Stage(stage=stage, median_s=s, low_s=0.99 * s, high_s=1.01 * s, iterations=5)
        for stage, s in stages
    )


def _operators(law: Law, device: str, latency_s: float) -> tuple[Operator, ...]:
    shares = [("aten::addmm", "matmul", 0.6), ("aten::_softmax", "attention", 0.25)]
    if not law.decoder_share:
        shares = [("aten::addmm", "matmul", 0.5), ("aten::cudnn_convolution", "convolution", 0.35)]
    return tuple(
        Operator(
            name=name,
            category=category,
            device=device,
            calls=10,
            self_s=share * latency_s,
            share=share,
            memory_bytes=None,
        )
        for name, category, share in [*shares, ("aten::copy_", "memory", 0.15)]
    )


ENVIRONMENT = Environment(
    fingerprint="a" * 64,
    hostname="bench",
    os="Debian GNU/Linux 12",
    kernel="6.1.0",
    architecture="x86_64",
    virtualization=None,
    cpu_model="Intel(R) Xeon(R) CPU @ 2.20GHz",
    cpu_physical_cores=8,
    cpu_logical_cores=16,
    cpu_affinity=16,
    cpu_governor="performance",
    memory_bytes=64_000_000_000,
    gpu_name="NVIDIA Tesla P100",
    gpu_uuid="GPU-0",
    gpu_memory_bytes=17_000_000_000,
    gpu_power_limit_w=250.0,
    gpu_driver="550.54",
    cuda="12.4",
    python="3.11.7",
    packages='{"torch": "2.13.0", "transformers": "5.23.0"}',
    git_commit="0123456789abcdef0123456789abcdef01234567",
    asrprof="0.1",
    container_image=None,
)
