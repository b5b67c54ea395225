"""Results that these tests show: one with everything that a view can show, and a small grid."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

from store import (
    EnergyReading,
    FlopsReading,
    Latency,
    Memory,
    Operator,
    PowerSample,
    Quality,
    Result,
    Sample,
    Stage,
    TimedSpeech,
    Transcript,
    timestamp,
)

NOW = datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)

MODELS = (
    # name, engine, seconds for 5 s of audio at batch 1, gigabytes, WER
    ("small-parakeet-ctc", "ctc", 0.016, 0.38, 0.048),
    ("small-wav2vec2-ctc", "ctc", 0.024, 0.36, 0.090),
    ("small-whisper", "whisper", 0.042, 0.38, 0.010),
    ("pocketsphinx", "pocketsphinx", 0.956, 0.42, 0.886),
    ("openai/whisper-tiny", "whisper", 0.709, 0.59, None),
)


def result(
    model: str,
    engine: str = "whisper",
    latency_s: float = 0.05,
    *,
    audio_seconds: float = 5.0,
    batch_size: int = 1,
    variant: str = "fp32",
    rss_gb: float = 0.4,
    wer: float | None = 0.05,
    energy: str | None = "estimated",
    state: str = "ok",
    reason: str | None = None,
    samples: int = 20,
    speech: TimedSpeech | None = None,
    loops: int = 0,
) -> Result:
    """One row with everything that a view can show; figures follow from ``latency_s``."""
    scored = wer is not None
    weights = "random" if "/" in model else "pretrained"
    base = {
        "case_key": f"{model}|{variant}|{audio_seconds:g}s|b{batch_size}",
        "model": model,
        "engine": engine,
        "weights": weights,
        "revision": None,
        "device": "cpu",
        "variant": variant,
        "audio_seconds": audio_seconds,
        "batch_size": batch_size,
        "seed": 42,
        "reason": reason,
        "started_at": timestamp(NOW),
        "wall_s": 12.5,
    }
    if state != "ok":
        return Result(**base, state=state)  # type: ignore[arg-type]
    audio_s = audio_seconds * batch_size * 0.94
    steps = [1 + 0.04 * ((7 * i) % 5 - 2) / 2 for i in range(samples)]
    return Result(
        **base,  # type: ignore[arg-type]
        state="ok",
        parameters=37_000_000,
        latency=Latency(
            load_s=0.8,
            cold_s=latency_s * 2.5,
            warmup_iterations=5,
            warmup_s=latency_s * 6,
            iterations=samples,
            median_s=latency_s,
            low_s=latency_s * 0.98,
            high_s=latency_s * 1.03,
            mean_s=latency_s * 1.01,
            stdev_s=latency_s * 0.02,
            p90_s=latency_s * 1.03,
            p95_s=latency_s * 1.04,
            p99_s=latency_s * 1.05,
            stable=latency_s > 0.02,
            stable_reason=None if latency_s > 0.02 else "spread 17 %",
            audio_s=audio_s,
            rtfx=audio_s / latency_s,
            throughput=batch_size / latency_s,
            tokens=24.0 * batch_size if engine == "whisper" else None,
            windows=1.0,
            decoder_calls=25.0 if engine == "whisper" else None,
        ),
        memory=Memory(
            rss_bytes=int(rss_gb * 1e9),
            rss_before_bytes=300_000_000,
            weights_bytes=151_000_000,
            gpu_allocated_bytes=None,
            gpu_reserved_bytes=None,
            gpu_board_bytes=None,
        ),
        speech=speech or continuous(scored),
        quality=Quality(
            of="utterances",
            scored=12 if scored else 0,
            batch_size=1 if scored else None,
            beyond_window=0 if scored else None,
            wer=wer,
            wer_low=None if wer is None else wer * 0.7,
            wer_high=None if wer is None else wer * 1.3,
            cer=None if wer is None else wer / 2,
            cer_low=None if wer is None else wer / 3,
            cer_high=None if wer is None else wer * 0.7,
            interval_by="speaker" if scored else None,
            clusters=5 if scored else None,
            substitutions=4 if scored else None,
            deletions=2 if scored else None,
            insertions=1 if scored else None,
            hits=120 if scored else None,
            loops=loops if scored else None,
            loops_error_share=0.25 if loops else None,
            loops_time_share=0.4 if loops else None,
            normaliser="asrprof/english-1" if scored else None,
            normaliser_version="1" if scored else None,
            reason=None if scored else "random weights",
        ),
        quality_key=f"{model}|{variant}",
        energy=()
        if energy is None
        else (
            EnergyReading(
                source="codecarbon" if energy == "estimated" else "rapl",
                label=energy,  # type: ignore[arg-type]
                scope="machine",
                windows=1,
                window_s=2.0,
                batches=40,
                gross_j=latency_s * 22,
                net_j=latency_s * 15,
                uncertainty_j=latency_s,
                net_uncertainty_j=latency_s,
                idle_w=7.0,
                mean_w=22.0,
                refresh_s=1.0,
                reason=None,
                net_reason=None,
            ),
        ),
        energy_primary=None
        if energy is None
        else "codecarbon"
        if energy == "estimated"
        else "rapl",
        energy_reason="no sensor" if energy is None else None,
        flops=(
            FlopsReading(method="meta", stage="encoder", flops=int(6e8), macs=None, note=None),
            FlopsReading(method="meta", stage="total", flops=int(1.5e9), macs=None, note=None),
        ),
        stages=tuple(
            Stage(
                stage=name,
                median_s=latency_s * share,
                low_s=latency_s * share * 0.97,
                high_s=latency_s * share * 1.03,
                iterations=5,
            )
            for name, share in (
                ("features", 0.08),
                ("encode", 0.36),
                ("prefill", 0.06),
                ("decode", 0.48),
                ("text", 0.02),
            )
        ),
        samples=tuple(
            Sample(kind="latency", iteration=i, batch=i % 2, seconds=latency_s * step)
            for i, step in enumerate(steps)
        ),
        power_samples=tuple(
            PowerSample(
                source="codecarbon",
                phase="idle" if i < 6 else "window-1",
                time_s=i * 0.5,
                power_w=7 + (0 if i < 6 else 15 + (3 * i) % 4),
                energy_j=None,
            )
            for i in range(24)
        ),
        operators=tuple(
            Operator(
                name=name,
                category=category,
                device="cpu",
                calls=calls,
                self_s=latency_s * share,
                share=share,
                memory_bytes=None,
            )
            for name, category, calls, share in (
                ("aten::addmm", "matmul", 96, 0.44),
                ("aten::bmm", "attention", 48, 0.17),
                ("aten::convolution", "convolution", 4, 0.13),
                ("aten::native_layer_norm", "normalisation", 33, 0.08),
                ("aten::gelu", "activation", 8, 0.06),
                ("aten::copy_", "memory", 160, 0.05),
            )
        ),
        transcripts=transcripts(loops > 0) if scored else (),
    )


def transcripts(loop: bool) -> tuple[Transcript, ...]:
    """An utterance with two errors, and one whose text runs in a loop if there is to be one."""
    fox = Transcript(
        clip_id="utterance-1",
        audio_seconds=4.6,
        reference="the quick brown fox jumps over the lazy dog",
        hypothesis="the quick brown fog jumps over lazy dog",
        substitutions=1,
        deletions=1,
        insertions=0,
        hits=7,
        speaker="alder",
        at_limit=False,
        compression_ratio=0.9,
        seconds=0.04,
    )
    digits = Transcript(
        clip_id="utterance-2",
        audio_seconds=1.9,
        reference="three one seven zero",
        hypothesis="four five four five four five",
        substitutions=4,
        deletions=0,
        insertions=2,
        hits=0,
        speaker="birch",
        at_limit=True,
        compression_ratio=1.1,
        seconds=0.4,
    )
    return (fox, digits) if loop else (fox,)


def continuous(scored: bool = True) -> TimedSpeech:
    """Clips of one speaker each; all but two of their words came out."""
    return TimedSpeech(
        mode="continuous",
        of_recording=4,
        of_speaker=1,
        of_utterance=1,
        of_any=0,
        speech_share=0.94,
        reference_words=120 if scored else None,
        hypothesis_words=119 if scored else None,
        missing_words=2 if scored else None,
        loops=0 if scored else None,
        loops_time_share=0.0 if scored else None,
        stopped_early=False if scored else None,
    )


def packed() -> TimedSpeech:
    """Clips of unrelated speakers, of which words are missing."""
    return TimedSpeech(
        mode="packed",
        of_recording=0,
        of_speaker=0,
        of_utterance=1,
        of_any=5,
        speech_share=0.91,
        reference_words=904,
        hypothesis_words=722,
        missing_words=182,
        loops=1,
        loops_time_share=0.45,
        stopped_early=True,
    )


def old(row: Result) -> Result:
    """A row as a store of schema 9 holds it once it is brought up."""
    assert row.quality is not None
    clips = TimedSpeech(
        mode="packed",
        of_recording=None,
        of_speaker=None,
        of_utterance=None,
        of_any=None,
        speech_share=None,
    )
    quality = replace(
        row.quality,
        of="packed clips",
        batch_size=None,
        beyond_window=None,
        interval_by="packed clip",
        clusters=row.quality.scored,
        loops=None,
        loops_error_share=None,
        loops_time_share=None,
        normaliser="whisper-normalizer/english",
    )
    return replace(row, speech=clips, quality=quality, quality_key=row.case_key)


def grid(scale: float = 1.0) -> list[Result]:
    """The results of a whole small benchmark."""
    return [
        result(
            model,
            engine,
            scale * seconds * (length / 5) * (1 + 0.8 * (batch - 1)),
            audio_seconds=length,
            batch_size=batch,
            rss_gb=rss + 0.02 * batch,
            wer=wer,
            loops=int(model == "small-whisper"),
        )
        for (model, engine, seconds, rss, wer), (length, batch) in product(
            MODELS, ((5.0, 1), (15.0, 4))
        )
    ]
