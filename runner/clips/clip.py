"""What a clip and an utterance are: waveforms with the text that belongs to them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16_000
"""Hz. Every waveform in asrprof is mono at this rate."""

Waveform = NDArray[np.float32]
"""Shape (samples,), float32 in [-1, 1), every value on the 16-bit grid."""


@dataclass(frozen=True)
class Utterance:
    """One utterance as a source gives it: 16 kHz mono and its raw transcript."""

    id: str
    audio: Waveform
    text: str

    @property
    def seconds(self) -> float:
        return len(self.audio) / SAMPLE_RATE


@dataclass(frozen=True)
class Speech:
    """What a source holds: utterances in its order, and how many rows held no speech."""

    utterances: tuple[Utterance, ...]
    dropped: int = 0
    """Rows that a source marks as no speech (silence, music, noise) and that were skipped."""


@dataclass(frozen=True)
class Clip:
    """Whole utterances joined, with their references joined.

    Silence-padded to an exact length, unless it is one of a set of mixed lengths.
    """

    id: str
    audio: Waveform
    reference: str
    utterance_ids: tuple[str, ...]
    speech_seconds: float
    """Real audio in the clip: the utterances and the gaps between them, the padding not."""

    @property
    def seconds(self) -> float:
        return len(self.audio) / SAMPLE_RATE


@dataclass(frozen=True)
class ClipSet:
    """All clips of one length, or up to one, from one source under one seed."""

    clips: tuple[Clip, ...]
    fingerprint: str
    """SHA-256 over the 16-bit samples and the reference of every clip, in order."""
    audio_seconds: float
    left_out: int
    """Utterances longer than a clip: in none of them."""
    utterances: int
    """Utterances in the clips, each once."""
    dropped: int
    """Rows of the source without speech."""
    path: Path
    """The cache entry; `load_clips` reads it without the source."""
