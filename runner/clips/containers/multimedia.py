"""What ffmpeg decodes: MP4 (M4A, 3GP), Matroska (WebM), AMR and bare AAC; each must be whole."""

from __future__ import annotations

from runner.clips.containers.base import COPY_AGAIN, Damaged, Stream

EBML = bytes.fromhex("1A45DFA3")
_SEGMENT, _CLUSTER = 0x18538067, 0x1F43B675

_AMR_BYTES = {
    b"#!AMR\n": (13, 14, 16, 18, 20, 21, 27, 32, 6, *[1] * 7),
    b"#!AMR-WB\n": (18, 24, 33, 37, 41, 47, 51, 59, 61, 6, *[1] * 6),
}
"""Bytes of a frame by its type, with the byte that says the type."""

_AAC_RATES = (96, 88.2, 64, 48, 44.1, 32, 24, 22.05, 16, 12, 11.025, 8, 7.35)
_AAC_SAMPLES = 1024


def is_adts(data: bytes, start: int) -> bool:
    """Whether a frame of bare AAC begins here."""
    header = data[start : start + 7]
    return len(header) == 7 and header[0] == 0xFF and header[1] & 0xF6 == 0xF0


def read_mp4(data: bytes, start: int) -> tuple[Stream, int]:
    """The MP4 file that begins at `start`, which is all there may be.

    Raises:
        Damaged: it is cut off, or another one follows.
    """
    position = start
    names: list[bytes] = []
    while position < len(data):
        size = int.from_bytes(data[position : position + 4], "big")
        name = data[position + 4 : position + 8]
        if size == 1:
            size = int.from_bytes(data[position + 8 : position + 16], "big")
        elif size == 0:
            size = len(data) - position
        if name == b"ftyp" and names:
            raise Damaged("holds two MP4 files, one behind the other; split it")
        if size < 8 or position + size > len(data):
            raise Damaged(f"is cut off: {len(data)} of {position + size} bytes; {COPY_AGAIN}")
        names.append(name)
        position += size
    if b"moov" not in names:
        raise Damaged(f"is cut off: it lacks its index (moov); {COPY_AGAIN}")
    return Stream(data[start:], decoder="ffmpeg"), len(data)


def read_matroska(data: bytes, start: int) -> tuple[Stream, int]:
    """The Matroska or WebM file that begins at `start`, which is all there may be.

    Raises:
        Damaged: it is cut off, or another one follows.
    """
    position = start
    while position < len(data):
        if position > start and data.startswith(EBML, position):
            raise Damaged("holds two WebM files, one behind the other; split it")
        name, width = _number(data, position, keep_marker=True)
        size, more = _number(data, position + width, keep_marker=False)
        position += width + more
        # Live recorders do not know how long a segment or a cluster becomes.
        if name in (_SEGMENT, _CLUSTER) and size == (1 << 7 * more) - 1:
            continue
        if position + size > len(data):
            raise Damaged(f"is cut off: {len(data)} of {position + size} bytes; {COPY_AGAIN}")
        position += size
    return Stream(data[start:], decoder="ffmpeg"), len(data)


def _number(data: bytes, position: int, *, keep_marker: bool) -> tuple[int, int]:
    """A number of variable length, and its bytes."""
    first = data[position] if position < len(data) else 0
    width = 9 - first.bit_length()
    if not first or position + width > len(data):
        raise Damaged(f"is cut off; {COPY_AGAIN}")
    value = int.from_bytes(data[position : position + width], "big")
    return value if keep_marker else value & (1 << 7 * width) - 1, width


def read_amr(data: bytes, start: int) -> tuple[Stream, int]:
    """The AMR file that begins at `start`, which is all there may be.

    Raises:
        Damaged: it ends inside a frame, or has several channels.
    """
    header = next((header for header in _AMR_BYTES if data.startswith(header, start)), None)
    if header is None:
        raise Damaged("is AMR of several channels; convert it to FLAC")
    position, frames = start + len(header), 0
    while position < len(data):
        position += _AMR_BYTES[header][data[position] >> 3 & 15]
        frames += 1
    if position > len(data):
        raise Damaged(f"is cut off inside a frame; {COPY_AGAIN}")
    wide = header.startswith(b"#!AMR-WB")
    samples, rate = (320, 16_000) if wide else (160, 8_000)
    return Stream(data[start:], frames * samples, rate, samples, "ffmpeg"), len(data)


def read_adts(data: bytes, start: int) -> tuple[Stream, int]:
    """The bare AAC that begins at `start`, and the position behind it.

    Raises:
        Damaged: it ends inside a frame.
    """
    code = data[start + 2] >> 2 & 15
    if code >= len(_AAC_RATES):
        raise Damaged("is AAC of an unknown rate; replace the file")
    position, frames = start, 0
    while is_adts(data, position):
        size = int.from_bytes(data[position + 3 : position + 6], "big") >> 5 & 0x1FFF
        if size < 7 or position + size > len(data):
            raise Damaged(f"is cut off inside a frame; {COPY_AGAIN}")
        frames += 1 + (data[position + 6] & 3)
        position += size
    rate = round(_AAC_RATES[code] * 1000)
    found = Stream(data[start:position], frames * _AAC_SAMPLES, rate, _AAC_SAMPLES, "ffmpeg")
    return found, position
