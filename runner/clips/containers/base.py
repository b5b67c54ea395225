"""What a container says about its audio, apart from what a decoder makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Decoder = Literal["libsndfile", "ffmpeg"]

COPY_AGAIN = "copy it again"


class Damaged(Exception):
    """A file does not hold what it promises; the text goes on after the file's name."""


class NoDecoder(Exception):
    """A file may be whole, and this machine lacks what decodes it; the text likewise."""


@dataclass(frozen=True)
class Stream:
    """One stream of audio, ready for a decoder."""

    data: bytes
    """A whole file: the stream's own part, with true lengths in its header."""
    frames: int | None = None
    """Samples per channel that the container promises; None where it promises none."""
    rate: int = 0
    """Hz that `frames` are counted in; 0 where that is the decoder's rate."""
    block: int = 1
    """Samples that the codec cannot divide."""
    decoder: Decoder = "libsndfile"


@dataclass(frozen=True)
class Extent:
    """Where the samples of a file without a codec's own framing lie."""

    begin: int
    size: int
    """Bytes."""
    known: bool = True
    """Whether the header says the size; else the samples go on to the end."""

    @property
    def end(self) -> int:
        return self.begin + self.size


def extent(data: bytes, begin: int, size: int, *, unknown: bool) -> Extent:
    """Where samples lie that begin at `begin`.

    Args:
        data: The file.
        begin: The position of the first sample.
        size: Bytes, as the header says.
        unknown: Whether `size` is what writers put there who do not know it.

    Raises:
        Damaged: the file ends before the samples do.
    """
    there = len(data) - begin
    if size < 0 and not unknown:
        raise Damaged(f"has a header that says {size} bytes of audio; {COPY_AGAIN}")
    if unknown and there >= 0:
        return Extent(begin, there, known=False)
    if there < 0 or size > there:
        raise Damaged(f"is cut off: {max(there, 0)} of {max(size, 0)} bytes of audio; {COPY_AGAIN}")
    return Extent(begin, size)


def skip_tags(data: bytes, position: int) -> int:
    """The position behind zeros and tags of music players, which any file may begin or end with."""
    start = -1
    while start != position < len(data):
        start = position
        if data[position] == 0:
            position = len(data) - len(data[position:].lstrip(b"\0"))
        elif data.startswith(b"TAG", position):
            position += 128
        elif data.startswith(b"ID3", position) and position + 10 <= len(data):
            sizes = data[position + 6 : position + 10]
            position += 10 + sum((byte & 0x7F) << 7 * (3 - at) for at, byte in enumerate(sizes))
        elif data.startswith(b"APETAGEX", position) and position + 32 <= len(data):
            # The size counts the footer and not the header, which this may be.
            size = int.from_bytes(data[position + 12 : position + 16], "little")
            header = data[position + 23] >> 5 & 1
            position += size + 32 if header else 32
        elif data.startswith(b"LYRICSBEGIN", position):
            end = data.find(b"LYRICS200", position)
            position = len(data) if end < 0 else end + 9
    return min(position, len(data))
