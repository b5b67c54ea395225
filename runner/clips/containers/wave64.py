"""Sony Wave64: a WAV whose chunks have long names and sizes."""

from __future__ import annotations

from runner.clips.containers import wav
from runner.clips.containers.base import COPY_AGAIN, Damaged, Extent, Stream, extent

MARKER = b"riff" + bytes.fromhex("2E91CF11A5D628DB04C10000")

_REST = bytes.fromhex("F3ACD3118CD100C04F8EDB8A")
_UNKNOWN = 1 << 62


def read(data: bytes, start: int) -> tuple[Stream, int]:
    """The Wave64 file that begins at `start`, and the position behind it.

    Raises:
        Damaged: it is cut off, has two data chunks or a format that contradicts itself.
    """
    chunks: dict[bytes, bytes] = {}
    samples: Extent | None = None
    position = start + 40
    while position + 24 <= len(data) and not data.startswith(MARKER, position):
        name, begin = data[position : position + 4], position + 24
        if data[position + 4 : position + 16] != _REST:
            break
        # The size counts its own header.
        size = int.from_bytes(data[position + 16 : begin], "little") - 24
        if name == b"data":
            if samples is not None:
                raise Damaged("has two data chunks; convert it to FLAC")
            unknown = (size <= 0 and begin < len(data)) or size >= _UNKNOWN
            samples = extent(data, begin, size, unknown=unknown)
            size = samples.size
        elif size < 0 or begin + size > len(data):
            raise Damaged(f"is cut off in a chunk; {COPY_AGAIN}")
        else:
            chunks[name] = data[begin : begin + size]
        position = begin + -(-size // 8) * 8
    if samples is None:
        raise Damaged(f"is cut off: it has no data chunk; {COPY_AGAIN}")
    found = wav.Wav(chunks.get(b"fmt ", b""), chunks.get(b"fact", b""), samples)
    return wav.stream(data, found), min(position, len(data))
