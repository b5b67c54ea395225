"""Audio as it comes in while somebody speaks: chunks, what lies before them, what is waited for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from runner.clips.clip import SAMPLE_RATE, Waveform

AfterChunk = Callable[[Sequence[str]], None]
"""Told each clip's text so far, after every chunk."""


def noop(_: Sequence[str]) -> None:
    """Does nothing."""


@dataclass(frozen=True)
class Chunks:
    """How a stream is cut; samples at 16 kHz."""

    size: int
    """New audio of each chunk."""
    left: int = 0
    """Audio before the chunk that is transcribed again, for context."""
    right: int = 0
    """Audio after the chunk that is waited for (look-ahead)."""

    @staticmethod
    def of_seconds(size: float, left: float, right: float) -> Chunks:
        """Chunks whose parts are given in seconds.

        Args:
            size: New audio of each chunk.
            left: Audio before the chunk that is heard again.
            right: Audio after the chunk that is waited for.
        """
        return Chunks(*(round(seconds * SAMPLE_RATE) for seconds in (size, left, right)))

    def count(self, samples: int) -> int:
        """Chunks of a clip."""
        return -(-samples // self.size)

    def windows(self, batch: Sequence[Waveform]) -> Iterator[list[Waveform]]:
        """The windows of all clips, ``(samples,)`` each, chunk by chunk.

        They are of one length, with silence beyond the ends of a clip.
        """
        length = self.left + self.size + self.right
        for number in range(self.count(len(batch[0]))):
            start = number * self.size - self.left
            yield [_cut(wave, start, length) for wave in batch]

    def kept(self, frames: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those frames of a window, ``(clips, frames)``, that belong to the chunk itself."""
        each = frames.shape[1] / (self.left + self.size + self.right)
        first, last = round(self.left * each), round((self.left + self.size) * each)
        return frames[:, first:last]

    def available_s(self, number: int, samples: int) -> float:
        """Seconds after the clip's beginning at which a chunk can be worked on."""
        return min((number + 1) * self.size + self.right, samples) / SAMPLE_RATE


def _cut(wave: Waveform, start: int, length: int) -> Waveform:
    window = np.zeros(length, dtype=np.float32)
    heard = wave[max(start, 0) : start + length]
    place = max(-start, 0)
    window[place : place + len(heard)] = heard
    return window
