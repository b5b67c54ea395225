"""What a session remembers from case to case."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from runner.taken import TakenQuality, lost_in_pass
from runner.task import CaseTask, utc_now
from store import Result
from store.records import FlopsReading


@dataclass
class Tally:
    """Counts outcomes, and remembers what cannot be loaded so that it is not tried again."""

    ok: int = 0
    failed: int = 0
    refusals: dict[tuple[str, ...], str] = field(default_factory=dict)
    calibrated: set[tuple[str, int | None]] = field(default_factory=set)
    """Devices, with the threads where several numbers are listed, whose peak has been measured."""
    taken: dict[str, TakenQuality] = field(default_factory=dict)
    """Quality records of this job, by what they depend on."""
    counted: dict[str, tuple[FlopsReading, ...]] = field(default_factory=dict)
    """FLOPs that an earlier case of this run has counted, by what they depend on."""
    latest_pass: str = ""
    """What the case in hand was doing when it was last heard of."""

    def with_taken(self, task: CaseTask) -> CaseTask:
        """A task that knows the quality records which it shares or compares with."""
        if task.utterances is None:
            return task
        baseline = task.quality_key(task.baseline) if task.baseline is not None else None
        return replace(
            task,
            taken=self.taken.get(task.quality_key() or ""),
            baseline_taken=self.taken.get(baseline or ""),
        )

    def take(self, task: CaseTask, result: Result) -> None:
        """Keeps the quality of a case for those that share it.

        Where the pass ended its process, being too large or too slow, it would end theirs too:
        they get the reason.
        """
        key = task.quality_key()
        if key is None or task.taken is not None or result.weights == "random":
            return
        if result.quality is not None and result.quality_key == key:
            texts = tuple((one.clip_id, one.hypothesis) for one in result.transcripts)
            self.taken[key] = TakenQuality(result.quality, texts)
        elif result.state != "ok" and self.latest_pass == "quality":
            self.taken[key] = lost_in_pass(task.case.title, result.reason)

    def add(self, task: CaseTask, result: Result) -> None:
        if result.peaks:
            self.calibrated.add((task.case.device, task.case.threads))
        if result.state == "ok":
            self.ok += 1
            return
        self.failed += 1
        if result.state == "refused" and result.reason is not None:
            self.refusals[self._subject(task)] = result.reason

    def known_refusal(self, task: CaseTask) -> Result | None:
        """The row of a case whose model could not be had a moment ago."""
        reason = self.refusals.get(self._subject(task))
        if reason is None:
            return None
        return task.outcome("refused", reason, started_at=utc_now(), wall_s=0.0)

    @staticmethod
    def _subject(task: CaseTask) -> tuple[str, ...]:
        case = task.case
        return (
            case.model.name,
            str(case.model.weights),
            str(case.model.revision),
            str(case.model.engine),
            str(case.model.language),
            case.device,
            case.variant.name,
            str(case.threads),
        )
