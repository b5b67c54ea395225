"""What a pass is given of the case in hand, and what it gives back."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

from runner.clips import SAMPLE_RATE, ClipSet
from runner.config import Limits
from runner.engines.base import Engine
from runner.measure.cycle import make_cycle
from runner.measure.latency import Clock, Cycle, Progress, Timed
from runner.measure.memory import PeakMemory
from runner.measure.quality_pass import QualityPass
from runner.task import CaseTask, Message, Remark
from store.records import Latency, Result

Loop = Callable[[float], Timed]
"""The timed loop of a case, which lasts that many seconds at least."""


@dataclass
class Context:
    """The case in hand."""

    task: CaseTask
    engine: Engine
    """Loaded and warm."""
    send: Callable[[Message], None]
    """Tells the parent process."""
    progress: Progress
    """Told what is being done and which share of it (0 to 1) is over."""
    memory: PeakMemory
    quality: QualityPass
    """What is known of the words of the case's model."""
    began_s: float
    """When the case began, monotonic seconds."""
    clips: ClipSet
    """The clips to time."""
    clock: Clock = time.perf_counter
    decoder_calls: float | None = None
    """Decoder passes a batch, mean over the cycle; None where there is no decoder."""
    windows: float | None = None
    """Encoder windows a batch, mean over the cycle."""

    @property
    def limits(self) -> Limits:
        """Those of the benchmark."""
        return self.task.limits

    @cached_property
    def cycle(self) -> Cycle:
        """The batches that are timed, over and over."""
        return self._make_cycle(by_length=self.by_length)

    @property
    def as_they_come(self) -> Cycle:
        """The clips of the cycle in their own order."""
        return self._make_cycle(by_length=False)

    @property
    def by_length(self) -> bool:
        """Whether the variant sorts clips by length before they are put into batches."""
        return self.task.case.variant.batching == "sorted"

    @property
    def samples(self) -> int:
        """Samples of a clip of full length at 16 kHz."""
        return round(self.task.case.audio_seconds * SAMPLE_RATE)

    def affordable(self, iterations: int, latency: Latency | None) -> int:
        """The number of iterations that fit the time the latency loop may take, one at least.

        Args:
            iterations: As many as are wanted.
            latency: That of the case, where it is known.
        """
        if latency is None:
            return iterations
        return max(1, min(iterations, int(self.limits.longest_loop_s / latency.median_s)))

    def remark(self, text: str) -> None:
        """Says something that a reader of the figures should know."""
        self.send(Remark(text))

    def _make_cycle(self, *, by_length: bool) -> Cycle:
        most = self.limits.cycle_batches
        return make_cycle(self.clips, self.task.batch_size, most, by_length=by_length)


class Pass(ABC):
    """Takes one measure of a case whose engine is warm; its latency is known, if asked for."""

    reason_field: ClassVar[str | None] = None
    """The field of a result that says why its records are missing, where there is one."""

    @abstractmethod
    def run(self, context: Context, result: Result) -> Result:
        """The result with the records of this measure.

        Raises:
            Unmeasurable: this case cannot have them; the reason is stored in their place.
        """

    def missing(self, result: Result, reason: str) -> Result:
        """A result that says why the records of this measure are missing."""
        reasons: dict[str, Any] = {} if self.reason_field is None else {self.reason_field: reason}
        return replace(result, **reasons)

    def around_loop(self, context: Context, loop: Loop, least_s: float) -> Timed:
        """Runs the timed loop; for a measure that the loop gives too, if it is marked at its ends.

        Args:
            context: The case in hand.
            loop: The loop.
            least_s: Seconds that it must last.
        """
        return loop(least_s)

    def silent(self, context: Context) -> bool:
        """Whether it has nothing to do but to look something up, so that no progress is told."""
        return False
