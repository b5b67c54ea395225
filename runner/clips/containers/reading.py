"""The streams of audio in a file, whatever its container."""

from __future__ import annotations

import struct
from collections.abc import Callable

from runner.clips.containers import (
    aiff,
    caf,
    flac,
    mpeg,
    multimedia,
    ogg,
    plain,
    riff,
    wave64,
)
from runner.clips.containers.base import COPY_AGAIN, Damaged, Stream, skip_tags

ACCEPTED = "FLAC, WAV, AIFF, AU, CAF, SPHERE, VOC, Ogg, MP3, M4A, WebM, AMR or AAC"

_Reader = Callable[[bytes, int], tuple[Stream, int]]

_READERS: tuple[tuple[bytes | tuple[bytes, ...], _Reader], ...] = (
    (riff.MARKERS, riff.read),
    (wave64.MARKER, wave64.read),
    (b"fLaC", flac.read),
    (b"OggS", ogg.read),
    (b"FORM", aiff.read),
    (b"caff", caf.read),
    ((b".snd", b"dns."), plain.read_au),
    (b"NIST_1A\n", plain.read_sphere),
    (b"Creative Voice File\x1a", plain.read_voc),
    (multimedia.EBML, multimedia.read_matroska),
    (b"#!AMR", multimedia.read_amr),
)

_REST_BYTES = 400
"""50 ms of the sparsest samples (8 kHz, 8 bits): what lies behind the audio may be so long."""


def streams(data: bytes) -> tuple[Stream, ...]:
    """All streams of audio that a file holds one behind the other, at least one.

    Raises:
        Damaged: it is of no accepted container, or does not hold what it promises.
    """
    found: list[Stream] = []
    position = 0
    while position < len(data):
        reader = _reader(data, position)
        if reader is None and not found:
            position = skip_tags(data, position)
            reader = _reader(data, position)
        if reader is None:
            if not found:
                raise Damaged(f"cannot be decoded as {ACCEPTED}; replace the file")
            if len(data) - position > _REST_BYTES:
                raise Damaged(
                    f"goes on for {len(data) - position} bytes behind the end that its header "
                    f"gives; write its header anew, or {COPY_AGAIN}"
                )
            break
        try:
            stream, end = reader(data, position)
        except (struct.error, IndexError) as error:
            raise Damaged(f"is cut off in its header; {COPY_AGAIN}") from error
        except (ValueError, ArithmeticError, AssertionError) as error:
            raise Damaged(f"is damaged in its header; {COPY_AGAIN}") from error
        found.append(stream)
        position = skip_tags(data, end)
    if not found:
        raise Damaged(f"cannot be decoded as {ACCEPTED}; replace the file")
    return tuple(found)


def _reader(data: bytes, position: int) -> _Reader | None:
    for marker, reader in _READERS:
        if data.startswith(marker, position):
            return reader
    if data[position + 4 : position + 8] in (b"ftyp", b"moov", b"mdat", b"wide"):
        return multimedia.read_mp4
    if mpeg.is_mpeg(data, position):
        return mpeg.read
    return multimedia.read_adts if multimedia.is_adts(data, position) else None
