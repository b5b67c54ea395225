"""FLAC: samples that the stream information promises, against the last frame's own number."""

from __future__ import annotations

import re

from runner.clips.containers.base import COPY_AGAIN, Damaged, Stream

_SECOND = re.compile(rb"fLaC[\x00\x80]\x00\x00\x22")
_LONGEST_FRAME = 1 << 20
"""Bytes. Eight channels of 65,535 samples may be longer; nobody writes such frames."""

_TAG_BYTES = 128
_SIZES = {1: 192} | {code: 576 << code - 2 for code in range(2, 6)}
_SIZES |= {code: 256 << code - 8 for code in range(8, 16)}


def read(data: bytes, start: int) -> tuple[Stream, int]:
    """The FLAC stream that begins at `start`, and the position behind it.

    Raises:
        Damaged: it is cut off, or has no stream information.
    """
    header = bytearray(data[start : start + 42])
    if len(header) < 42 or header[4] & 0x7F or header[5:8] != b"\x00\x00\x22":
        raise Damaged("is damaged in its header; replace the file")
    first = _skip_metadata(data, start)
    # A second stream begins with its marker and its stream information.
    second = _SECOND.search(data, first)
    end = len(data) if second is None else second.start()
    rate = int.from_bytes(header[18:21], "big") >> 4
    promised = int.from_bytes(header[21:26], "big") & 0xF_FFFF_FFFF
    held = _held(data[first : _untagged(data, first, end)])
    if held is None and not promised:
        raise Damaged(f"is cut off: its last frame is not whole; {COPY_AGAIN}")
    if held is not None and held < promised:
        raise Damaged(f"is cut off: {held} of {promised} samples; {COPY_AGAIN}")
    frames = promised if held is None else held
    header[21:26] = (int.from_bytes(header[21:26], "big") >> 36 << 36 | frames).to_bytes(5, "big")
    return Stream(bytes(header) + data[start + 42 : end], frames, rate), end


def _skip_metadata(data: bytes, start: int) -> int:
    position, last = start + 4, False
    while not last:
        if position + 4 > len(data):
            raise Damaged(f"is cut off in its header; {COPY_AGAIN}")
        last = data[position] >= 0x80
        position += 4 + int.from_bytes(data[position + 1 : position + 4], "big")
    return position


def _untagged(data: bytes, first: int, end: int) -> int:
    """The end of a stream without an ID3 tag behind it."""
    tag = end - _TAG_BYTES
    return tag if tag > first and data.startswith(b"TAG", tag) else end


def _held(frames: bytes) -> int | None:
    """Samples up to the end of the last frame; None where no whole frame ends the stream."""
    # Where frames are counted, all but the last are as long as the first.
    block = _frame(frames[:16], 0) or 0
    # A file system may have filled the file with zeros; a checksum may end with one as well.
    end = len(frames.rstrip(b"\0"))
    ends = {*range(end, min(end + 3, len(frames) + 1))}
    position = end
    while (position := frames.rfind(b"\xff", max(0, end - _LONGEST_FRAME), position)) >= 0:
        found = _frame(frames[position : position + 16], block)
        # The checksum over a frame with its own checksum is zero.
        if found is not None and any(_crc16(frames[position:stop]) == 0 for stop in ends):
            return found
    return None


def _frame(header: bytes, block: int) -> int | None:
    """The number of the sample behind a frame; None where the bytes are no frame's header."""
    if len(header) < 6 or header[1] & 0xFE != 0xF8 or header[3] & 1:
        return None
    number, position = _coded_number(header, 4)
    if number is None:
        return None
    code = header[2] >> 4
    extra = {6: 1, 7: 2}.get(code, 0)
    size = _SIZES.get(code, int.from_bytes(header[position : position + extra], "big") + 1)
    position += extra + {12: 1, 13: 2, 14: 2}.get(header[2] & 15, 0)
    if code == 0 or position >= len(header) or _crc8(header[:position]) != header[position]:
        return None
    return size + (number if header[1] & 1 else number * block)


def _coded_number(header: bytes, position: int) -> tuple[int | None, int]:
    """A number in the manner of UTF-8, and the position behind it."""
    first = header[position]
    if first < 0x80:
        return first, position + 1
    more = 0
    while first << more & 0x40:
        more += 1
    rest = header[position + 1 : position + 1 + more]
    if not 0 < more < 7 or len(rest) < more or any(byte & 0xC0 != 0x80 for byte in rest):
        return None, position
    number = first & 0x3F >> more
    for byte in rest:
        number = number << 6 | byte & 0x3F
    return number, position + 1 + more


def _table(polynomial: int, bits: int) -> tuple[int, ...]:
    table = []
    for value in range(256):
        crc = value << bits - 8
        for _ in range(8):
            crc = crc << 1 ^ (polynomial if crc >> bits - 1 else 0)
        table.append(crc & (1 << bits) - 1)
    return tuple(table)


_CRC8 = _table(0x107, 8)
_CRC16 = _table(0x18005, 16)


def _crc8(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc = _CRC8[crc ^ byte]
    return crc


def _crc16(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc = (crc << 8 & 0xFFFF) ^ _CRC16[crc >> 8 ^ byte]
    return crc
