"""Containers of one header and samples: AU, NIST SPHERE and Creative's VOC."""

from __future__ import annotations

import re
import struct

from runner.clips.containers.base import COPY_AGAIN, Damaged, Stream, extent

_AU_BITS = {1: 8, 2: 8, 3: 16, 4: 24, 5: 32, 6: 32, 7: 64, 23: 4, 25: 3, 26: 5, 27: 8}
"""Bits of a sample by its encoding."""

_UNKNOWN = 0x7FFF_0000


def read_au(data: bytes, start: int) -> tuple[Stream, int]:
    """The AU file that begins at `start`, and the position behind it.

    Raises:
        Damaged: it is cut off.
    """
    order = "<" if data.startswith(b"dns.", start) else ">"
    offset, size, encoding, _, channels = struct.unpack_from(order + "5I", data, start + 4)
    begin = start + offset
    if offset < 24:
        raise Damaged(f"has a header whose samples begin in it, at byte {offset}; {COPY_AGAIN}")
    unknown = (size >= _UNKNOWN and begin + size > len(data)) or (not size and begin < len(data))
    samples = extent(data, begin, size, unknown=unknown)
    bits = _AU_BITS.get(encoding, 0) * channels
    header = data[start : start + 8] + struct.pack(order + "I", samples.size)
    whole = header + data[start + 12 : samples.end]
    return Stream(whole, samples.size * 8 // bits if bits else None), samples.end


def read_sphere(data: bytes, start: int) -> tuple[Stream, int]:
    """The NIST SPHERE file that begins at `start`, and the position behind it.

    Raises:
        Damaged: it is cut off, or compressed.
    """
    length = data[start + 8 : start + 16].strip()
    if not length.isdigit():
        raise Damaged("has a NIST header without its length; replace the file")
    begin = start + int(length)
    fields = dict(re.findall(rb"^(\w+) -\w+ ([^\n]*)$", data[start:begin], re.MULTILINE))
    if b"," in fields.get(b"sample_coding", b""):
        raise Damaged("is compressed SPHERE (shorten); convert it with sph2pipe")
    try:
        width = int(fields[b"sample_n_bytes"]) * int(fields[b"channel_count"])
        count = int(fields.get(b"sample_count", b"0"))
    except (KeyError, ValueError) as error:
        raise Damaged("has a NIST header without its format; replace the file") from error
    if width <= 0:
        raise Damaged("has a NIST header that says no channel; replace the file")
    samples = extent(data, begin, count * width, unknown=count <= 0)
    return Stream(data[start : samples.end], samples.size // width), samples.end


def read_voc(data: bytes, start: int) -> tuple[Stream, int]:
    """The VOC file that begins at `start`, and the position behind it.

    Raises:
        Damaged: it is cut off, or not one block of samples.
    """
    position = start + int.from_bytes(data[start + 20 : start + 22], "little")
    frames: list[int] = []
    while position < len(data) and data[position]:
        kind, size = data[position], int.from_bytes(data[position + 1 : position + 4], "little")
        begin = position + 4
        if begin + size > len(data):
            raise Damaged(f"is cut off: {len(data)} of {begin + size} bytes; {COPY_AGAIN}")
        if kind == 1:
            frames.append(size - 2)
        elif kind == 9:
            width = data[begin + 4] * data[begin + 5]
            frames.append((size - 12) * 8 // width if width else 0)
        elif kind in (2, 3, 6, 8):
            frames.append(0)
        position = begin + size
    if len(frames) != 1 or not frames[0]:
        raise Damaged("is a VOC file of several blocks; convert it to FLAC")
    end = min(position + 1, len(data))
    return Stream(data[start:end], frames[0]), end
