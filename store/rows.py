"""What the store's readers return: frozen dataclasses, one a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from store.metrics import Metric
from store.records import FinalState, JobState, Result
from store.word_records import Quality, Transcript


@dataclass(frozen=True, kw_only=True)
class BenchmarkRow:
    """One benchmark: a config that was asked for at least once."""

    id: int
    name: str
    config: str
    """Canonical JSON."""
    config_hash: str
    """SHA-256 of ``config``."""
    created_at: str


@dataclass(frozen=True, kw_only=True)
class JobRow:
    """One request to run one benchmark on one target."""

    id: int
    benchmark_id: int
    benchmark: str
    """The benchmark's name."""
    target: str
    state: JobState
    priority: int
    """A queued job with a higher priority starts first."""
    position: int
    """Place among queued jobs of one priority, lowest first."""
    reason: str | None
    attempt: int
    """1, and one more each time the job is resumed."""
    cases_total: int
    cases_done: int
    """Cases that have a row, whatever its state."""
    created_at: str
    started_at: str | None
    """When its first attempt began."""
    attempt_started_at: str | None
    """When its latest attempt began; the time limit counts from there."""
    finished_at: str | None
    time_limit_s: float | None
    """Longest that one attempt may take, or None."""
    cancel_requested_at: str | None
    """When someone asked for its end; whoever runs it obeys."""
    lease_owner: str | None
    """``host:pid:starttime`` of the process that starts or runs the job."""
    lease_expires_at: str | None
    heartbeat_at: str | None
    machine: str | None
    """Host on which it was started, by a dispatcher or by hand."""
    dispatcher: str | None
    """``host:pid:starttime`` of the dispatcher that follows it; None for a job run by hand."""
    handle: str | None
    """What the launcher started: ``host:pid:starttime`` of a process, the id of a container."""
    log_path: str | None
    folder: str | None
    """Where it was queued: relative paths of its config start there."""
    needs: str | None
    """What it needs of a fleet's node, as JSON; see ``runner.dispatch.fleet.needs``."""
    part: str | None
    """Its share of the benchmark's cases, ``2/4``; None for all of them."""
    retries: int
    """How often it is queued again by itself when it is lost."""
    node: str | None
    """The fleet's node that it is on, ``name/id``."""
    avoid: str | None
    """Ids of nodes on which it was lost, with commas."""


@dataclass(frozen=True, kw_only=True)
class Stop:
    """Why a running job must end, and as what."""

    state: FinalState
    reason: str


@dataclass(frozen=True, kw_only=True)
class StoredResult:
    """A result with all its children, and the figures that the store derives from them."""

    id: int
    job_id: int
    environment_id: int | None
    created_at: str
    energy_j: float | None
    """Gross joules a batch of the primary energy source."""
    joules_per_audio_hour: float | None
    encoder_flops: int | None
    flops: int | None
    result: Result
    scalars: Mapping[str, Metric]
    """What those of ``result.figures`` are that have a column of the view."""


@dataclass(frozen=True, kw_only=True)
class StoredQuality:
    """A quality record of a job."""

    key: str
    """What its words depend on; in stores of schema 9 and before the key of its case."""
    quality: Quality
    transcripts: tuple[Transcript, ...]


@dataclass(frozen=True, kw_only=True)
class Counts:
    """How much is in the store, or in one job of it."""

    benchmarks: int
    jobs: int
    ok: int
    failed: int
    oom: int
    refused: int

    @property
    def results(self) -> int:
        """Results in any state."""
        return self.ok + self.failed + self.oom + self.refused
