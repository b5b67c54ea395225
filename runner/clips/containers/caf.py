"""Apple's Core Audio Format: the data chunk, and the packet table where packets vary."""

from __future__ import annotations

import struct

from runner.clips.containers.base import COPY_AGAIN, Damaged, Extent, Stream, extent


def read(data: bytes, start: int) -> tuple[Stream, int]:
    """The CAF that begins at `start`, and the position behind it.

    Raises:
        Damaged: it is cut off, or has no or two data chunks.
    """
    chunks: dict[bytes, bytes] = {}
    samples: Extent | None = None
    position = start + 8
    while position + 12 <= len(data) and not data.startswith(b"caff", position):
        name, begin = data[position : position + 4], position + 12
        (size,) = struct.unpack_from(">q", data, position + 4)
        if name == b"data":
            if samples is not None:
                raise Damaged("has two data chunks; convert it to FLAC")
            # Four bytes of the chunk are a count of edits.
            samples = extent(data, begin + 4, size - 4, unknown=size in (-1, 0))
            size = samples.size + 4
        elif size < 0 or begin + size > len(data):
            if samples is None:
                raise Damaged(f"is cut off in its header; {COPY_AGAIN}")
            break
        elif not all(0x20 <= byte < 0x7F for byte in name):
            break
        else:
            chunks[name] = data[begin : begin + size]
        position = begin + size
    if samples is None or len(chunks.get(b"desc", b"")) < 32:
        raise Damaged(f"is cut off: it has no samples; {COPY_AGAIN}")
    at = samples.begin - 12
    sized = data[start:at] + struct.pack(">q", samples.size + 4) + data[at + 8 : position]
    packet_bytes, packet_frames = struct.unpack_from(">II", chunks[b"desc"], 16)
    frames: int | None = None
    block = 1
    if packet_bytes:
        block = max(packet_frames, 1)
        frames = samples.size // packet_bytes * packet_frames
    elif len(chunks.get(b"pakt", b"")) >= 24:
        packets, frames, primed, rest = struct.unpack_from(">qqii", chunks[b"pakt"])
        if packet_frames and frames + primed + rest != packets * packet_frames:
            raise Damaged("has a packet table that contradicts itself; replace the file")
    return Stream(sized, frames, block=block), position
