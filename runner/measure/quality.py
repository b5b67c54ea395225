"""Word and character error rates over whole references, with their uncertainty.

Both texts go through the same versioned normaliser and are kept raw beside the counts, so that a
run can be scored again under another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import jiwer
import numpy as np

from runner.config import ENGLISH
from runner.engines.repetition import compression_ratio, loops
from runner.measure.normalisers import (
    WHISPER_ENGLISH,
    normalise,
    normaliser_version,
    odd,
    unfit,
)
from runner.measure.scripts import without_spaces
from stats.clusters import bound_of_none, cluster_interval
from stats.intervals import FEWEST_CLUSTERS
from store.clusters import Clusters, clusters_of
from store.word_records import Coverage, Headline, Quality, QualityOf, Transcript

ARTEFACT_SHARE = 0.1
"""Where numbers in two forms make more of the word errors than this, a remark says so."""


@dataclass(frozen=True, kw_only=True)
class Transcribed:
    """What was said in one utterance, and what a model made of it."""

    clip_id: str
    """Id of the utterance."""
    reference: str
    """Raw, as the source has it."""
    hypothesis: str
    """Raw, as the model has it; an empty one is all deletions."""
    audio_seconds: float
    """Real seconds of audio, padding not."""
    speaker: str | None = None
    """None where the source does not say."""
    recording: str | None = None
    """None where the source does not say."""
    at_limit: bool | None = None
    """Whether the decoder ended at its length limit; None where there is no such limit."""
    seconds: float | None = None
    """Its share of the time of the batch that it was transcribed in; None where not timed."""
    seams: tuple[int, ...] | None = None
    """How many words of the hypothesis lie before each place where two windows meet; None where
    that is not kept."""


@dataclass(frozen=True)
class _Counts:
    """Errors of one utterance after normalisation."""

    substitutions: int
    deletions: int
    insertions: int
    hits: int
    character_errors: int
    characters: int
    """Characters of the reference."""

    @property
    def errors(self) -> int:
        return self.substitutions + self.deletions + self.insertions

    @property
    def words(self) -> int:
        """Words of the reference."""
        return self.substitutions + self.deletions + self.hits


@dataclass(frozen=True)
class _Scored:
    """An utterance that is in the rates."""

    transcript: Transcript
    counts: _Counts


def score(
    transcribed: Sequence[Transcribed],
    *,
    seed: int,
    normaliser: str = ENGLISH,
    of: QualityOf = "utterances",
    batch_size: int | None = None,
    beyond_window: int | None = None,
    coverage: Coverage | None = None,
) -> tuple[Quality, tuple[Transcript, ...]]:
    """Score one hypothesis an utterance.

    WER is the sum of word errors over the sum of reference words (and CER likewise for
    characters), never a mean over utterances; both may exceed 1. Spaces are characters, except in
    languages that are written without them, whose headline is the CER. The 95 %
    interval is the expanded percentile bootstrap over clusters (`stats.clusters`);
    `store.clusters` says which.

    Args:
        transcribed: The utterances with their hypotheses.
        seed: Seed of the bootstrap.
        normaliser: One of `runner.measure.normalisers`.
        of: What was transcribed.
        batch_size: Utterances in a batch of the pass.
        beyond_window: Utterances longer than the model's window.
        coverage: What of the data was not transcribed; None where that is not known.

    Returns:
        The figures over all utterances, and the texts of each with its counts. One whose reference
        normalises to no word is in neither sum: its counts are None and the reason says so. No
        rates, with the reason, where the normaliser is unfit for the references.

    Source: Bisani and Ney (2004), Bootstrap estimates for confidence intervals in ASR performance
    evaluation, ICASSP; over clusters: see `stats.clusters`.
    """
    references = [one.reference for one in transcribed]
    if reason := unfit(references, normaliser):
        quality, transcripts = unscored(
            transcribed, reason=reason, of=of, batch_size=batch_size, beyond_window=beyond_window
        )
        return covered(quality, coverage), transcripts
    headline: Headline = "CER" if without_spaces(references) else "WER"
    counts = [
        _count(
            normalise(one.reference, normaliser),
            normalise(one.hypothesis, normaliser),
            headline == "WER",
        )
        for one in transcribed
    ]
    transcripts = tuple(
        _transcript(one, count) for one, count in zip(transcribed, counts, strict=True)
    )
    scored = [
        _Scored(transcript, count)
        for transcript, count in zip(transcripts, counts, strict=True)
        if count is not None
    ]
    noun = "packed clip" if of == "packed clips" else "utterance"
    clusters = clusters_of([one.transcript for one in scored], itself=noun)
    reason = _reason(len(counts), len(scored), noun)
    if not scored:
        judged = _unscored_quality(0, reason or "", of, batch_size, beyond_window)
        return covered(judged, coverage), transcripts
    wer, wer_low, wer_high = _rate(
        [(one.counts.errors, one.counts.words) for one in scored], clusters, seed
    )
    cer, cer_low, cer_high = _rate(
        [(one.counts.character_errors, one.counts.characters) for one in scored], clusters, seed
    )
    looping = _Looping.of(transcripts)
    remarks = (
        clusters.remark if clusters.enough else None,
        _artefact(scored) if normaliser == WHISPER_ENGLISH else None,
        odd(references, normaliser),
    )
    quality = Quality(
        of=of,
        scored=len(scored),
        batch_size=batch_size,
        beyond_window=beyond_window,
        wer=wer,
        wer_low=wer_low,
        wer_high=wer_high,
        cer=cer,
        cer_low=cer_low,
        cer_high=cer_high,
        interval_by=clusters.by if clusters.enough else None,
        clusters=clusters.count if clusters.enough else None,
        substitutions=sum(one.counts.substitutions for one in scored),
        deletions=sum(one.counts.deletions for one in scored),
        insertions=sum(one.counts.insertions for one in scored),
        hits=sum(one.counts.hits for one in scored),
        loops=looping.count,
        loops_error_share=looping.error_share,
        loops_time_share=looping.time_share,
        normaliser=normaliser,
        normaliser_version=normaliser_version(normaliser),
        reason=reason,
        remark="; ".join(remark for remark in remarks if remark) or None,
        headline=headline,
    )
    return covered(quality, coverage), transcripts


def covered(quality: Quality, coverage: Coverage | None) -> Quality:
    """The record with what of the data is not in its rates."""
    if coverage is None:
        return quality
    remarks = filter(None, (not_scored(coverage), quality.remark))
    return replace(
        quality,
        remark="; ".join(remarks) or None,
        data_utterances=coverage.utterances,
        data_words=coverage.words,
        too_long=coverage.too_long,
        not_chosen=coverage.not_chosen,
        unscored_words=coverage.unscored_words,
        rows_without_words=coverage.rows_without_words,
        rows_unreadable=coverage.rows_unreadable,
    )


def not_scored(coverage: Coverage) -> str | None:
    """What of the data is in no error rate, in words; None where all of it is."""
    parts = []
    left_out = coverage.too_long + coverage.not_chosen
    if left_out:
        why = (
            (coverage.not_chosen, "beyond limits.quality_utterances"),
            (coverage.too_long, "longer than limits.quality_longest_seconds"),
        )
        reasons = ", ".join(f"{count:,} {words}" for count, words in why if count)
        parts.append(
            f"of {coverage.utterances - left_out:,} of {coverage.utterances:,} utterances "
            f"({coverage.words - coverage.unscored_words:,} of {coverage.words:,} words): {reasons}"
        )
    if coverage.rows_without_words:
        parts.append(f"rows without words to score: {coverage.rows_without_words:,}")
    if coverage.rows_unreadable:
        parts.append(f"rows that cannot be read: {coverage.rows_unreadable:,}")
    return "; ".join(parts) or None


def unscored(
    transcribed: Sequence[Transcribed],
    *,
    reason: str = "random weights",
    of: QualityOf = "utterances",
    batch_size: int | None = None,
    beyond_window: int | None = None,
) -> tuple[Quality, tuple[Transcript, ...]]:
    """Keep the transcripts without judging them.

    Args:
        transcribed: The utterances with their hypotheses; none where nothing was transcribed.
        reason: Why there are no error rates.
        of: What was transcribed.
        batch_size: Utterances in a batch of the pass.
        beyond_window: Utterances longer than the model's window.
    """
    transcripts = tuple(_transcript(one, None) for one in transcribed)
    quality = _unscored_quality(len(transcripts), reason, of, batch_size, beyond_window)
    return quality, transcripts


def words_of(text: str, normaliser: str = ENGLISH) -> int:
    """How many words a text has as it is compared, that is after normalisation."""
    return len(normalise(text, normaliser).split())


@lru_cache(maxsize=2**12)
def _count(reference: str, hypothesis: str, spaces: bool = True) -> _Counts | None:
    """Counts for normalised texts; None where the reference holds no letter or digit.

    Args:
        reference: What was said.
        hypothesis: What came out.
        spaces: Whether spaces are characters.
    """
    if not any(character.isalnum() for character in reference):
        return None
    words = jiwer.process_words(reference, hypothesis)
    if not spaces:
        reference, hypothesis = ("".join(text.split()) for text in (reference, hypothesis))
    characters = jiwer.process_characters(reference, hypothesis)
    return _Counts(
        substitutions=words.substitutions,
        deletions=words.deletions,
        insertions=words.insertions,
        hits=words.hits,
        character_errors=characters.substitutions + characters.deletions + characters.insertions,
        characters=characters.substitutions + characters.deletions + characters.hits,
    )


def _rate(
    pairs: Sequence[tuple[int, int]], clusters: Clusters, seed: int
) -> tuple[float, float | None, float | None]:
    """A rate over (errors, total) of each utterance, and the ends of its 95 % interval.

    None where there are too few clusters. Without an error the upper end is the share of speakers,
    recordings or utterances that might have one, each word of it wrong.
    """
    counts = np.array(pairs, dtype=np.float64)
    errors, total = counts.sum(axis=0)
    rate = float(errors / total)
    if not clusters.enough:
        return rate, None, None
    if not errors:
        # Nothing but zeros can be drawn: that is no proof that there is nothing else.
        return rate, 0.0, bound_of_none(clusters.count)
    found = cluster_interval(
        counts, clusters.numbers, lambda sums: sums[:, 0] / sums[:, 1], seed=seed
    )
    return rate, max(0.0, found.low), found.high


@dataclass(frozen=True)
class _Looping:
    """What hypotheses that loop make of the whole."""

    count: int
    error_share: float | None
    """Of the word errors; None where there are none."""
    time_share: float | None
    """Of the time; None where any was not timed."""

    @classmethod
    def of(cls, transcripts: Sequence[Transcript]) -> _Looping:
        looping = [one for one in transcripts if loops(one.at_limit, one.compression_ratio)]
        errors = sum(one.errors or 0 for one in transcripts)
        spent = _seconds(transcripts)
        of_loops = _seconds(looping)
        return cls(
            count=len(looping),
            error_share=sum(one.errors or 0 for one in looping) / errors if errors else None,
            time_share=of_loops / spent if spent and of_loops is not None else None,
        )


def _seconds(transcripts: Sequence[Transcript]) -> float | None:
    """The time that they took; None where any was not timed."""
    total = 0.0
    for transcript in transcripts:
        if transcript.seconds is None:
            return None
        total += transcript.seconds
    return total


def _artefact(scored: Sequence[_Scored]) -> str | None:
    """What Whisper's own normaliser makes of numbers in two forms, where that is much."""
    ours = [
        _count(normalise(one.transcript.reference), normalise(one.transcript.hypothesis))
        for one in scored
    ]
    errors = sum(one.counts.errors for one in scored)
    errors_left = sum(count.errors for count in ours if count is not None)
    words = sum(one.counts.words for one in scored)
    words_left = sum(count.words for count in ours if count is not None)
    if not words_left or errors - errors_left <= ARTEFACT_SHARE * errors:
        return None
    return (
        f"{errors - errors_left} of {errors} word errors are numbers written in two forms: "
        f"WER {100 * errors / words:.1f} % by {WHISPER_ENGLISH}, "
        f"{100 * errors_left / words_left:.1f} % by {ENGLISH}"
    )


def _reason(transcribed: int, scored: int, noun: str) -> str | None:
    if transcribed == 0:
        return f"no {noun}s"
    reasons = []
    if scored < transcribed:
        reasons.append(
            f"{transcribed - scored} of {transcribed} {noun}s not scored: no word in the reference"
        )
    if 0 < scored < FEWEST_CLUSTERS:
        reasons.append(f"no interval: fewer than {FEWEST_CLUSTERS} {noun}s")
    return "; ".join(reasons) or None


def _transcript(transcribed: Transcribed, counts: _Counts | None) -> Transcript:
    return Transcript(
        clip_id=transcribed.clip_id,
        audio_seconds=transcribed.audio_seconds,
        reference=transcribed.reference,
        hypothesis=transcribed.hypothesis,
        substitutions=counts.substitutions if counts else None,
        deletions=counts.deletions if counts else None,
        insertions=counts.insertions if counts else None,
        hits=counts.hits if counts else None,
        speaker=transcribed.speaker,
        recording=transcribed.recording,
        at_limit=transcribed.at_limit,
        compression_ratio=compression_ratio(transcribed.hypothesis),
        seconds=transcribed.seconds,
    )


def _unscored_quality(
    transcribed: int,
    reason: str,
    of: QualityOf,
    batch_size: int | None,
    beyond_window: int | None,
) -> Quality:
    nothing = Quality.unjudged(of, reason, transcribed)
    return replace(nothing, batch_size=batch_size, beyond_window=beyond_window)
