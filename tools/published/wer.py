"""Three ways to lose a third of the words, tried out on speech that is recognised almost perfectly.

The published rates are 34 to 36 % for every Whisper, where others find 10 to 15 % on the same
data. Nobody but its authors knows what was done; this shows what each suspect would do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
import transformers

from runner.clips import SAMPLE_RATE, Clip, prepare
from runner.config import ENGLISH, Data
from runner.engines.base import Engine, LoadRequest
from runner.load import load_engine
from runner.measure.quality import Transcribed, score

MODELS = ("small-whisper", "small-parakeet-ctc", "small-wav2vec2-ctc")
SECONDS = 15.0
KEPT_SECONDS = 10.0
"""A clip that is cut keeps so much of its audio."""
CLIPS = 12
TAG_EVERY = 6
"""Words between two punctuation tags, about as many as in GigaSpeech."""


@dataclass(frozen=True)
class Suspect:
    """One way to score, and the error rate of each model under it."""

    title: str
    wer: tuple[float, ...]
    """In the order of ``MODELS``."""


def suspects(clips: int = CLIPS) -> Iterator[Suspect]:
    """Scores the built-in speech rightly, then in each suspected way."""
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    # Small models are no faster with more, and far slower on a machine that is busy.
    torch.set_num_threads(1)
    speech = prepare(Data(source="builtin"), audio_seconds=SECONDS, seed=42).clips[:clips]
    cut = [_cut(clip) for clip in speech]
    engines = [_engine(name) for name in MODELS]
    whole = [_transcribe(engine, speech) for engine in engines]
    shortened = [_transcribe(engine, cut) for engine in engines]
    references = [clip.reference for clip in speech]
    tagged = [_tagged(reference) for reference in references]

    def rates(texts: Sequence[str], heard: Sequence[Sequence[str]], rule: str) -> tuple[float, ...]:
        return tuple(_wer(texts, hypotheses, rule) for hypotheses in heard)

    yield Suspect("whole utterances, normalised", rates(references, whole, ENGLISH))
    title = f"audio cut after {KEPT_SECONDS:g} of {SECONDS:g} s, the whole reference kept"
    yield Suspect(title, rates(references, shortened, ENGLISH))
    shares = [min(1.0, KEPT_SECONDS / clip.speech_seconds) for clip in speech]
    parts = [_first(text, share) for text, share in zip(references, shares, strict=True)]
    title = "audio cut, the reference cut in proportion"
    yield Suspect(title, rates(parts, shortened, ENGLISH))
    title = "tags such as <COMMA> in the reference, only lower-cased"
    yield Suspect(title, rates(tagged, whole, "words"))
    title = "the same tags, normalised"
    yield Suspect(title, rates(tagged, whole, ENGLISH))
    title = "upper-case reference with tags, nothing normalised"
    yield Suspect(title, rates(tagged, whole, "none"))


def _engine(name: str) -> Engine:
    return load_engine(LoadRequest.of_checkpoint(name))


def _transcribe(engine: Engine, clips: Sequence[Clip]) -> list[str]:
    return [text for clip in clips for text in engine.transcribe([clip.audio]).texts]


def _cut(clip: Clip) -> Clip:
    samples = round(KEPT_SECONDS * SAMPLE_RATE)
    return replace(clip, sound=clip.sound.part(0, min(samples, len(clip.sound))))


def _first(text: str, share: float) -> str:
    words = text.split()
    return " ".join(words[: max(1, round(share * len(words)))])


def _tagged(text: str) -> str:
    """The text as GigaSpeech writes one: upper case, punctuation spelt out."""
    words = text.upper().split()
    pieces = [
        f"{word} <COMMA>" if place % TAG_EVERY == 0 else word
        for place, word in enumerate(words, start=1)
    ]
    return f"{' '.join(pieces)} <PERIOD>"


def _wer(references: Sequence[str], hypotheses: Sequence[str], normaliser: str) -> float:
    heard = [
        Transcribed(
            clip_id=str(number),
            reference=reference,
            hypothesis=hypothesis,
            audio_seconds=SECONDS,
        )
        for number, (reference, hypothesis) in enumerate(zip(references, hypotheses, strict=True))
    ]
    quality, _ = score(heard, seed=42, normaliser=normaliser)
    if quality.wer is None:
        raise ValueError(f"nothing could be scored: {quality.reason}")
    return quality.wer
