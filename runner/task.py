"""What a child process is asked to do, and what it says while it does it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from runner.catalogue.measures import COUNTS
from runner.catalogue.models import CATALOGUE, family_of_folder, local_folder
from runner.config import ENGLISH, Limits, Load, Measure, Model, Robustness, Variant
from runner.engines.base import LoadRequest
from runner.engines.hub import Located
from runner.grid import Case
from runner.taken import TakenQuality
from store.events import LoadGauge
from store.records import Environment, FlopsReading, Result, ResultState, Scalar


@dataclass(frozen=True)
class Utterances:
    """A prepared set of single utterances."""

    path: Path
    fingerprint: str


@dataclass(frozen=True)
class CaseTask:
    """One case with all it needs; it travels to the child process."""

    case: Case
    clips: Path | None
    """The clips to time, see :mod:`runner.clips`; None where nothing is run."""
    measures: frozenset[Measure]
    limits: Limits
    seed: int
    trace: Path | None
    """Where to keep the chrome trace, or None."""
    normaliser: str = ENGLISH
    """What both texts go through before words are counted, by its whole name."""
    baseline: Variant | None = None
    """The benchmark's first variant; None where the case is of that one itself."""
    load: Load = field(default_factory=Load)
    """How requests are sent, where the measure `load` is asked for."""
    robustness: Robustness = field(default_factory=Robustness)
    """Which noise is added, where the measure `robustness` is asked for."""
    calibrate: bool = False
    """Measure what the device can do at best, after the case's own passes."""
    located: Located | None = None
    """Where a repository's weights come from; None where no repository is involved."""
    found_batch: int | None = None
    """What the batch size ``max`` comes to, or is tried with."""
    memory_bound: str = "limits.memory_bytes"
    """Where the bound of ``limits.memory_bytes`` comes from."""
    trial: bool = False
    """Only see whether the batch fits into memory."""
    utterances: Utterances | None = None
    """What the quality pass transcribes; None where no quality is asked for."""
    wordless: Utterances | None = None
    """Rows of the data without words, where the measure `robustness` is asked for and there are
    any."""
    taken: TakenQuality | None = None
    """The quality record that this case shares, where an earlier one has taken it."""
    baseline_taken: TakenQuality | None = None
    """That of the baseline."""
    counted: Mapping[str, tuple[FlopsReading, ...]] = field(default_factory=dict)
    """FLOPs that earlier cases have counted, by what they depend on."""
    tracker: Path | None = None
    """Socket of the process that runs codecarbon for the session; None where each case runs it."""

    def out_of_memory(self, words: str) -> str:
        """Words on how memory ran out, with the bound that there was."""
        bound = self.limits.memory_bytes
        return words if bound is None else f"{words} ({self.memory_bound} {bound / 1e6:.0f} MB)"

    @property
    def counts_alone(self) -> bool:
        """Whether shapes alone say all that is asked for, so that no weights are needed."""
        return not self.trial and bool(self.measures) and self.measures <= COUNTS

    @property
    def batch_size(self) -> int:
        """Clips in a batch; of a case whose largest was never found the smallest there is."""
        if self.case.batch_size == "max":
            return self.found_batch or 1
        return self.case.batch_size

    @property
    def threads(self) -> int | None:
        """CPU threads that the config asks for; None where it leaves that open."""
        return self.case.threads or self.limits.threads

    def quality_key(self, variant: Variant | None = None) -> str | None:
        """What the words of the utterances depend on, as one text.

        Cases with the same key share one quality record: neither the length of the timed clips
        nor their batch size is in it.

        Args:
            variant: Another one than the case's own.
        """
        if self.utterances is None:
            return None
        located = self.located
        revision = located.revision if located is not None else None
        return self.case.quality_key(
            variant or self.case.variant, revision, self.utterances.fingerprint
        )

    def load_request(self) -> LoadRequest:
        """What to load, where, and how."""
        case, located = self.case, self.located
        return LoadRequest(
            name=case.model.name,
            weights=case.model.weights or "pretrained",
            revision=located.revision if located is not None else case.model.revision,
            device=case.device,
            variant=case.variant,
            seed=self.seed,
            tokens_per_audio_second=self.limits.tokens_per_audio_second,
            cached=located is not None and located.cached,
            engine=case.model.engine,
            language=case.model.language,
            server=case.model.server,
            shapes_only=self.counts_alone,
            published=self.counts_alone and is_published(case.model),
        )

    def outcome(
        self,
        state: ResultState,
        reason: str,
        *,
        started_at: str,
        wall_s: float,
        environment: Environment | None = None,
    ) -> Result:
        """The row of a case that has no figures, and why.

        Args:
            state: What became of the case.
            reason: Why it has no figures, in words.
            started_at: When it began, as it is stored.
            wall_s: How long it took, in seconds.
            environment: What it ran on; None where that was not read.
        """
        case = self.case
        return Result(
            case_key=case.key,
            model=case.model.name,
            engine=engine_name(case),
            weights=case.model.weights or "pretrained",
            revision=case.model.revision,
            device=case.device,
            variant=case.variant.name,
            audio_seconds=case.audio_seconds,
            batch_size=self.batch_size,
            seed=self.seed,
            language=case.model.language,
            language_by=None if case.model.language is None else "config",
            state=state,
            reason=reason,
            started_at=started_at,
            wall_s=wall_s,
            environment=environment,
            figures=threads_of(case),
        )


@dataclass(frozen=True)
class Progress:
    """The child is at ``share`` (0 to 1) of ``what``."""

    what: str
    share: float
    latency_s: float | None = None
    """Seconds of the batch that was timed last, if one has been since the last message."""
    load: LoadGauge | None = None
    """How a level of load goes, while one is held."""


@dataclass(frozen=True)
class Started:
    """The child runs, here."""

    environment: Environment


@dataclass(frozen=True)
class Remark:
    """Something a reader of the figures should know, in words."""

    text: str


@dataclass(frozen=True)
class Partial:
    """What the child has so far: kept if it dies before it has the rest."""

    result: Result


@dataclass(frozen=True)
class Counted:
    """FLOPs of some work, for the cases with the same."""

    key: str
    readings: tuple[FlopsReading, ...]


News = Progress | Remark | Counted
"""What a session hears while a case runs."""

Message = News | Started | Partial | Result


def is_published(model: Model) -> bool:
    """Whether a model's configuration is known here, so that no checkpoint is read for it."""
    entry = CATALOGUE.get(model.name)
    return entry is not None and entry.random and not entry.bundled and model.revision is None


def threads_of(case: Case) -> tuple[Scalar, ...]:
    """The figure that tells the rows of several numbers of threads apart."""
    if case.threads is None:
        return ()
    return (Scalar(name="threads", value=float(case.threads), note="of the CPU, as configured"),)


def engine_name(case: Case) -> str:
    """The engine family as far as the name alone tells it."""
    if case.model.engine is not None:
        return case.model.engine
    entry = CATALOGUE.get(case.model.name)
    if entry is not None:
        return entry.family
    folder = local_folder(case.model.name)
    try:
        return family_of_folder(folder) if folder is not None else "transformers"
    except ValueError:
        return "transformers"


def utc_now() -> str:
    """The time of day, UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="microseconds")
