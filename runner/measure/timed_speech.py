"""What the timed clips hold, and whether as many words came out of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from statistics import median

from runner.clips.clip import Clip, ClipSet
from runner.config import ENGLISH
from runner.engines.repetition import compression_ratio, loops
from runner.measure.latency import Cycle, Timed, grouped
from runner.measure.quality import words_of
from store.word_records import TimedSpeech

STOPPED_EARLY = 0.1
"""Share of the words that may be missing: beyond it a latency is of less work than it seems."""


@dataclass(frozen=True)
class _Transcribed:
    """One clip of the cycle with the text that came out."""

    clip: Clip
    hypothesis: str
    loops: bool
    batch: int


def timed_speech(cycle: Cycle, clips: ClipSet) -> TimedSpeech:
    """How the clips of a cycle were made, and what of the data is in no clip of their length.

    Args:
        cycle: The timed batches.
        clips: The set that its clips come from.
    """
    omitted = clips.omitted
    timed = list({clip.id: clip for clip in chain.from_iterable(cycle.batches)}.values())
    origins = Counter(clip.origin for clip in timed)
    return TimedSpeech(
        mode="packed" if clips.kind == "packed" else "continuous",
        of_recording=origins["recording"],
        of_speaker=origins["speaker"],
        of_utterance=origins["utterance"],
        of_any=origins["any"],
        speech_share=sum(clip.speech_seconds for clip in timed)
        / sum(clip.seconds for clip in timed),
        utterances=clips.utterances + omitted.too_long,
        words=clips.words + omitted.too_long_words,
        left_out=omitted.too_long,
        left_out_words=omitted.too_long_words,
    )


def with_words(
    speech: TimedSpeech, cycle: Cycle, timed: Timed, normaliser: str = ENGLISH
) -> TimedSpeech:
    """The words of the cycle's clips beside those that came out in the loop's last round.

    Words are counted after normalisation, each clip once. What is missing is summed over clips, so
    that a clip which repeats itself does not make up for one that ended early.

    Args:
        speech: How the clips were made.
        cycle: The timed batches.
        timed: The loop over them, of a model that recognises speech.
        normaliser: One of `runner.measure.normalisers`.
    """
    transcribed = _transcribed(cycle, timed)
    known = {one.clip.id: one for one in transcribed}.values()
    reference = [words_of(one.clip.reference, normaliser) for one in known]
    hypothesis = [words_of(one.hypothesis, normaliser) for one in known]
    missing = sum(max(0, there - out) for there, out in zip(reference, hypothesis, strict=True))
    return replace(
        speech,
        reference_words=sum(reference),
        hypothesis_words=sum(hypothesis),
        missing_words=missing,
        loops=sum(one.loops for one in known),
        loops_time_share=_time_share({one.batch for one in transcribed if one.loops}, timed),
        stopped_early=_stopped_early(missing, sum(reference), timed),
    )


def _stopped_early(missing: int, reference: int, timed: Timed) -> bool | None:
    """None where no word is in the clips, or the work does not depend on what comes out."""
    decodes = any(outcome.tokens is not None for outcome in timed.transcriptions)
    return missing >= STOPPED_EARLY * reference if reference and decodes else None


def _transcribed(cycle: Cycle, timed: Timed) -> list[_Transcribed]:
    found = []
    for number, (batch, outcome) in enumerate(
        zip(cycle.batches, timed.transcriptions, strict=True)
    ):
        limits: Sequence[bool | None] = outcome.at_limit or [None] * len(batch)
        for clip, text, at_limit in zip(batch, outcome.texts, limits, strict=True):
            found.append(_Transcribed(clip, text, loops(at_limit, compression_ratio(text)), number))
    return found


def _time_share(batches: set[int], timed: Timed) -> float:
    """Share of a round's time that some of its batches take."""
    seconds = [median(values) for values in grouped(timed.samples)]
    return sum(seconds[batch] for batch in batches) / sum(seconds)
