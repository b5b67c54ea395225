"""The batches of a case, and what happens between them while they are timed."""

from __future__ import annotations

from runner.clips import ClipSet, batches
from runner.measure.conditions import ConditionsProbe
from runner.measure.latency import Cycle, Progress
from runner.measure.memory import PeakMemory


def make_cycle(clips: ClipSet, batch_size: int, most: int, *, by_length: bool = False) -> Cycle:
    """The fixed batches of a case: as many as the clips fill, ``most`` at the most.

    Args:
        clips: Of the case.
        batch_size: Clips in a batch.
        most: Most batches.
        by_length: Sort the clips before they are cut into batches.
    """
    count = min(most, -(-len(clips.clips) // batch_size))
    return Cycle(tuple(batches(clips.clips, batch_size, count, by_length=by_length)))


def between_batches(probe: ConditionsProbe, memory: PeakMemory, progress: Progress) -> Progress:
    """The work between two timed batches, outside both clock reads.

    Args:
        probe: Samples the machine's conditions.
        memory: Polls the memory in use.
        progress: Told of the progress, after the two.
    """

    def step(what: str, share: float) -> None:
        probe.sample()
        memory.poll()
        progress(what, share)

    return step
