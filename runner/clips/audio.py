"""Audio files to the one waveform format: mono, 16 kHz, float32 on the 16-bit grid."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from runner.clips.clip import SAMPLE_RATE, Waveform
from runner.clips.containers.base import Damaged, NoDecoder
from runner.clips.containers.reading import streams
from runner.clips.decoding import decode
from runner.clips.mixing import FULL_SCALE, Mix
from runner.clips.unusable import Unusable
from runner.errors import UserError


def read_bytes(path: Path) -> bytes:
    """The bytes of one audio file.

    Raises:
        Unusable: the file is missing or cannot be read.
        UserError: it needs more memory than there is.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unusable(f"cannot read {path}: {error.strerror or error}") from error
    except MemoryError as error:
        raise UserError(f"{path} needs more memory than there is; split it") from error


def read_audio(
    source: Path | bytes,
    name: str,
    *,
    channel: int | None = None,
    most_s: float | None = None,
    speech: bool = True,
) -> Waveform:
    """Decode an audio file of any accepted container.

    Args:
        source: The file, or its bytes.
        name: What errors call it.
        channel: The one to take, counted from 0; the mean of all when None.
        most_s: Longest audio in seconds that is decoded.
        speech: Whether it must hold sound; a server is asked for whatever its clients send.

    Returns:
        The waveform, shape (samples,).

    Raises:
        Unusable: missing, no audio, cut off or otherwise not what its container promises, empty,
            too short, without sound, mostly beyond full scale, or holding NaN or infinity.
        UserError: too long, without the channel, or this machine lacks memory or the decoder.
    """
    data = read_bytes(source) if isinstance(source, Path) else source
    if not data:
        raise Unusable(f"{name} is empty; replace the file or remove its entry")
    mix = Mix(name, channel, speech=speech)
    seconds = 0.0
    try:
        for stream in streams(data):
            for block in decode(stream):
                seconds += len(block.samples) / block.rate
                if most_s is not None and seconds > most_s:
                    raise UserError(f"{name} is longer than {most_s:g} s; split it")
                mix.add(block.samples, block.rate)
        return mix.waveform()
    except Damaged as error:
        raise Unusable(f"{name} {error}") from error
    except NoDecoder as error:
        raise UserError(f"{name} {error}") from error
    except MemoryError as error:
        raise UserError(f"{name} needs more memory than there is; split it") from error


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
        Unusable: no rate, too short, without sound, mostly beyond full scale, or holding NaN or
            infinity.
    """
    mix = Mix(name)
    mix.add(samples, rate)
    return mix.waveform()


def to_int16(audio: Waveform) -> NDArray[np.int16]:
    """The exact 16-bit samples of a waveform, little endian."""
    return np.asarray(np.rint(audio * np.float32(FULL_SCALE)), dtype="<i2")


def from_int16(samples: NDArray[np.int16]) -> Waveform:
    """The waveform of 16-bit samples; the inverse of `to_int16`."""
    return samples.astype(np.float32) / np.float32(FULL_SCALE)


def flac_bytes(audio: Waveform) -> bytes:
    """Encode a waveform as 16-bit FLAC, without loss."""
    file = io.BytesIO()
    soundfile.write(file, to_int16(audio), SAMPLE_RATE, format="FLAC", subtype="PCM_16")
    return file.getvalue()
