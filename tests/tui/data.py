"""What the stores of these tests hold: a day in the life of a benchmark machine."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

from runner.config_file import load_benchmark, presets
from runner.doctor import Check
from store import (
    EnergyReading,
    Event,
    FlopsReading,
    JobRow,
    JobState,
    Latency,
    Memory,
    Operator,
    PowerSample,
    Quality,
    Result,
    Sample,
    Stage,
    Store,
    Transcript,
    timestamp,
)
from tui.machine import Reading, Sampler

NOW = datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)
OWNER = "bench/4026531836:4711:99"
"""A process of another machine, of which only its lease can tell."""
LEASE_S = 30 * 365 * 86_400

HOSTILE = (
    "[/]",
    "model[v3]",
    "\x1b]0;owned\x07\x1b[2J\x1b[31mred",
    "x" * 10_000,
    "日本語のモデル",
    "نموذج عربي \u202egnp.exe",
    "e\u0301 \u200d👩\u200d🔬 \ufeff",
    "[@click=app.quit]quit[/]",
)
"""Names and lines that must be shown as they are, and obeyed by nobody."""

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
) -> Result:
    """One row with everything that a view can show; figures follow from ``latency_s``."""
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
        quality=Quality(
            clips=12,
            wer=wer,
            wer_low=None if wer is None else wer * 0.7,
            wer_high=None if wer is None else wer * 1.3,
            cer=None if wer is None else wer / 2,
            cer_low=None if wer is None else wer / 3,
            cer_high=None if wer is None else wer * 0.7,
            substitutions=None if wer is None else 4,
            deletions=None if wer is None else 2,
            insertions=None if wer is None else 1,
            hits=None if wer is None else 120,
            normaliser="whisper-english" if wer is not None else None,
            normaliser_version="1" if wer is not None else None,
            reason=None if wer is not None else "random weights",
        ),
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
        transcripts=(
            Transcript(
                clip_id="clip-1",
                audio_seconds=4.6,
                reference="the quick brown fox jumps over the lazy dog",
                hypothesis="the quick brown fog jumps over lazy dog",
                substitutions=1,
                deletions=1,
                insertions=0,
                hits=7,
            ),
        ),
    )


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
        )
        for (model, engine, seconds, rss, wer), (length, batch) in product(
            MODELS, ((5.0, 1), (15.0, 4))
        )
    ]


class Clock:
    """The time of day of a store that is being filled: it stands until it is set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def ago(self, **parts: float) -> datetime:
        """Sets it to so long before ``NOW``."""
        self.now = NOW - timedelta(**parts)
        return self.now


def add_job(
    store: Store,
    clock: Clock,
    name: str,
    state: JobState,
    results: list[Result],
    *,
    cases: int | None = None,
    reason: str | None = None,
    target: str = "local",
    owner: str = OWNER,
    case_s: float = 14.0,
) -> int:
    """A job that is added at the clock's time, and comes to ``state`` with some results."""
    config = json.dumps({"name": name, "models": ["small-whisper"]})
    if name in presets():
        config = json.dumps(load_benchmark(name).model_dump(mode="json"))
    benchmark = store.add_benchmark(name, config)
    total = cases if cases is not None else len(results)
    job = store.queue.add(benchmark, target=target, cases_total=total, folder="/srv/speech")
    if state == "queued":
        return job
    clock.now += timedelta(seconds=1)
    claimed = store.queue.claim(owner, LEASE_S, targets=[target], parallel=99)
    assert claimed is not None and claimed.id == job, "queue the jobs that are to wait last"
    note(store, job, clock, "job-launched", f"job {job} started on {target}: {name[:40]}")
    if state == "starting":
        return job
    clock.now += timedelta(seconds=2)
    store.queue.begin(job, 1, owner, LEASE_S)
    note(store, job, clock, "job-started", f"{total} of {total} cases")
    for row in results:
        note(store, job, clock, "case-started", title(row), row.case_key)
        clock.now += timedelta(seconds=case_s)
        store.write_result(job, row)
        note(store, job, clock, "case-finished", row.reason or row.state, row.case_key)
    if state != "running":
        note(store, job, clock, "job-finished", reason or state)
        store.finish_job(job, state, reason)
    return job


def note(
    store: Store,
    job: int,
    clock: Clock,
    kind: str,
    message: str | None,
    case_key: str | None = None,
    data: object = None,
) -> None:
    """An event at the clock's time."""
    store.add_event(
        job,
        Event(
            kind=kind,
            at=timestamp(clock.now),
            case_key=case_key,
            message=message,
            data=None if data is None else json.dumps(data),
        ),
    )


def title(row: Result) -> str:
    """A case as the runner names it."""
    random = " (random)" if row.weights == "random" else ""
    name = row.model.rpartition("/")[2]
    return f"{name}{random} cpu {row.variant} {row.audio_seconds:g} s x {row.batch_size}"


def fill(path: Path) -> None:
    """A store with jobs in every state; the running one is in its fifth case."""
    clock = Clock()
    with Store.open(path, clock=clock) as store:
        clock.ago(days=2)
        add_job(store, clock, "demo", "done", grid())
        clock.ago(hours=20)
        failed = result("openai/whisper-tiny", state="oom", reason="killed by the kernel (SIGKILL)")
        rows = [*grid(1.1)[:3], failed]
        why = "stopped after 7200 s (its time limit)"
        add_job(store, clock, "nightly", "failed", rows, cases=12, reason=why)
        clock.ago(hours=5)
        why = "its process bench:4711:99 is gone"
        add_job(store, clock, "long-clips", "lost", [], cases=4, reason=why)
        clock.ago(hours=3)
        why = "cancelled on request"
        add_job(store, clock, "whim", "cancelled", grid()[:1], cases=6, reason=why)
        clock.ago(minutes=1, seconds=12)
        running = add_job(store, clock, "demo", "running", grid(0.93)[:4], cases=9)
        clock.ago(seconds=9)
        key, name = "small-whisper|pretrained|-|cpu|fp32|5s|b1", "small-whisper cpu fp32 5 s x 1"
        note(store, running, clock, "case-started", name, key)
        for second in range(8):
            clock.now += timedelta(seconds=1)
            latencies = [0.042 + 0.004 * ((7 * n + second * 3) % 11) / 10 for n in range(9)]
            data = {"what": "latency", "share": (second + 1) / 10, "latencies_s": latencies}
            note(store, running, clock, "case-progress", None, key, data)
        clock.ago(minutes=40)
        add_job(store, clock, "study", "queued", [], cases=160)
        clock.ago(minutes=12)
        add_job(store, clock, "study-random", "queued", [], cases=160, target="docker-cpu")
    log = path.parent / "logs" / f"{path.stem}-job-{running}-1.log"
    log.parent.mkdir(exist_ok=True)
    log.write_text("\n".join(LOG) + "\n", encoding="utf-8")


LOG = (
    "demo: 9 cases, clips of 5 s and 15 s",
    "ok      [1/9] small-parakeet-ctc cpu fp32 5 s x 1: 14.9 ms, RTFx 315.7",
    "ok      [2/9] small-parakeet-ctc cpu fp32 15 s x 4: 152.0 ms, RTFx 371.0",
    "ok      [3/9] small-wav2vec2-ctc cpu fp32 5 s x 1: 22.3 ms, RTFx 210.6",
    "note    small-wav2vec2-ctc: the machine was busy during the loop (foreign load 14 %)",
    "ok      [4/9] small-wav2vec2-ctc cpu fp32 15 s x 4: 227.6 ms, RTFx 247.8",
)


def fill_hostile(path: Path) -> None:
    """A store with hostile names, reasons and log lines everywhere."""
    clock = Clock()
    with Store.open(path, clock=clock) as store:
        for text in HOSTILE:
            clock.ago(hours=1)
            add_job(store, clock, text, "failed", [result(text)], cases=3, reason=text)
        clock.ago(minutes=1)
        running = add_job(store, clock, HOSTILE[2], "running", [result(HOSTILE[0])], cases=3)
        for text in HOSTILE:
            note(store, running, clock, "case-started", text, text)
        for text in HOSTILE:
            add_job(store, clock, text, "queued", [], cases=3)
    log = path.parent / "logs" / f"{path.stem}-job-{running}-1.log"
    log.parent.mkdir(exist_ok=True)
    log.write_text("\n".join(HOSTILE) + "\nten %\r99 %\r100 % done\n", encoding="utf-8")


class StillSampler(Sampler):
    """Readings of a machine that nobody has to wait for."""

    def look_at(self, job: JobRow | None) -> None:
        return

    def readings(self) -> tuple[Reading, ...]:
        return tuple(
            Reading(
                cpu=0.5 + 0.02 * ((5 * n) % 7),
                memory_bytes=int(6.1e9 + 2e7 * (n % 9)),
                job_bytes=int(412e6),
                cpu_w=18 + (3 * n) % 5,
            )
            for n in range(60)
        )


CHECKS = (
    Check(
        "CPU",
        "limited",
        "AMD EPYC 7B13, 8 cores, 16 threads, virtual machine (kvm)",
        "neighbours disturb a virtual machine; the stable flag shows it",
    ),
    Check("memory", "ok", "62.8 GiB"),
    Check("GPU", "missing", "no NVIDIA driver", "install the NVIDIA driver"),
    Check("torch", "ok", "2.13.0+cpu (CPU build)"),
    Check("energy: rapl", "ok", "measured, package+dram, refresh 1 ms"),
    Check("energy: codecarbon", "limited", "estimated, machine: cpu+ram, version 3.3.2"),
    Check("hub", "ok", "not asked (no network traffic by default)"),
    Check(
        "hub token",
        "limited",
        "none: gated models and data sets (GigaSpeech) cannot be loaded",
        "accept the terms on huggingface.co, then: hf auth login",
    ),
    Check("Docker", "ok", "engine 28.3.2"),
    Check("store", "ok", "results/asrprof.db exists"),
    Check("cache", "ok", "~/.cache/asrprof, 214.0 GiB free"),
)
"""What Home says of a machine that does not change."""
