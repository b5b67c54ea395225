"""What a model makes of noise and of silence: the conditions, and the figures of one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import jiwer
import numpy as np

from runner.clips.clip import SAMPLE_RATE, Clip, Waveform
from runner.clips.noise import faint_noise, with_noise
from runner.clips.sound import Held
from runner.config.robustness import DRAWS, SILENCE_S, Robustness
from runner.measure.normalisers import normalise, normaliser_version
from runner.measure.quality import Transcribed, score
from runner.measure.scripts import without_spaces
from stats.clusters import cluster_interval
from store.clusters import clusters_of
from store.noise_records import NoiseCondition, NoiseLevel

_LONGEST_EXAMPLE = 200


@dataclass(frozen=True)
class Condition:
    """How a model listens."""

    kind: NoiseCondition
    noise: str | None = None
    snr_db: float | None = None

    @property
    def title(self) -> str:
        """A few words for people."""
        if self.kind == "noise":
            return f"{self.noise} noise at {self.snr_db:g} dB"
        return f"faint {self.noise} noise" if self.kind == "faint noise" else self.kind

    @property
    def spoken(self) -> bool:
        """Whether there is speech to get right."""
        return self.kind in ("clean", "noise")


def conditions(asked: Robustness, *, wordless: bool) -> tuple[Condition, ...]:
    """All conditions, in the order in which they are heard.

    Args:
        asked: Ratios and kinds of noise.
        wordless: Whether the data has rows without words.
    """
    noisy = (
        Condition("noise", kind, snr)
        for kind in asked.noises
        for snr in sorted(asked.snr_db, reverse=True)
    )
    faint = (Condition("faint noise", kind) for kind in asked.noises)
    rows = (Condition("no words"),) if wordless else ()
    return (Condition("clean"), *noisy, Condition("silence"), *faint, *rows)


def heard(
    condition: Condition, utterances: Sequence[Clip], wordless: Sequence[Clip] = ()
) -> Iterator[Clip]:
    """The inputs of a condition, one after the other.

    Noise is seeded by the utterance's id alone: every model and every run hears the same.

    Args:
        condition: Which one.
        utterances: The data's speech.
        wordless: Its rows without words.
    """
    if condition.kind == "no words":
        yield from wordless
    elif condition.kind == "silence":
        for seconds in SILENCE_S:
            silence = np.zeros(round(seconds * SAMPLE_RATE), dtype=np.float32)
            yield _nobody(silence, f"silence-{seconds:g}s")
    elif condition.kind == "faint noise":
        for seconds in SILENCE_S:
            for draw in range(DRAWS):
                name = f"faint-{condition.noise}-{seconds:g}s-{draw}"
                samples = round(seconds * SAMPLE_RATE)
                yield _nobody(faint_noise(condition.noise or "", samples, name), name)
    else:
        for one in utterances:
            yield one if condition.kind == "clean" else _noisy(one, condition)


def judge(
    condition: Condition,
    transcribed: Sequence[Transcribed],
    *,
    seed: int,
    normaliser: str,
    by_character: bool,
) -> NoiseLevel:
    """The figures of a condition.

    Args:
        condition: Which one.
        transcribed: Its inputs with what was written of them.
        seed: Seed of the bootstrap.
        normaliser: What texts go through, by its whole name.
        by_character: Whether invented characters are counted rather than words.
    """
    if condition.spoken:
        return _rates(condition, transcribed, seed, normaliser)
    return _inventions(condition, transcribed, seed, normaliser, by_character)


def by_character(utterances: Sequence[Clip]) -> bool:
    """Whether the data's language is written without spaces, so that words cannot be counted."""
    return without_spaces([one.reference for one in utterances])


def invented(text: str, normaliser: str, *, by_character: bool) -> int:
    """Words of a text where nothing was said: insertions against an empty reference.

    Args:
        text: What was written.
        normaliser: What it goes through first.
        by_character: Count characters but spaces rather than words.
    """
    written = normalise(text, normaliser)
    if by_character:
        return int(jiwer.process_characters("", "".join(written.split())).insertions)
    return int(jiwer.process_words("", written).insertions)


def _noisy(one: Clip, condition: Condition) -> Clip:
    if condition.noise is None or condition.snr_db is None:
        raise ValueError(f"{condition.title} has no noise to add")
    audio = with_noise(one.audio, condition.noise, condition.snr_db, one.id)
    return Clip(
        id=one.id,
        sound=Held(audio),
        reference=one.reference,
        utterance_ids=one.utterance_ids,
        speech_seconds=one.speech_seconds,
        origin=one.origin,
        speaker=one.speaker,
        recording=one.recording,
    )


def _nobody(audio: Waveform, name: str) -> Clip:
    return Clip(
        id=name,
        sound=Held(audio),
        reference="",
        utterance_ids=(name,),
        speech_seconds=len(audio) / SAMPLE_RATE,
    )


def _rates(
    condition: Condition, transcribed: Sequence[Transcribed], seed: int, normaliser: str
) -> NoiseLevel:
    quality, _ = score(transcribed, seed=seed, normaliser=normaliser)
    return NoiseLevel(
        condition=condition.kind,
        noise=condition.noise,
        snr_db=condition.snr_db,
        clips=len(transcribed),
        audio_s=sum(one.audio_seconds for one in transcribed),
        scored=quality.scored,
        headline=quality.headline,
        normaliser=quality.normaliser,
        normaliser_version=quality.normaliser_version,
        wer=quality.wer,
        wer_low=quality.wer_low,
        wer_high=quality.wer_high,
        cer=quality.cer,
        cer_low=quality.cer_low,
        cer_high=quality.cer_high,
        substitutions=quality.substitutions,
        deletions=quality.deletions,
        insertions=quality.insertions,
        hits=quality.hits,
        invented=None,
        invented_per_minute=None,
        invented_low=None,
        invented_high=None,
        clips_with_text=None,
        example=None,
        interval_by=quality.interval_by,
        reason=quality.reason,
    )


def _inventions(
    condition: Condition,
    transcribed: Sequence[Transcribed],
    seed: int,
    normaliser: str,
    by_character: bool,
) -> NoiseLevel:
    words = [invented(one.hypothesis, normaliser, by_character=by_character) for one in transcribed]
    minutes = [one.audio_seconds / 60 for one in transcribed]
    written = Counter(
        " ".join(one.hypothesis.split())
        for one, count in zip(transcribed, words, strict=True)
        if count
    )
    low, high, by, reason = _interval(condition, transcribed, words, minutes, seed)
    return NoiseLevel(
        condition=condition.kind,
        noise=condition.noise,
        snr_db=None,
        clips=len(transcribed),
        audio_s=60 * sum(minutes),
        scored=0,
        headline="CER" if by_character else "WER",
        normaliser=normaliser,
        normaliser_version=normaliser_version(normaliser),
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
        invented=sum(words),
        invented_per_minute=sum(words) / sum(minutes),
        invented_low=low,
        invented_high=high,
        clips_with_text=sum(count > 0 for count in words),
        example=written.most_common(1)[0][0][:_LONGEST_EXAMPLE] if written else None,
        interval_by=by,
        reason=reason,
    )


def _interval(
    condition: Condition,
    transcribed: Sequence[Transcribed],
    words: Sequence[int],
    minutes: Sequence[float],
    seed: int,
) -> tuple[float | None, float | None, str | None, str | None]:
    """Both ends, what was drawn, and why there are none."""
    if condition.kind == "silence":
        return None, None, None, "no interval: digital silence of one length is one input"
    if not any(words):
        return None, None, None, "no interval: nothing was written to draw from"
    clusters = clusters_of(transcribed, itself="input")
    if not clusters.enough:
        return None, None, None, f"no interval: {clusters.counted} are too few to draw from"
    found = cluster_interval(
        np.array(list(zip(words, minutes, strict=True)), dtype=np.float64),
        clusters.numbers,
        lambda sums: sums[:, 0] / sums[:, 1],
        seed=seed,
    )
    return max(0.0, found.low), found.high, clusters.by, clusters.remark
