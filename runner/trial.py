"""Whether a batch fits into memory: what a case does up to its warm-up, and nothing measured."""

from __future__ import annotations

from collections.abc import Callable

from runner.clips import load_clips
from runner.clips.batches import batches, longest_first, waveforms
from runner.load import load_engine
from runner.task import CaseTask, Message, Progress

WARM_PASSES = 2
"""Passes after the first: libraries choose other kernels, and keep work space, once warm."""


def try_batch(task: CaseTask, send: Callable[[Message], None]) -> None:
    """Loads the engine and runs the batch that needs most.

    Raises:
        MemoryError: it does not fit, where Python notices; elsewhere a framework's error, or the
            end of the process.
    """
    send(Progress(f"trying batch {task.batch_size}", 0.0))
    # Of clips of mixed lengths the longest, which no batch of the case exceeds.
    assert task.clips is not None, "a batch is made of clips"
    clips = longest_first(load_clips(task.clips).clips)
    (batch,) = waveforms(batches(clips, task.batch_size, 1))
    engine = load_engine(task.load_request())
    engine.transcribe(batch)
    engine.verify(batch)
    for _ in range(WARM_PASSES):
        engine.transcribe(batch)
    engine.synchronize()
