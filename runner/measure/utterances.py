"""The quality pass: every utterance transcribed once, as an input of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from runner.clips.batches import longest_first
from runner.clips.clip import Clip
from runner.engines.base import Engine
from runner.measure.latency import Clock, time_once
from runner.measure.quality import Transcribed

LONG_S = 60.0
"""An utterance longer than this is a batch of its own: beside it the others would be padding."""


def transcribe_utterances(
    engine: Engine,
    utterances: Sequence[Clip],
    batch_size: int,
    *,
    clock: Clock,
    progress: Callable[[float], None],
) -> tuple[Transcribed, ...]:
    """Transcribes utterances in batches of neighbours in length, the longest first.

    Args:
        engine: A loaded engine.
        utterances: Each at its natural length.
        batch_size: Most utterances in a batch.
        clock: Monotonic seconds.
        progress: Told the share of the audio that is over, 0 to 1.

    Returns:
        What was transcribed of each, in the order of ``utterances``. An utterance's seconds are its
        share of its batch: the batch's time by the utterances in it.
    """
    total = sum(len(utterance.sound) for utterance in utterances)
    over = 0
    transcribed: dict[str, Transcribed] = {}
    for batch in _batches(longest_first(utterances), batch_size):
        seconds, outcome = time_once(engine, [one.audio for one in batch], clock)
        limits: Sequence[bool | None] = outcome.at_limit or [None] * len(batch)
        seams: Sequence[tuple[int, ...] | None] = outcome.seams or [None] * len(batch)
        for one, text, at_limit, of in zip(batch, outcome.texts, limits, seams, strict=True):
            transcribed[one.id] = Transcribed(
                clip_id=one.id,
                reference=one.reference,
                hypothesis=text,
                audio_seconds=one.speech_seconds,
                speaker=one.speaker,
                recording=one.recording,
                at_limit=at_limit,
                seconds=seconds / len(batch),
                seams=of,
            )
            over += len(one.sound)
        progress(over / total)
    return tuple(transcribed[one.id] for one in utterances)


def beyond_window(engine: Engine, utterances: Sequence[Clip]) -> int:
    """Utterances longer than what the model takes at a time: they are cut into windows."""
    if engine.window_s is None:
        return 0
    return sum(one.seconds > engine.window_s for one in utterances)


def _batches(utterances: Sequence[Clip], batch_size: int) -> Iterator[Sequence[Clip]]:
    start = 0
    while start < len(utterances):
        size = 1 if utterances[start].seconds > LONG_S else batch_size
        yield utterances[start : start + size]
        start += size
