"""Audio files to the one waveform format: mono, 16 kHz, float32 on the 16-bit grid."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from runner.clips.clip import SAMPLE_RATE, Waveform
from runner.errors import UserError

MIN_SECONDS = 0.1
"""Shorter than any spoken word: such a file is a mistake, not an utterance."""

_FULL_SCALE = 32_768.0


def read_bytes(path: Path) -> bytes:
    """The bytes of one audio file.

    Raises:
        UserError: the file is missing or cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error


def read_audio(source: Path | bytes, name: str) -> Waveform:
    """Decode a FLAC, WAV, OGG or MP3 file.

    Args:
        source: The file, or its bytes.
        name: What errors call it.

    Returns:
        The waveform, shape (samples,).

    Raises:
        UserError: missing, no audio, cut off, empty, too short, or holding NaN or infinity.
    """
    data = read_bytes(source) if isinstance(source, Path) else source
    if not data:
        raise UserError(f"{name} is empty; replace the file or remove its entry")
    _check_wav_length(data, name)
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            rate = int(file.samplerate)
            samples = file.read(dtype="float64", always_2d=True)
    except soundfile.SoundFileError as error:
        raise UserError(
            f"{name} cannot be decoded as FLAC, WAV, OGG or MP3 ({_plain(error)}); "
            "replace the file or remove its entry"
        ) from error
    return to_waveform(samples, rate, name)


def to_waveform(samples: NDArray[np.floating[Any]], rate: int, name: str) -> Waveform:
    """Mix to mono, resample to 16 kHz and round to the 16-bit grid.

    The resampler (soxr, VHQ) works in float64, so what differs between processors stays far below
    the rounding and a clip is the same bit for bit everywhere.

    Args:
        samples: Shape (frames,) or (frames, channels), full scale 1. Louder samples are clipped.
        rate: Sampling rate in Hz.
        name: What errors call the audio.

    Returns:
        The waveform, shape (samples,).

    Raises:
        UserError: no rate, too short, or holding NaN or infinity.
    """
    if rate <= 0:
        raise UserError(f"{name} has a sampling rate of {rate} Hz; replace the file")
    mono = np.asarray(samples, dtype=np.float64)
    if mono.ndim == 2:
        mono = mono.mean(axis=1) if mono.shape[1] else mono[:, :0].reshape(-1)
    seconds = len(mono) / rate
    if seconds < MIN_SECONDS:
        raise UserError(
            f"{name} holds {seconds:.3f} s of audio, less than {MIN_SECONDS} s; "
            "replace the file or remove its entry"
        )
    if not np.isfinite(mono).all():
        raise UserError(f"{name} holds NaN or infinite samples; replace the file")
    if rate != SAMPLE_RATE:
        mono = soxr.resample(mono, rate, SAMPLE_RATE, quality="VHQ")
    grid = np.clip(np.rint(mono * _FULL_SCALE), -_FULL_SCALE, _FULL_SCALE - 1)
    return np.asarray(grid / _FULL_SCALE, dtype=np.float32)


def to_int16(audio: Waveform) -> NDArray[np.int16]:
    """The exact 16-bit samples of a waveform, little endian."""
    return np.asarray(np.rint(audio * np.float32(_FULL_SCALE)), dtype="<i2")


def from_int16(samples: NDArray[np.int16]) -> Waveform:
    """The waveform of 16-bit samples; the inverse of `to_int16`."""
    return samples.astype(np.float32) / np.float32(_FULL_SCALE)


def flac_bytes(audio: Waveform) -> bytes:
    """Encode a waveform as 16-bit FLAC, without loss."""
    file = io.BytesIO()
    soundfile.write(file, to_int16(audio), SAMPLE_RATE, format="FLAC", subtype="PCM_16")
    return file.getvalue()


def _check_wav_length(data: bytes, name: str) -> None:
    """Refuse a WAV that ends early: libsndfile reads what there is and says nothing.

    The words after its end are in the reference all the same.
    """
    if data[:4] != b"RIFF" or len(data) < 12:
        return
    promised = int.from_bytes(data[4:8], "little") + 8
    # Writers into a pipe cannot know the length and put the largest one there.
    if len(data) < promised < 0x7FFF_F000:
        raise UserError(f"{name} is cut off: {len(data)} of {promised} bytes; copy it again")


def _plain(error: Exception) -> str:
    """The library's reason without the memory address of our buffer."""
    return str(error).rsplit(": ", 1)[-1].rstrip(".")
