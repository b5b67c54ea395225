"""WAV (RIFF, RIFX, RF64, BW64): the data chunk's size counts, whatever the file's own size says."""

from __future__ import annotations

from runner.clips.containers import wav
from runner.clips.containers.base import COPY_AGAIN, Damaged, Extent, Stream, extent

MARKERS = (b"RIFF", b"RIFX", b"RF64", b"BW64")

_UNKNOWN = 0x7FFF_0000
"""Bytes. Writers into a pipe put the largest size that they know, less a header of theirs."""

_ALL_ONES = 0xFFFF_FFFF


def read(data: bytes, start: int) -> tuple[Stream, int]:
    """The WAV that begins at `start`, and the position behind it.

    Raises:
        Damaged: it is cut off, has two data chunks or a format that contradicts itself.
    """
    if data[start + 8 : start + 12] != b"WAVE":
        raise Damaged("is a RIFF file but no WAV; convert it to FLAC")
    order = "big" if data.startswith(b"RIFX", start) else "little"
    chunks: dict[bytes, bytes] = {}
    samples: Extent | None = None
    position = start + 12
    while position + 8 <= len(data) and not data.startswith(MARKERS, position):
        name, begin = data[position : position + 4], position + 8
        size = int.from_bytes(data[position + 4 : begin], order)  # type: ignore[arg-type]
        if name == b"data":
            if samples is not None:
                raise Damaged("has two data chunks; convert it to FLAC")
            unknown = _UNKNOWN
            if size == _ALL_ONES and len(long := chunks.get(b"ds64", b"")) >= 16:
                size, unknown = int.from_bytes(long[8:16], "little"), _UNKNOWN << 32
            samples = _samples(data, begin, size, unknown)
            size = samples.size
        elif not _is_name(name) or begin + size > len(data):
            if samples is None:
                raise Damaged(f"is cut off in its header; {COPY_AGAIN}")
            break
        else:
            chunks[name] = data[begin : begin + size]
        position = begin + size
        # Some writers leave out the byte that makes a chunk even.
        unpadded = _is_name(data[position : position + 4])
        if size & 1 and not (unpadded and not _is_name(data[position + 1 : position + 5])):
            position += 1
    if samples is None:
        raise Damaged(f"is cut off: it has no data chunk; {COPY_AGAIN}")
    found = wav.Wav(chunks.get(b"fmt ", b""), chunks.get(b"fact", b""), samples, order == "big")
    return wav.stream(data, found), min(position, len(data))


def _samples(data: bytes, begin: int, size: int, unknown: int) -> Extent:
    """Where the samples lie.

    Args:
        data: The file.
        begin: The position of the first sample.
        size: Bytes, as the header says.
        unknown: The size from which a size that is not there stands for an unknown one.
    """
    there = len(data) - begin
    unfinished = size == 0 and there > 0 and not _chunk_follows(data, begin)
    if unfinished or there < size >= unknown:
        # Of two files that were joined the first does not know its end either.
        second = data.find(b"WAVEfmt ", begin)
        end = len(data) if second < 0 else second - 8
        return Extent(begin, end - begin, known=False)
    return extent(data, begin, size, unknown=False)


def _chunk_follows(data: bytes, position: int) -> bool:
    size = int.from_bytes(data[position + 4 : position + 8], "little")
    return _is_name(data[position : position + 4]) and position + 8 + size <= len(data)


def _is_name(name: bytes) -> bool:
    return len(name) == 4 and all(0x20 <= byte < 0x7F for byte in name)
