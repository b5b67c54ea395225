"""AIFF and AIFF-C: the chunk of samples against the number of frames in the common chunk."""

from __future__ import annotations

import struct

from runner.clips.containers.base import COPY_AGAIN, Damaged, Extent, Stream, extent

_UNKNOWN = 0x7E00_0000
"""Bytes. Writers into a pipe put a number near the largest that is signed."""

_WIDTHS = {
    **dict.fromkeys((b"ulaw", b"ULAW", b"alaw", b"ALAW", b"raw "), 1),
    **dict.fromkeys((b"in24", b"ni24"), 3),
    **dict.fromkeys((b"in32", b"ni32", b"23ni", b"42ni", b"fl32", b"FL32"), 4),
    **dict.fromkeys((b"fl64", b"FL64"), 8),
}
_IMA_BYTES, _IMA_SAMPLES = 34, 64


def read(data: bytes, start: int) -> tuple[Stream, int]:
    """The AIFF that begins at `start`, and the position behind it.

    Raises:
        Damaged: it is cut off, or has no or two chunks of samples.
    """
    if data[start + 8 : start + 12] not in (b"AIFF", b"AIFC"):
        raise Damaged("is an IFF file but no AIFF; convert it to FLAC")
    common = b""
    samples: Extent | None = None
    position = start + 12
    while position + 8 <= len(data) and not data.startswith(b"FORM", position):
        name, begin = data[position : position + 4], position + 8
        size = int.from_bytes(data[position + 4 : begin], "big")
        if name == b"SSND":
            if samples is not None:
                raise Damaged("has two chunks of samples; convert it to FLAC")
            # Eight bytes of the chunk are an offset and a block size.
            unknown = begin + size > len(data) and size >= _UNKNOWN
            unknown = unknown or (size <= 8 and begin + 8 < len(data))
            samples = extent(data, begin + 8, size - 8, unknown=unknown)
            size = samples.size + 8
        elif begin + size > len(data) or not all(0x20 <= byte < 0x7F for byte in name):
            if samples is None:
                raise Damaged(f"is cut off in its header; {COPY_AGAIN}")
            break
        elif name == b"COMM":
            common = data[begin : begin + size]
        position = begin + size + (size & 1)
    if samples is None or len(common) < 18:
        raise Damaged(f"is cut off: it has no samples; {COPY_AGAIN}")
    return _stream(data, common, samples, data[start + 8 : start + 12]), min(position, len(data))


def _stream(data: bytes, common: bytes, samples: Extent, kind: bytes) -> Stream:
    channels, promised, bits = struct.unpack_from(">HIH", common)
    if not channels:
        raise Damaged("has a header that says no channel; replace the file")
    code = common[18:22] if kind == b"AIFC" else b"NONE"
    width = (bits + 7) // 8 if code in (b"NONE", b"twos", b"sowt") else _WIDTHS.get(code, 0)
    held, block = promised, 1
    if width:
        held = samples.size // (width * channels)
    elif code == b"ima4":
        held, block = samples.size // (_IMA_BYTES * channels) * _IMA_SAMPLES, _IMA_SAMPLES
        # Its frames are packets.
        promised = promised * block if promised * block <= held else promised
    if samples.known and held < promised:
        raise Damaged(f"is cut off: {held} of {promised} samples; {COPY_AGAIN}")
    if width:
        common = common[:2] + struct.pack(">I", held) + common[6:]
    body = data[samples.begin - 8 : samples.end]
    chunks = b"".join(
        name + struct.pack(">I", len(chunk)) + chunk + b"\0" * (len(chunk) & 1)
        for name, chunk in ((b"COMM", common), (b"SSND", body))
    )
    whole = b"FORM" + struct.pack(">I", len(chunks) + 4) + kind + chunks
    return Stream(whole, held, block=block)
