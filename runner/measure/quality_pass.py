"""The quality of a case: taken by the first of those that share it, at one batch size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property

from runner.clips import ClipSet, load_clips
from runner.config import Variant
from runner.engines.base import Engine, Unmeasurable
from runner.measure.latency import Clock
from runner.measure.quality import Transcribed, score, unscored
from runner.measure.same_text import compare_texts
from runner.measure.seams import seam_figures
from runner.measure.utterances import beyond_window, transcribe_utterances
from runner.task import CaseTask
from store.records import Result, Scalar
from store.word_records import Coverage, Quality


class QualityPass:
    """What is known of the words of one case's model, and what it takes to know it."""

    def __init__(
        self, task: CaseTask, *, clock: Clock, progress: Callable[[str, float], None]
    ) -> None:
        """Prepares the pass of one case.

        Args:
            task: The case, with its utterances and what earlier cases have taken.
            clock: Monotonic seconds.
            progress: Told what is being done and which share of it (0 to 1) is over.
        """
        self.task = task
        self._clock = clock
        self._progress = progress
        self._quality: Quality | None = None
        self.texts: dict[str, str] = dict(task.taken.texts) if task.taken is not None else {}
        """Hypotheses by utterance, once there are any."""

    def run(self, engine: Engine, result: Result) -> Result:
        """The result with its quality: an earlier case's, or that of a pass of its own."""
        key = self.task.quality_key()
        if result.weights == "random":
            return replace(result, quality=unscored((), reason="random weights")[0])
        if self.task.taken is not None:
            self._quality = self.task.taken.quality
            return replace(result, quality=self._quality, quality_key=key)
        batch_size = _batch_size(self.task.batch_size, self.task.case.variant)
        transcribed = self._transcribe(engine, batch_size, "quality")
        self._quality, transcripts = score(
            transcribed,
            seed=self.task.seed,
            normaliser=self.task.normaliser,
            batch_size=batch_size,
            beyond_window=beyond_window(engine, self._utterances.clips),
            coverage=coverage_of(self._utterances),
        )
        self.texts = {one.clip_id: one.hypothesis for one in transcribed}
        seams = seam_figures(transcribed, self.task.normaliser)
        return replace(
            result,
            quality=self._quality,
            quality_key=key,
            transcripts=transcripts,
            figures=(*result.figures, *seams),
        )

    def at_batch_size(self, engine: Engine) -> tuple[Scalar, ...]:
        """How many texts change where utterances are padded to the case's own batch size.

        Raises:
            Unmeasurable: there is no quality to compare with, or it is of this batch size.
        """
        quality, batch_size = self._quality, self.task.batch_size
        if quality is None or not self.texts:
            raise Unmeasurable("there is no quality pass to compare with: measure quality too")
        batch_size = _batch_size(batch_size, self.task.case.variant)
        if quality.batch_size == batch_size:
            return ()
        transcribed = self._transcribe(engine, batch_size, "quality at the batch size")
        again, _ = score(transcribed, seed=self.task.seed, normaliser=self.task.normaliser)
        same = compare_texts({one.clip_id: one.hypothesis for one in transcribed}, self.texts)
        note = f"utterances of {same.utterances} whose text is another in batches of {batch_size} "
        figures = (
            Scalar(
                name="quality_batch_differing",
                value=float(same.utterances - same.same),
                note=f"{note}than in batches of {quality.batch_size}",
            ),
        )
        if again.wer is None:
            return figures
        of = f"of the same utterances in batches of {batch_size}"
        return (*figures, Scalar(name="quality_batch_wer", value=again.wer, note=of))

    def baseline_texts(self, engine: Engine, baseline: Variant) -> dict[str, str]:
        """The baseline's hypotheses of the utterances, at the batch size of the case's own.

        Args:
            engine: The baseline, loaded; it transcribes them where no case of it has.
            baseline: What it is.
        """
        taken, quality = self.task.baseline_taken, self._quality
        ours = quality.batch_size if quality is not None else None
        if taken is not None and taken.texts and taken.quality.batch_size == ours:
            return dict(taken.texts)
        batch_size = _batch_size(ours or self.task.batch_size, baseline)
        transcribed = self._transcribe(engine, batch_size, "baseline's texts")
        return {one.clip_id: one.hypothesis for one in transcribed}

    @cached_property
    def _utterances(self) -> ClipSet:
        if self.task.utterances is None:
            raise Unmeasurable("no utterances were prepared")
        return load_clips(self.task.utterances.path)

    def _transcribe(self, engine: Engine, batch_size: int, what: str) -> tuple[Transcribed, ...]:
        return transcribe_utterances(
            engine,
            self._utterances.clips,
            batch_size,
            clock=self._clock,
            progress=lambda share: self._progress(what, share),
        )


def coverage_of(utterances: ClipSet) -> Coverage:
    """What the data holds beside the utterances of a set."""
    omitted = utterances.omitted
    left_out_words = omitted.too_long_words + omitted.not_chosen_words
    return Coverage(
        utterances=utterances.utterances + omitted.too_long + omitted.not_chosen,
        words=utterances.words + left_out_words,
        too_long=omitted.too_long,
        not_chosen=omitted.not_chosen,
        unscored_words=left_out_words,
        rows_without_words=omitted.no_words,
        rows_unreadable=len(omitted.unreadable),
    )


def _batch_size(batch_size: int, variant: Variant) -> int:
    """One where a variant streams: the chunks of a batch are of one length."""
    return 1 if variant.chunk_seconds is not None else batch_size
