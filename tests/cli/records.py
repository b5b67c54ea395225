"""Cases, results and rows for the tests of what commands show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from runner.config import Model, Variant
from runner.grid import Case
from store import Latency, LeaderboardRow, Memory, Result

HOSTILE = (
    "[/]",
    "[red]",
    "[red]x[/red]",
    "[/red]",
    "trailing\\",
    ":smiley:",
    "{0} %s {task}",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x9b2J",
    "a\rb",
    "a\nb\tc",
    "\u202egpj.exe",
    "\udcff",
    "\x00",
    "x" * 300,
    "\u6f22" * 150,
)
"""What a terminal or a markup language would obey, if it got it raw."""

FORBIDDEN = ("\x1b", "\x07", "\x9b", "\x00", "\r", "\u202e", "\udcff")
"""What must not reach a terminal from data."""


def case(model: str = "openai/whisper-tiny", variant: str = "fp32", **changes: Any) -> Case:
    """A case, made without the config's checks of its names."""
    made = Case(
        Model.model_construct(name=model, weights="pretrained", revision=None),
        "cpu",
        Variant.model_construct(name=variant, precision="fp32"),
        5.0,
        1,
    )
    return replace(made, **changes)


def result(**changes: Any) -> Result:
    """A result with figures."""
    latency = Latency(
        load_s=1.5,
        cold_s=0.9,
        warmup_iterations=3,
        warmup_s=1.0,
        iterations=10,
        median_s=0.25,
        low_s=0.24,
        high_s=0.26,
        mean_s=0.25,
        stdev_s=0.01,
        p90_s=0.26,
        p95_s=0.27,
        p99_s=0.28,
        stable=True,
        stable_reason=None,
        audio_s=5.0,
        rtfx=20.0,
        throughput=4.0,
        tokens=None,
        windows=1.0,
        decoder_calls=None,
    )
    memory = Memory(
        rss_bytes=10**9,
        rss_before_bytes=10**8,
        weights_bytes=None,
        gpu_allocated_bytes=None,
        gpu_reserved_bytes=None,
        gpu_board_bytes=None,
    )
    made = Result(
        case_key="case-1",
        model="openai/whisper-tiny",
        engine="whisper",
        weights="random",
        revision=None,
        device="cpu",
        variant="fp32",
        audio_seconds=5.0,
        batch_size=1,
        seed=42,
        state="ok",
        reason=None,
        started_at="2026-01-31T12:00:00.000000+00:00",
        wall_s=10.0,
        latency=latency,
        memory=memory,
        energy_reason="not asked for",
        flops_reason="not asked for",
    )
    return replace(made, **changes)


def failed(**changes: Any) -> Result:
    """A result without figures."""
    return result(state="failed", reason="RuntimeError: no", latency=None, memory=None, **changes)


def row(**changes: Any) -> LeaderboardRow:
    """A row with every figure, some of them wide."""
    made = LeaderboardRow(
        result_id=1,
        job_id=1,
        benchmark="demo",
        model="openai/whisper-tiny",
        engine="whisper",
        weights="pretrained",
        device="cuda:0",
        variant="fp16",
        language="en",
        language_by="default",
        audio_seconds=30.0,
        batch_size=16,
        data="builtin",
        state="ok",
        reason=None,
        latency_ms=1234.5,
        latency_low_ms=1200.1,
        latency_high_ms=1300.2,
        p95_ms=1400.0,
        cold_ms=2000.0,
        stable=False,
        rtfx=1357.9,
        throughput=12.9,
        energy_j=246.8,
        energy_label="sampled",
        energy_source="nvml-sampled",
        joules_per_audio_hour=98765.4,
        encoder_gflops=1000.0,
        gflops=654321.0,
        rss_mb=23456.7,
        vram_mb=87654.3,
        tokens=100.0,
        speedup=1.87,
        wer=0.0765,
        cer=0.03,
        scored=32,
        wer_low=0.06,
        wer_high=0.09,
        wer_of="utterances",
        loops=0,
        normaliser="asrprof/english-2",
        headline="WER",
        not_scored=0,
        clips_mode="continuous",
        speech_share=0.93,
        stopped_early=False,
        environment_id=1,
        created_at="2026-01-31T12:00:00.000000+00:00",
    )
    return replace(made, **changes)
