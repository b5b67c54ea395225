"""How long an audio file is, its rate and its channels, from its header where that is enough."""

from __future__ import annotations

import io
from pathlib import Path

import soundfile

from runner.clips.audio import read_bytes
from runner.clips.containers.base import Damaged, NoDecoder
from runner.clips.containers.reading import streams
from runner.clips.decoding import decode
from runner.clips.first_bytes import Header, first_bytes
from runner.clips.undisturbed import undisturbed
from runner.clips.unusable import Unusable
from runner.errors import UserError

_COUNTED = frozenset({"WAV", "WAVEX", "RF64", "FLAC", "AIFF", "OGG", "W64", "CAF", "AU", "NIST"})
"""Containers whose length libsndfile takes from the file itself; of an MP3 it may guess it."""


def read_header(source: str | bytes, name: str) -> Header:
    """What an audio file says of itself; one whose header does not tell its length is decoded.

    Args:
        source: The path of the file, or its bytes.
        name: What errors call it.

    Raises:
        Unusable: it cannot be read, is empty or of no accepted container.
        UserError: this machine lacks its decoder.
    """
    try:
        header = first_bytes(source) or _opened(source)
        if header is not None:
            return header
    except (soundfile.SoundFileError, RuntimeError, OSError, ValueError):
        pass  # what it cannot read may be another decoder's
    data = read_bytes(Path(source)) if isinstance(source, str) else source
    if not data:
        raise Unusable(f"{name} is empty; replace the file or remove its entry")
    try:
        return _decoded(data)
    except Damaged as error:
        raise Unusable(f"{name} {error}") from error
    except NoDecoder as error:
        raise UserError(f"{name} {error}") from error


def _opened(source: str | bytes) -> Header | None:
    """What libsndfile says of a file; None where that is a guess."""
    with (
        undisturbed(),
        soundfile.SoundFile(io.BytesIO(source) if isinstance(source, bytes) else source) as at,
    ):
        # A length of 0 or 2^63 - 1 says that libsndfile does not know it.
        if at.format in _COUNTED and 0 < at.frames < 1 << 40:
            return Header(at.frames / at.samplerate, at.samplerate, at.channels)
    return None


def _decoded(data: bytes) -> Header:
    frames, rate, channels = 0, 1, 0
    for stream in streams(data):
        for block in decode(stream):
            frames += len(block.samples)
            rate, channels = block.rate, block.samples.shape[1]
    return Header(frames / rate, rate, channels)
