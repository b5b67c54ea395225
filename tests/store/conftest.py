"""Stores in temporary folders, and results to put into them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from store import (
    Comparison,
    Conditions,
    DecoderStep,
    EnergyReading,
    Environment,
    FlopsReading,
    Latency,
    Memory,
    Operator,
    Peak,
    PowerSample,
    Proof,
    Quality,
    Result,
    Sample,
    Scalar,
    Stage,
    Store,
    TimedSpeech,
    Transcript,
    process_owner,
)

ENERGY = EnergyReading(
    source="nvml-counter",
    label="measured",
    scope="board GPU-1",
    windows=5,
    window_s=50.0,
    batches=100,
    gross_j=12.5,
    net_j=7.5,
    uncertainty_j=0.625,
    net_uncertainty_j=0.75,
    idle_w=30.0,
    mean_w=75.0,
    refresh_s=0.02,
    reason=None,
    net_reason=None,
    detail='{"device": 0}',
)

FULL = Result(
    case_key="case-1",
    model="openai/whisper-tiny",
    engine="whisper",
    weights="pretrained",
    revision="abc123",
    device="cuda",
    variant="fp16",
    audio_seconds=30.0,
    batch_size=4,
    seed=42,
    state="ok",
    reason=None,
    started_at="2026-01-31T12:00:00.000000+00:00",
    wall_s=61.25,
    parameters=37_760_640,
    clips_fingerprint="f00d",
    trace_path="traces/case-1.json",
    latency=Latency(
        load_s=1.5,
        cold_s=0.9,
        warmup_iterations=7,
        warmup_s=5.25,
        iterations=40,
        median_s=0.5,
        low_s=0.49,
        high_s=0.51,
        mean_s=0.505,
        stdev_s=0.01,
        p90_s=0.52,
        p95_s=0.53,
        p99_s=0.55,
        stable=True,
        stable_reason=None,
        audio_s=100.0,
        rtfx=200.0,
        throughput=8.0,
        tokens=111.5,
        windows=4.0,
        decoder_calls=30.0,
    ),
    memory=Memory(
        rss_bytes=1_234_567_890,
        rss_before_bytes=300_000_000,
        weights_bytes=75_521_280,
        gpu_allocated_bytes=200_000_000,
        gpu_reserved_bytes=250_000_000,
        gpu_board_bytes=900_000_000,
    ),
    speech=TimedSpeech(
        mode="continuous",
        of_recording=5,
        of_speaker=2,
        of_utterance=1,
        of_any=0,
        speech_share=0.9123456,
        reference_words=400,
        hypothesis_words=380,
        missing_words=22,
        loops=1,
        loops_time_share=0.125,
        stopped_early=False,
        utterances=44,
        words=470,
        left_out=2,
        left_out_words=61,
    ),
    quality_key="whisper-tiny fp16 cuda",
    quality=Quality(
        of="utterances",
        scored=32,
        batch_size=8,
        beyond_window=3,
        wer=0.0765432,
        wer_low=0.05,
        wer_high=0.1,
        cer=0.03,
        cer_low=0.02,
        cer_high=0.04,
        interval_by="speaker",
        clusters=6,
        substitutions=5,
        deletions=2,
        insertions=1,
        hits=97,
        loops=2,
        loops_error_share=0.25,
        loops_time_share=0.0625,
        headline="WER",
        data_utterances=40,
        data_words=430,
        too_long=1,
        not_chosen=7,
        unscored_words=95,
        rows_without_words=3,
        rows_unreadable=1,
        normaliser="asrprof/english-1",
        normaliser_version="1",
        reason=None,
        remark="2 texts repeat themselves",
    ),
    conditions=Conditions(
        load_before=0.5,
        load_after=1.5,
        foreign_cpu=0.01,
        threads=2,
        throttled=None,
        temperature_c=61.0,
    ),
    comparison=Comparison(
        baseline="fp32",
        rounds=5,
        baseline_s=1.0,
        variant_s=0.5,
        speedup=2.0,
        speedup_low=1.9,
        speedup_high=2.1,
        clips=16,
        same_text=15,
        same_text_promised=True,
    ),
    environment=Environment(
        fingerprint="e" * 64,
        hostname="bench",
        os="Debian 12",
        kernel="6.1",
        architecture="x86_64",
        virtualization=None,
        cpu_model="Some CPU",
        cpu_physical_cores=8,
        cpu_logical_cores=16,
        cpu_affinity=16,
        cpu_governor="performance",
        memory_bytes=64_000_000_000,
        gpu_name="Some GPU",
        gpu_uuid="GPU-1",
        gpu_memory_bytes=16_000_000_000,
        gpu_power_limit_w=250.0,
        gpu_driver="550.1",
        cuda="12.4",
        python="3.11.7",
        packages='{"torch": "2.6"}',
        git_commit=None,
        asrprof="0.1",
        container_image=None,
    ),
    energy=(
        ENERGY,
        replace(ENERGY, source="rapl", gross_j=None, net_j=None, reason="counter did not move"),
    ),
    energy_primary="nvml-counter",
    flops=(
        FlopsReading(method="meta", stage="encoder", flops=48_000_000_000, macs=24, note=None),
        FlopsReading(method="meta", stage="total", flops=60_000_000_000, macs=30, note=None),
        FlopsReading(method="thop", stage="encoder", flops=None, macs=None, note="no attention"),
    ),
    operators_reason="not asked for",
    stages=(
        Stage(stage="encode", median_s=0.1, low_s=0.09, high_s=0.11, iterations=10),
        Stage(stage="decode", median_s=0.4, low_s=0.39, high_s=0.41, iterations=10),
    ),
    samples=(
        Sample(kind="cold", iteration=0, batch=0, seconds=0.9),
        Sample(kind="latency", iteration=0, batch=0, seconds=0.5),
        Sample(kind="latency", iteration=1, batch=1, seconds=0.51),
    ),
    power_samples=(
        PowerSample(source="nvml", phase="idle", time_s=0.1, power_w=30.0, energy_j=None),
        PowerSample(source="rapl", phase="window-1", time_s=1.1, power_w=None, energy_j=3.5),
    ),
    operators=(
        Operator(
            name="aten::mm",
            category="matmul",
            device="cuda",
            calls=100,
            self_s=0.2,
            share=0.4,
            memory_bytes=None,
        ),
    ),
    peaks=(
        Peak(
            device="cuda",
            dtype="float32",
            threads=None,
            flops_per_s=9.5e12,
            bytes_per_s=7.1e11,
            detail="product of 8192 x 8192, copy of 1 GB",
        ),
    ),
    transcripts=(
        Transcript(
            clip_id="utterance-1",
            audio_seconds=27.5,
            reference="Zwölf Boxkämpfer",
            hypothesis="Zwölf Boxer",
            substitutions=1,
            deletions=0,
            insertions=0,
            hits=1,
            speaker="speaker-7",
            recording="talk-3",
            at_limit=False,
            compression_ratio=0.75,
            seconds=0.25,
        ),
        Transcript(
            clip_id="utterance-2",
            audio_seconds=1.5,
            reference="-",
            hypothesis="vier vier vier",
            substitutions=None,
            deletions=None,
            insertions=None,
            hits=None,
            at_limit=True,
        ),
    ),
    proofs=(Proof(technique="precision", requested="fp16", found="float16: 99 of 99 parameters"),),
    figures=(
        Scalar(name="cache_bytes", value=36_900_000.0),
        Scalar(name="compile_s", value=18.5, note="first call less a warm one"),
    ),
    decoder_steps=(
        DecoderStep(position=1, median_s=0.1, low_s=0.09, high_s=0.12, iterations=3),
        DecoderStep(position=2, median_s=0.02, low_s=0.02, high_s=0.02, iterations=3),
    ),
)

FAILED = Result(
    case_key="case-2",
    model="openai/whisper-tiny",
    engine="whisper",
    weights="random",
    revision=None,
    device="cpu",
    variant="fp32",
    audio_seconds=60.0,
    batch_size=16,
    seed=42,
    state="failed",
    reason="RuntimeError: no",
    started_at="2026-01-31T12:02:00.000000+00:00",
    wall_s=2.0,
    energy_reason="the case failed",
)


class FakeClock:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 31, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store_path(tmp_path: Path) -> Path:
    return tmp_path / "results" / "asrprof.db"


@pytest.fixture
def store(store_path: Path, clock: FakeClock) -> Iterator[Store]:
    with Store.open(store_path, clock=clock) as store:
        yield store


@pytest.fixture
def add_job() -> Callable[[Store], int]:
    """Adds a running job of this process."""

    def add(store: Store, **changes: Any) -> int:
        benchmark_id = store.add_benchmark("demo", '{"name": "demo"}')
        arguments = {"target": "local", "cases_total": 2, "owner": process_owner(), "lease_s": 60.0}
        return store.start_job(benchmark_id, **{**arguments, **changes})

    return add


@pytest.fixture
def job_id(store: Store, add_job: Callable[[Store], int]) -> int:
    return add_job(store)


@pytest.fixture
def full() -> Result:
    """A result with every field and every kind of child."""
    return FULL


@pytest.fixture
def failed() -> Result:
    """A result without any figure."""
    return FAILED
