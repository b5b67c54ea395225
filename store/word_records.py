"""The records of words: those of the timed clips, of every utterance, and the rates over them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ClipsMode = Literal["continuous", "packed"]
QualityOf = Literal["utterances", "packed clips"]
Headline = Literal["WER", "CER"]
"""Which rate speaks for a language: of one written without spaces the CER."""


@dataclass(frozen=True, kw_only=True)
class TimedSpeech:
    """What the timed clips are made of, and the words that came out of them.

    Of the distinct clips in the batch cycle. Words are counted after normalisation.
    """

    mode: ClipsMode
    """``continuous``: no clip joins speech of different speakers; ``packed``: any does."""
    of_recording: int | None
    """Clips of consecutive utterances of one recording. None where an older asrprof made them."""
    of_speaker: int | None
    """Clips of several utterances of one speaker, from more than one place."""
    of_utterance: int | None
    """Clips of one utterance."""
    of_any: int | None
    """Clips of several utterances of anyone: packed."""
    speech_share: float | None
    """Utterances and what lies between them by all audio of the clips, padding included."""
    reference_words: int | None = None
    """Words that are in them; None where nothing can be recognised (random weights)."""
    hypothesis_words: int | None = None
    """Words that came out."""
    missing_words: int | None = None
    """Sum over the clips of how many words fewer came out than are in it; never negative."""
    loops: int | None = None
    """Clips whose text ran into the length limit or repeats itself."""
    loops_time_share: float | None = None
    """Share of the cycle's time that batches with such a clip took, 0 to 1."""
    utterances: int | None = None
    """Utterances of the data with words in them, those that are too long for a clip too."""
    words: int | None = None
    """Their words, as they are written."""
    left_out: int | None = None
    """Those of them that are longer than a clip, and in none."""
    left_out_words: int | None = None
    """Their words."""
    stopped_early: bool | None = None
    """Whether a tenth of the words or more are missing: the latency is of less work. None where the
    work does not depend on the words: a CTC model goes through all of the audio in any case."""


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """What the data holds beside what is in an error rate."""

    utterances: int
    """Utterances of the data with words in them, scored or not."""
    words: int
    """Their words, as they are written."""
    too_long: int
    """Those of them that are longer than ``limits.quality_longest_seconds``."""
    not_chosen: int
    """Those beyond ``limits.quality_utterances``."""
    unscored_words: int
    """Words of the two."""
    rows_without_words: int
    """Rows with nothing to score: tags alone, or marked so."""
    rows_unreadable: int
    """Rows whose audio cannot be read."""

    @property
    def left_out(self) -> int:
        """Utterances and rows that are in no rate."""
        rows = self.rows_without_words + self.rows_unreadable
        return self.too_long + self.not_chosen + rows


class Covered:
    """What says, beside an error rate, what of the data is not in it."""

    data_utterances: int | None
    data_words: int | None
    too_long: int | None
    not_chosen: int | None
    unscored_words: int | None
    rows_without_words: int | None
    rows_unreadable: int | None

    @property
    def coverage(self) -> Coverage | None:
        """The counts; None where nobody counted."""
        if self.data_utterances is None:
            return None
        return Coverage(
            utterances=self.data_utterances,
            words=self.data_words or 0,
            too_long=self.too_long or 0,
            not_chosen=self.not_chosen or 0,
            unscored_words=self.unscored_words or 0,
            rows_without_words=self.rows_without_words or 0,
            rows_unreadable=self.rows_unreadable or 0,
        )


class WordCounts:
    """Errors and words of what was compared word by word."""

    substitutions: int | None
    deletions: int | None
    insertions: int | None
    hits: int | None

    @property
    def errors(self) -> int | None:
        """Word errors; None where nothing was scored."""
        if self.hits is None:
            return None
        return (self.substitutions or 0) + (self.deletions or 0) + (self.insertions or 0)

    @property
    def words(self) -> int | None:
        """Words of the reference; None where nothing was scored."""
        if self.hits is None:
            return None
        return self.hits + (self.substitutions or 0) + (self.deletions or 0)


@dataclass(frozen=True, kw_only=True)
class Transcript(WordCounts):
    """One utterance: raw reference and hypothesis, and its word counts under the normaliser.

    In stores of schema 9 and before: one packed clip.
    """

    clip_id: str
    """Id of the utterance, or of the packed clip."""
    audio_seconds: float
    """Real seconds of audio, padding not."""
    reference: str
    hypothesis: str
    substitutions: int | None
    deletions: int | None
    insertions: int | None
    hits: int | None
    speaker: str | None = None
    """None where the source does not say."""
    recording: str | None = None
    """None where the source does not say."""
    at_limit: bool | None = None
    """Whether the decoder ended at its length limit; None where there is no such limit."""
    compression_ratio: float | None = None
    """Bytes of the hypothesis by bytes of it compressed, of its most repetitive part."""
    seconds: float | None = None
    """Its share of the time of the batch that it was transcribed in."""


@dataclass(frozen=True, kw_only=True)
class Quality(WordCounts, Covered):
    """Word and character error rates over whole references. None with a reason where unjudged.

    One record serves every row of a job with the same model, revision, weights, engine, variant,
    device and speech: the words of an utterance do not depend on how long the timed clips are.
    """

    of: QualityOf
    """``utterances``: each an input of its own; ``packed clips`` in stores of schema 9 and before:
    utterances of unrelated speakers joined, which costs some models a fifth of their words."""
    scored: int
    """Utterances (or packed clips) in the rates."""
    batch_size: int | None = None
    """Utterances in a batch of the pass."""
    beyond_window: int | None = None
    """Utterances longer than the model's window, which were cut into windows without overlap."""
    wer: float | None
    wer_low: float | None
    wer_high: float | None
    cer: float | None
    cer_low: float | None
    cer_high: float | None
    interval_by: str | None = None
    """What the bootstrap draws: ``speaker``, ``recording``, ``utterance`` or ``packed clip``."""
    clusters: int | None = None
    """How many of them there are."""
    substitutions: int | None
    deletions: int | None
    insertions: int | None
    hits: int | None
    loops: int | None = None
    """Hypotheses that ran into the length limit or repeat themselves."""
    loops_error_share: float | None = None
    """Their share of the word errors, 0 to 1."""
    loops_time_share: float | None = None
    """Their share of the time of the pass, 0 to 1."""
    normaliser: str | None
    normaliser_version: str | None
    reason: str | None
    remark: str | None = None
    """What a reader of the rates should know, in words."""
    headline: Headline | None = None
    """The rate to look at; None in stores of schema 9 and before."""
    data_utterances: int | None = None
    """Of `Coverage`, as all that follows; None where it was not counted."""
    data_words: int | None = None
    too_long: int | None = None
    not_chosen: int | None = None
    unscored_words: int | None = None
    rows_without_words: int | None = None
    rows_unreadable: int | None = None

    @classmethod
    def unjudged(cls, of: QualityOf, reason: str, scored: int = 0) -> Quality:
        """A record without rates.

        Args:
            of: What would have been judged.
            reason: Why there are none.
            scored: How many were transcribed all the same.
        """
        return cls(
            of=of,
            scored=scored,
            wer=None,
            wer_low=None,
            wer_high=None,
            cer=None,
            cer_low=None,
            cer_high=None,
            substitutions=None,
            deletions=None,
            insertions=None,
            hits=None,
            normaliser=None,
            normaliser_version=None,
            reason=reason,
        )
