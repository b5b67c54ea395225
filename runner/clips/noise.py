"""Seeded noise, mixed with speech at a stated ratio or alone. All at 16 kHz on the 16-bit grid."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.clips.clip import SAMPLE_RATE, Waveform
from runner.clips.mixing import FULL_SCALE

FAINT_DB = -60.0
"""Root mean square of faint noise against full scale: a quiet room at a usual gain."""

ACTIVE_DB = 30.0
"""A frame is active speech where its power is at most so far below that of the loudest frame."""

PINK_FROM_HZ = 50.0
"""Below it pink noise has nothing: else its inaudible part would grow with its length."""

_FRAME = SAMPLE_RATE // 50
_LARGEST = (FULL_SCALE - 1) / FULL_SCALE
Floats = NDArray[np.float64]


def active_power(audio: Waveform) -> float:
    """Mean power of active speech, so that pauses do not make the speech look fainter.

    Args:
        audio: Shape (samples,).

    Returns:
        The mean over the frames of 20 ms whose power is at most `ACTIVE_DB` below the loudest
        frame's. Full scale is 1; 0 of digital silence.
    """
    samples = audio.astype(np.float64)
    frames = len(samples) // _FRAME
    if frames == 0:
        return float(np.mean(samples**2))
    powers = np.mean(samples[: frames * _FRAME].reshape(frames, _FRAME) ** 2, axis=1)
    return float(powers[powers >= powers.max() * 10 ** (-ACTIVE_DB / 10)].mean())


def noise(kind: str, samples: int, seed: str) -> Floats:
    """Gaussian noise of mean power 1, shape (samples,).

    Args:
        kind: ``white`` or ``pink``.
        samples: How many.
        seed: Any text: the same gives the same noise, on every run and for every model.

    Raises:
        ValueError: there is no such kind.
    """
    number = int.from_bytes(hashlib.sha256(f"{kind}|{seed}".encode()).digest()[:8])
    drawn = np.random.default_rng(number).standard_normal(samples)
    if kind == "pink":
        drawn = _pink(drawn)
    elif kind != "white":
        raise ValueError(f'no noise "{kind}"')
    return np.asarray(drawn / np.sqrt(np.mean(drawn**2)))


def with_noise(audio: Waveform, kind: str, snr_db: float, seed: str) -> Waveform:
    """Speech with noise, shape (samples,).

    What would go beyond full scale is made fainter as a whole, which leaves the ratio as it is.

    Args:
        audio: The speech, shape (samples,).
        kind: ``white`` or ``pink``.
        snr_db: Power of the active speech over that of the noise, in dB.
        seed: Of the noise; at another ratio the same noise is added, louder or fainter.

    Raises:
        ValueError: there is no sound in the speech, or no such kind of noise.
    """
    power = active_power(audio)
    if power == 0:
        raise ValueError("there is no ratio of digital silence to noise")
    level = np.sqrt(power / 10 ** (snr_db / 10))
    mixed = audio.astype(np.float64) + level * noise(kind, len(audio), seed)
    peak = float(np.abs(mixed).max())
    return _on_grid(mixed if peak <= _LARGEST else mixed * (_LARGEST / peak))


def faint_noise(kind: str, samples: int, seed: str) -> Waveform:
    """Noise alone at `FAINT_DB`, shape (samples,).

    Args:
        kind: ``white`` or ``pink``.
        samples: How many.
        seed: As `noise` takes it.
    """
    return _on_grid(10 ** (FAINT_DB / 20) * noise(kind, samples, seed))


def _pink(white: Floats) -> Floats:
    spectrum = np.fft.rfft(white)
    hertz = np.fft.rfftfreq(len(white), 1 / SAMPLE_RATE)
    heard = hertz >= PINK_FROM_HZ
    spectrum[heard] /= np.sqrt(hertz[heard])
    spectrum[~heard] = 0
    return np.asarray(np.fft.irfft(spectrum, len(white)))


def _on_grid(values: NDArray[np.floating[Any]]) -> Waveform:
    return np.asarray(np.rint(values * FULL_SCALE) / FULL_SCALE, dtype=np.float32)
