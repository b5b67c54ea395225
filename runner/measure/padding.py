"""Padding: how much of what the model is handed, over a cycle of batches, is no speech.

Clips of different lengths are padded to the longest of their batch, so sorting them by length
before they are cut into batches saves work. What a model really gets is measured: a Whisper is
handed windows of one length whatever the clips are like, and there sorting can only save decoder
passes, which go on until the last row of a batch has ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from runner.config import Variant
from runner.engines.base import Engine, Transcription
from runner.errors import NoEffect
from runner.measure.latency import Cycle
from store.records import Proof, Scalar


@dataclass(frozen=True)
class Padding:
    """What a cycle of batches came to."""

    speech_samples: int
    """Of the clips."""
    input_samples: int | None
    """That the encoder was handed."""
    decoder_passes: int | None
    """None where there is no decoder that gives each row a token a pass."""
    idle_share: float | None
    """Of these passes' rows, those that had ended already."""

    @property
    def share(self) -> float | None:
        """Padding by what the encoder was handed."""
        if not self.input_samples:
            return None
        # Mel frames overlap the end of a clip by a fraction of one.
        return max(0.0, 1 - self.speech_samples / self.input_samples)


def measure_padding(engine: Engine, cycle: Cycle) -> Padding:
    """Runs every batch of a cycle once."""
    transcribed = [engine.transcribe(batch) for batch in cycle.waveforms]
    inputs = [outcome.input_samples for outcome in transcribed]
    known = [samples for samples in inputs if samples is not None]
    passes = [outcome.decoder_calls for outcome in transcribed if outcome.decoder_calls is not None]
    has_rows = engine.token_each_pass and len(passes) == len(transcribed)
    return Padding(
        speech_samples=sum(len(clip.sound) for clip in chain.from_iterable(cycle.batches)),
        input_samples=sum(known) if len(known) == len(transcribed) else None,
        decoder_passes=sum(passes) if has_rows else None,
        idle_share=_idle(transcribed) if has_rows else None,
    )


def _idle(transcribed: Sequence[Transcription]) -> float | None:
    """None where rows are not decoded together."""
    if any(outcome.prefills != 1 for outcome in transcribed):
        return None
    tokens = sum(outcome.tokens or 0 for outcome in transcribed)
    rows = sum((outcome.windows or 0) * (outcome.decoder_calls or 0) for outcome in transcribed)
    return max(0.0, 1 - tokens / rows) if rows else None


def prove_batching(
    engine: Engine, variant: Variant, cycle: Cycle, as_they_come: Cycle
) -> tuple[Proof, tuple[Scalar, ...]]:
    """Shows what a variant's batching does to the padding, or that there is none to speak of.

    Args:
        engine: After its first inference.
        variant: It has ``batching``.
        cycle: The variant's batches.
        as_they_come: The same clips, not sorted.

    Raises:
        NoEffect: ``sorted``, and the model is handed just what it would be in any order.
    """
    found = measure_padding(engine, cycle)
    figures = _figures(found)
    if variant.batching != "sorted":
        return Proof(technique="batching", requested="mixed", found=_words(found, cycle)), figures
    before = measure_padding(engine, as_they_come)
    less_padding = (found.input_samples or 0) < (before.input_samples or 0)
    fewer_passes = (found.decoder_passes or 0) < (before.decoder_passes or 0)
    if not (less_padding or fewer_passes):
        raise NoEffect(
            f"variant {variant.name}: batching sorted did not take effect: "
            f"{_why_nothing(cycle)} ({_words(found, cycle)})"
        )
    words = f"{_words(before, cycle)} as they come; {_words(found, cycle)} sorted"
    if not less_padding:
        words += "; the encoder is handed windows of one length in any order"
    if before.share is not None:
        note = "of the same clips, batched as they come"
        figures += (Scalar(name="unsorted_padding_share", value=before.share, note=note),)
    return Proof(technique="batching", requested="sorted", found=words), figures


def _figures(found: Padding) -> tuple[Scalar, ...]:
    figures = []
    if found.share is not None:
        figures.append(
            Scalar(
                name="padding_share",
                value=found.share,
                note="of the audio that the encoder was handed, over a cycle of batches",
            )
        )
    if found.idle_share is not None:
        figures.append(
            Scalar(
                name="idle_decoder_share",
                value=found.idle_share,
                note="of the rows of all decoder passes, those whose text had ended",
            )
        )
    return tuple(figures)


def _why_nothing(cycle: Cycle) -> str:
    if cycle.batch_size == 1:
        return "a batch of one clip has no padding to save"
    if len(cycle.batches) == 1:
        return "there is one batch: raise limits.cycle_batches, give more speech or a smaller batch"
    return "the model is handed the same in any order"


def _words(found: Padding, cycle: Cycle) -> str:
    count = len(cycle.batches)
    words = "no padding known" if found.share is None else f"{found.share:.1%} padding"
    if found.decoder_passes is not None:
        words += f" and {found.decoder_passes} decoder passes"
    return f"{words} in {count} batch{'es' if count > 1 else ''}"
