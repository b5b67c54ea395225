"""Channels to one, block by block, and whether there is sound in what comes out."""

from __future__ import annotations

from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from runner.clips.clip import SAMPLE_RATE, Waveform
from runner.clips.unusable import Unusable
from runner.errors import UserError

MIN_SECONDS = 0.1
"""Shorter than any spoken word: such a file is a mistake, not an utterance."""

FULL_SCALE = 32_768.0

_MOST_CLIPPED = 0.01
"""Share of samples beyond full scale from which a file is taken for unscaled."""

_CANCELLED = 0.01
"""Power of the mix over that of its channels, -20 dB: what is left is noise of a codec. One channel
of two alone leaves half."""

_FAINTEST = 2 / FULL_SCALE
"""Two steps of the 16-bit grid: nothing of speech is left below."""


def check_heard(audio: NDArray[np.floating[Any]], name: str) -> None:
    """Refuse audio in which nobody can be heard.

    Args:
        audio: Shape (samples,), full scale 1.
        name: What errors call it.

    Raises:
        Unusable: it is digital silence, or fainter than two steps of the 16-bit grid.
    """
    peak = float(max(audio.max(), -audio.min()))
    if peak == 0:
        raise Unusable(f"{name} is digital silence; replace the file or remove its entry")
    if peak < _FAINTEST:
        raise Unusable(
            f"{name} is too faint for 16 bits, its peak is {20 * np.log10(peak):.0f} dB; "
            "raise its level"
        )


class Mix:
    """The mean of all channels, or one of them, as blocks come in."""

    def __init__(self, name: str, channel: int | None = None, *, speech: bool = True) -> None:
        """Takes the audio that errors call `name`.

        Args:
            name: What errors call it.
            channel: The one to take, counted from 0; all when None.
            speech: Whether it must hold sound.
        """
        self._name = name
        self._channel = channel
        self._speech = speech
        self._rate = 0
        self._blocks: list[NDArray[np.float64]] = []
        self._power = 0.0
        """Sum of squares over samples, of the mean over the channels that are mixed."""

    def add(self, samples: NDArray[np.floating[Any]], rate: int) -> None:
        """Mixes the next samples.

        Args:
            samples: Shape (frames,) or (frames, channels), full scale 1.
            rate: Sampling rate in Hz.

        Raises:
            Unusable: the rate is another than before.
            UserError: the channel does not exist.
        """
        if rate <= 0 or self._rate not in (0, rate):
            was = f" after {self._rate} Hz" if self._rate else ""
            raise Unusable(
                f"{self._name} has a sampling rate of {rate} Hz{was}; convert it to FLAC"
            )
        self._rate = rate
        values = np.asarray(samples, dtype=np.float64)
        values = values.reshape(len(values), -1) if len(values) else values.reshape(0, 1)
        channels = values.shape[1]
        if self._channel is not None and len(values):
            if self._channel >= channels:
                raise UserError(
                    f"{self._name} has {channels} channels, counted from 0: there is no channel "
                    f"{self._channel}; correct it"
                )
            values = values[:, self._channel : self._channel + 1]
        if values.shape[1] == 1:
            # A copy where a view would keep the other channels.
            self._blocks.append(values[:, 0] if channels == 1 else values[:, 0].copy())
            return
        self._power += _energy(values) / values.shape[1]
        self._blocks.append(values.mean(axis=1))

    def waveform(self) -> Waveform:
        """All of it at 16 kHz on the 16-bit grid, shape (samples,).

        Raises:
            Unusable: too short, holding NaN or infinity, without sound, or mostly beyond full
                scale.
        """
        blocks = self._blocks or [np.zeros(0)]
        mono = blocks[0] if len(blocks) == 1 else np.concatenate(blocks)
        self._blocks = []
        seconds = len(mono) / max(self._rate, 1)
        if seconds < MIN_SECONDS:
            raise Unusable(
                f"{self._name} holds {seconds:.3f} s of audio, less than {MIN_SECONDS} s; "
                "replace the file or remove its entry"
            )
        if not np.isfinite(mono).all():
            raise Unusable(f"{self._name} holds NaN or infinite samples; replace the file")
        if self._speech:
            self._check_sound(mono)
        del blocks
        if self._rate != SAMPLE_RATE:
            mono = soxr.resample(mono, self._rate, SAMPLE_RATE, quality="VHQ")
        grid = mono * FULL_SCALE
        # In place: an hour is half a gigabyte of float64.
        np.rint(grid, out=grid)
        np.clip(grid, -FULL_SCALE, FULL_SCALE - 1, out=grid)
        grid /= FULL_SCALE
        return np.asarray(grid, dtype=np.float32)

    def _check_sound(self, mono: NDArray[np.float64]) -> None:
        if self._power > 0 and _energy(mono) < _CANCELLED * self._power:
            raise Unusable(
                f"{self._name}: its channels cancel one another, each alone has sound; "
                "invert one of them, or keep one"
            )
        check_heard(mono, self._name)
        clipped = float(np.mean((mono > 1) | (mono < -1)))
        if clipped > _MOST_CLIPPED:
            peak = float(np.abs(mono).max())
            raise Unusable(
                f"{self._name}: {clipped:.1%} of its samples are beyond full scale, up to "
                f"{peak:.4g}; scale them to between -1 and 1"
            )


def _energy(values: NDArray[np.float64]) -> float:
    """The sum of squares.

    Not by BLAS: for the second of speech of a file its threads cost more than all else there is to
    do, and many times that where another program has the cores.
    """
    flat = values.reshape(-1)
    return float(np.einsum("i,i->", flat, flat))
