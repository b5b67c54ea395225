"""What the stores of these tests hold: a day in the life of a benchmark machine."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from runner.config_file import load_benchmark, presets
from runner.doctor import Check
from store import Event, EventKind, JobRequest, JobRow, JobState, Result, Store, timestamp
from tests.tui.records import NOW, grid, old, packed, result
from tui.machine import Reading, Sampler

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
    needs: str | None = None,
    node: str | None = None,
) -> int:
    """A job that is added at the clock's time, and comes to ``state`` with some results."""
    config = json.dumps({"name": name, "models": ["small-whisper"]})
    if name in presets():
        config = json.dumps(load_benchmark(name).model_dump(mode="json"))
    benchmark = store.add_benchmark(name, config)
    total = cases if cases is not None else len(results)
    job = store.queue.add(
        benchmark, JobRequest(target=target, folder="/srv/speech", needs=needs), cases_total=total
    )
    if state == "queued":
        return job
    clock.now += timedelta(seconds=1)
    claimed = store.attempts.claim(owner, LEASE_S, targets=[target], parallel=99)
    assert claimed is not None and claimed.id == job, "queue the jobs that are to wait last"
    note(store, job, clock, "job-launched", f"job {job} started on {target}: {name[:40]}")
    if state == "starting":
        return job
    clock.now += timedelta(seconds=2)
    if node is not None:
        store.attempts.placed(job, 1, node)
    store.attempts.begin(job, 1, owner, LEASE_S)
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
    kind: EventKind,
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
    """A store with jobs in every state; the running one is in its fifth case.

    A result of ``nightly`` stopped early over packed clips; ``whim`` is of an older asrprof.
    """
    clock = Clock()
    with Store.open(path, clock=clock) as store:
        clock.ago(days=2)
        add_job(store, clock, "demo", "done", grid())
        clock.ago(hours=20)
        failed = result("openai/whisper-tiny", state="oom", reason="killed by the kernel (SIGKILL)")
        early = result(
            *("small-whisper", "whisper", 0.11), audio_seconds=15, batch_size=4, wer=0.01, loops=1
        )
        rows = [*grid(1.1)[:2], replace(early, speech=packed()), failed]
        why = "stopped after 7200 s (its time limit)"
        add_job(store, clock, "nightly", "failed", rows, cases=12, reason=why)
        clock.ago(hours=5)
        why = "its process bench:4711:99 is gone"
        add_job(store, clock, "long-clips", "lost", [], cases=4, reason=why)
        clock.ago(hours=3)
        why = "cancelled on request"
        add_job(store, clock, "whim", "cancelled", [old(grid()[0])], cases=6, reason=why)
        clock.ago(minutes=1, seconds=12)
        running = add_job(store, clock, "demo", "running", grid(0.93)[:4], cases=9)
        clock.ago(seconds=9)
        key, name = "small-whisper|pretrained|-|cpu|fp32|5s|b1", "small-whisper cpu fp32 5 s x 1"
        size = {"audio_seconds": 5.0, "batch_size": 1}
        note(store, running, clock, "case-started", name, key, size)
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
