"""What a clip and an utterance are: waveforms with the text that belongs to them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from runner.clips.untold import NONE_UNTOLD, Untold

SAMPLE_RATE = 16_000
"""Hz. Every waveform in asrprof is mono at this rate."""

Waveform = NDArray[np.float32]
"""Shape (samples,), float32 in [-1, 1), every value on the 16-bit grid."""


ClipOrigin = Literal["recording", "speaker", "utterance", "any"]
"""What a clip is made of: consecutive utterances of one recording, utterances of one speaker, one
utterance, or utterances of anyone (packed)."""

SetKind = Literal["continuous", "packed", "utterances"]
"""Clips for timing, without or with different speakers in one; or every utterance by itself."""


class Sound(ABC):
    """A waveform that is had when it is asked for: 28 hours in memory are 6 GB."""

    __slots__ = ()

    @abstractmethod
    def __len__(self) -> int:
        """Samples at 16 kHz."""

    @abstractmethod
    def waveform(self) -> Waveform:
        """All of it, shape (samples,)."""

    @abstractmethod
    def int16(self) -> NDArray[np.int16]:
        """Its 16-bit samples, little endian, shape (samples,)."""

    @abstractmethod
    def part(self, start: int, end: int) -> Sound:
        """The samples from `start` to just before `end`, both within it."""


@dataclass(frozen=True)
class Utterance:
    """One utterance as a source gives it: 16 kHz mono and its raw transcript."""

    id: str
    sound: Sound
    text: str
    recording: str | None = None
    """What it was cut from, as the source names it; None where it does not say."""
    speaker: str | None = None
    """Who speaks, as the source names them; None where it does not say."""
    start_s: float | None = None
    """Where it begins in its recording, in seconds; None where the source does not say."""
    pause: Sound | None = None
    """True audio from the end of the utterance before it in the same file to its own start; None
    where no file holds both, or they overlap or lie far apart."""

    @property
    def audio(self) -> Waveform:
        """Its waveform, read anew each time, shape (samples,)."""
        return self.sound.waveform()

    @property
    def seconds(self) -> float:
        return len(self.sound) / SAMPLE_RATE

    @property
    def words(self) -> int:
        """Words of the raw transcript, between white space."""
        return len(self.text.split())

    def alone(self) -> Clip:
        """It by itself, at its natural length."""
        return Clip(
            id=self.id,
            sound=self.sound,
            reference=self.text,
            utterance_ids=(self.id,),
            speech_seconds=self.seconds,
            origin="utterance",
            speaker=self.speaker,
            recording=self.recording,
        )


@dataclass(frozen=True)
class Speech:
    """What a source holds: utterances in its order, and how many rows held no speech."""

    utterances: tuple[Utterance, ...]
    dropped: int = 0
    """Rows that a source marks as no speech (silence, music, noise) and that were skipped."""
    unreadable: tuple[str, ...] = ()
    """Rows that were left out, each with what is wrong with it."""
    untold: Untold = NONE_UNTOLD
    """Audio of a folder that no row is of."""

    @property
    def words(self) -> int:
        """Words of all utterances, as they are written."""
        return sum(utterance.words for utterance in self.utterances)


@dataclass(frozen=True)
class Omitted:
    """What a source gives and no clip of a set holds."""

    too_long: int = 0
    """Utterances longer than a clip, or too long for a word error rate."""
    too_long_words: int = 0
    """Their words, as they are written."""
    not_chosen: int = 0
    """Utterances beyond the number that was asked for."""
    not_chosen_words: int = 0
    """Their words, as they are written."""
    no_words: int = 0
    """Rows without speech: nothing but tags, or marked not to be scored."""
    unreadable: tuple[str, ...] = ()
    """Rows whose audio cannot be read, or whose text is missing, each with the reason."""
    untold: Untold = NONE_UNTOLD
    """Audio of a folder that no row is of."""


@dataclass(frozen=True)
class Clip:
    """One utterance or several joined, with their references joined.

    For timing silence-padded to an exact length, unless it is one of a set of mixed lengths; for
    quality one utterance at its natural length.
    """

    id: str
    sound: Sound
    reference: str
    utterance_ids: tuple[str, ...]
    speech_seconds: float
    """Real audio in the clip: the utterances and what lies between them, the padding not."""
    origin: ClipOrigin = "utterance"
    speaker: str | None = None
    """Who speaks; None where that is not known or they are several."""
    recording: str | None = None
    """What it was cut from; None where that is not known or they are several."""

    @property
    def audio(self) -> Waveform:
        """Its waveform, read anew each time, shape (samples,)."""
        return self.sound.waveform()

    @property
    def seconds(self) -> float:
        return len(self.sound) / SAMPLE_RATE


@dataclass(frozen=True)
class ClipSet:
    """All clips of one length, or up to one, or all utterances, from one source under one seed."""

    clips: tuple[Clip, ...]
    fingerprint: str
    """SHA-256 over the 16-bit samples and the reference of every clip, in order."""
    kind: SetKind
    audio_seconds: float
    """Length of the clips; of those of different lengths that of the longest."""
    omitted: Omitted
    """What is in none of them."""
    utterances: int
    """Utterances in the clips, each once."""
    words: int
    """Words of their references, as they are written."""
    path: Path
    """The cache entry; `load_clips` reads it without the source."""
