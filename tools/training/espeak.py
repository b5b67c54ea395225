"""Speech from espeak-ng as 16 kHz samples, trimmed and levelled."""

from __future__ import annotations

import io
import shutil
import subprocess
import wave

import numpy as np
from numpy.typing import NDArray

from tools.training.corpus import Voice

SAMPLE_RATE = 16_000
"""Hz, of everything that this package makes."""

PEAK = 0.6
"""Peak of a levelled utterance, full scale being 1."""

SILENCE = 0.01
"""Samples below this share of the peak count as silence when an utterance is trimmed."""

MARGIN_S = 0.1
"""Seconds kept before the first and after the last sound."""

Samples = NDArray[np.float32]
"""Mono samples at 16 kHz, full scale 1; shape (samples,)."""


class SpeechError(RuntimeError):
    """espeak-ng is missing or refused to speak."""


def available() -> bool:
    """Says whether espeak-ng is installed."""
    return shutil.which("espeak-ng") is not None


def speak(text: str, voice: Voice) -> Samples:
    """Speaks one sentence.

    Args:
        text: Lower-case words.
        voice: The speaker.

    Returns:
        Samples with about 0.1 s of near silence at both ends, peak 0.6.

    Raises:
        SpeechError: espeak-ng is missing or failed.
    """
    command = ["espeak-ng", "-v", voice.espeak_voice, "-s", str(voice.words_per_minute)]
    command += ["-p", str(voice.pitch), "--stdout", text]
    try:
        spoken = subprocess.run(command, capture_output=True, check=True)
    except FileNotFoundError:
        raise SpeechError("espeak-ng is not installed: apt-get install espeak-ng") from None
    except subprocess.CalledProcessError as error:
        detail = error.stderr.decode(errors="replace").strip()
        raise SpeechError(f"espeak-ng could not speak as {voice.espeak_voice}: {detail}") from error
    with wave.open(io.BytesIO(spoken.stdout)) as file:
        rate = file.getframerate()
        raw = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    return level(trim(resample(raw.astype(np.float32), rate)))


def resample(samples: Samples, rate: int) -> Samples:
    """Resamples to 16 kHz by cutting (or padding) the spectrum.

    Args:
        samples: Shape (samples,).
        rate: Their rate, Hz.

    Returns:
        Shape (samples * 16000 / rate,), a little padded at the end.
    """
    if rate == SAMPLE_RATE:
        return samples
    step = rate // int(np.gcd(rate, SAMPLE_RATE))
    padded = np.pad(samples, (0, -len(samples) % step))
    length = len(padded) * SAMPLE_RATE // rate
    spectrum = np.fft.rfft(padded.astype(np.float64))
    wanted = np.zeros(length // 2 + 1, dtype=np.complex128)
    kept = min(len(wanted), len(spectrum))
    wanted[:kept] = spectrum[:kept]
    scaled = np.fft.irfft(wanted, n=length) * (length / len(padded))
    return scaled.astype(np.float32)


def trim(samples: Samples) -> Samples:
    """Cuts silence at both ends down to `MARGIN_S`, adding zeros where there was less."""
    margin = int(MARGIN_S * SAMPLE_RATE)
    loud = np.flatnonzero(np.abs(samples) > SILENCE * np.max(np.abs(samples), initial=1e-9))
    if len(loud) == 0:
        raise SpeechError("espeak-ng returned silence")
    padded = np.pad(samples, margin)
    return padded[loud[0] : loud[-1] + 2 * margin + 1]


def level(samples: Samples, peak: float = PEAK) -> Samples:
    """Scales to a peak."""
    return samples * np.float32(peak / float(np.max(np.abs(samples))))


def to_int16(samples: Samples) -> NDArray[np.int16]:
    """Rounds to 16-bit samples; shape kept."""
    rounded: NDArray[np.int16] = np.clip(np.rint(samples * 32767.0), -32768, 32767).astype(np.int16)
    return rounded
