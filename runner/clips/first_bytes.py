"""What the first bytes of a FLAC or a WAV say of its length, without a decoder.

Those two are what large corpora are made of, and to open a decoder takes ten times as long as to
read a file's first bytes. Whatever is unusual is left to the decoder.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from dataclasses import dataclass

from runner.clips.decoding import RATES

_FIRST = 4096
"""Bytes that are read of a file at once: its header, where no cover picture is in it."""

_PCM, _FLOAT = 1, 3
_BITS = {_PCM: (8, 16, 24, 32), _FLOAT: (32, 64)}
_FLAC_BITS = (8, 16, 24)

_At = Callable[[int, int], bytes]
"""The bytes of a file from a position on, as many as are asked for or there."""


@dataclass(frozen=True, slots=True)
class Header:
    """What an audio file says of itself."""

    seconds: float
    rate: int
    """Hz."""
    channels: int


def first_bytes(source: str | bytes) -> Header | None:
    """What a file says of itself; None where a decoder must be asked.

    Args:
        source: The path of the file, or its bytes.

    Raises:
        OSError: it cannot be opened.
    """
    if isinstance(source, bytes):
        return _header(source, len(source), lambda at, count: source[at : at + count])
    file = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    try:
        head = os.read(file, _FIRST)

        def read(at: int, count: int) -> bytes:
            return head[at : at + count] if at + count <= len(head) else os.pread(file, count, at)

        return _header(head, os.fstat(file).st_size, read)
    finally:
        os.close(file)


def _header(head: bytes, size: int, read: _At) -> Header | None:
    if head.startswith(b"fLaC"):
        found = _flac(head, read)
    elif head.startswith(b"RIFF"):
        found = _wav(head, size, read)
    else:
        return None
    if found is None or found[0] < 1 or found[1] not in RATES:
        return None
    frames, rate, channels = found
    return Header(frames / rate, rate, channels)


def _flac(head: bytes, read: _At) -> tuple[int, int, int] | None:
    """Samples, rate and channels of a FLAC whose header is whole and followed by a frame."""
    if len(head) < 42 or head[4] & 0x7F or head[5:8] != b"\x00\x00\x22":
        return None
    packed = int.from_bytes(head[18:26], "big")
    if (packed >> 36 & 31) + 1 not in _FLAC_BITS:
        return None
    position, last = 4, False
    while not last:
        block = read(position, 4)
        if len(block) < 4:
            return None
        last = block[0] >= 0x80
        position += 4 + int.from_bytes(block[1:], "big")
    frame = read(position, 2)
    if len(frame) < 2 or frame[0] != 0xFF or frame[1] & 0xFE != 0xF8:
        return None
    return packed & 0xF_FFFF_FFFF, packed >> 44, (packed >> 41 & 7) + 1


def _wav(head: bytes, size: int, read: _At) -> tuple[int, int, int] | None:
    """Samples, rate and channels of a WAV of plain samples that is as long as it says."""
    if head[8:12] != b"WAVE":
        return None
    form: tuple[int, ...] = ()
    position = 12
    while len(chunk := read(position, 8)) == 8:
        name, length = struct.unpack("<4sI", chunk)
        begin = position + 8
        if name == b"fmt " and len(body := read(begin, 16)) == 16 <= length:
            form = struct.unpack("<HHIIHH", body)
        elif name == b"data":
            if not form or not 0 < length <= size - begin:
                return None
            tag, channels, rate, _, align, bits = form
            if bits not in _BITS.get(tag, ()) or not channels or align != channels * bits // 8:
                return None
            return length // align, rate, channels
        elif not name.isascii():
            return None
        position = begin + length + (length & 1)
    return None
