"""MP3 and its older layers: frames counted by their headers, against what Xing or VBRI promise."""

from __future__ import annotations

from dataclasses import dataclass

from runner.clips.containers.base import COPY_AGAIN, Damaged, Stream, skip_tags

_BITRATES = {  # kbit/s by (version 1, layer)
    (True, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_TAG = b"ID3\3\0\0\0\0\0\n" + bytes(10)
"""An empty tag. Of MP3 without one libsndfile looks for a file ``._`` in the current folder first,
and takes the MP3 for a resource fork where there is one."""

_FRAMES, _BYTES, _TABLE, _QUALITY = 1, 2, 4, 8


@dataclass(frozen=True)
class _Frame:
    """What the header of a frame says."""

    start: int
    length: int
    """Bytes."""
    samples: int
    rate: int
    kind: tuple[int, int, int]
    """Version, layer and rate code: the same for all frames of a stream."""
    side: int
    """Bytes from the frame's start to where a Xing header stands."""


@dataclass(frozen=True)
class _Promise:
    """What stands in place of a stream's first frame."""

    frames: int | None
    trimmed: int = 0
    """Samples of the encoder's own, before and behind the audio."""


def is_mpeg(data: bytes, start: int) -> bool:
    """Whether two frames in a row begin here, or the one frame that there is."""
    frame = _frame(data, start)
    if frame is None:
        return False
    end = start + frame.length
    after = _frame(data, end)
    return end == len(data) or (after is not None and after.kind == frame.kind)


def read(data: bytes, start: int) -> tuple[Stream, int]:
    """The MPEG audio stream that begins at `start`, and the position behind it.

    Raises:
        Damaged: it is cut off, or what is between its frames is no audio.
    """
    first = _frame(data, start)
    assert first is not None  # by `is_mpeg`
    promise = _promise(data, first)
    position = start + first.length if promise else start
    frames: list[_Frame] = []
    while True:
        frame = _frame(data, position)
        if frame is None or position + frame.length > len(data):
            break
        if frames or promise:
            other = frame.kind != first.kind
            if other or _promise(data, frame):
                break
        frames.append(frame)
        position += frame.length
    count, promised = len(frames), promise.frames if promise else None
    if promised is not None and count < promised - 1:
        raise Damaged(f"is cut off: {count} of {promised} frames; {COPY_AGAIN}")
    if promised is None and _frame(data, position) is not None and _partial(data, position):
        raise Damaged(f"is cut off inside a frame; {COPY_AGAIN}")
    if not frames:
        raise Damaged("holds no frame of audio; replace the file")
    trimmed = promise.trimmed if promise and count == promised else 0
    # mpg123 guesses lengths where no header tells them, and libsndfile stops there.
    body = data[frames[0].start : position]
    header = data[start : start + first.length] if trimmed else b""
    if not header and first.kind[1] == 3:
        header = _info(first, data, count)
    return Stream(
        _TAG + header + body, count * first.samples - trimmed, first.rate, first.samples
    ), (_behind(data, position))


def _behind(data: bytes, position: int) -> int:
    """The position behind a last frame that is not whole, and tags."""
    if _partial(data, position):
        return len(data)
    return skip_tags(data, position)


def _partial(data: bytes, position: int) -> bool:
    frame = _frame(data, position)
    return frame is not None and position + frame.length > len(data)


def _frame(data: bytes, start: int) -> _Frame | None:
    """The frame whose header stands at `start`; None where there is none."""
    if start + 4 > len(data) or data[start] != 0xFF or data[start + 1] < 0xE0:
        return None
    version, layer = data[start + 1] >> 3 & 3, 4 - (data[start + 1] >> 1 & 3)
    bitrate, rate = data[start + 2] >> 4, data[start + 2] >> 2 & 3
    if version == 1 or layer == 4 or bitrate in (0, 15) or rate == 3:
        return None
    kbits, hertz = _BITRATES[version == 3, layer][bitrate], _RATES[version][rate]
    samples = 384 if layer == 1 else 576 if layer == 3 and version != 3 else 1152
    padding = data[start + 2] >> 1 & 1
    if layer == 1:
        length = (12_000 * kbits // hertz + padding) * 4
    else:
        length = samples // 8 * 1000 * kbits // hertz + padding
    mono = data[start + 3] >> 6 == 3
    side = {(True, False): 36, (True, True): 21, (False, False): 21, (False, True): 13}[
        version == 3, mono
    ]
    return _Frame(start, length, samples, hertz, (version, layer, rate), side)


def _promise(data: bytes, frame: _Frame) -> _Promise | None:
    """What a frame promises that stands for no audio; None where it is audio."""
    if frame.kind[1] != 3:
        return None
    if data.startswith(b"VBRI", frame.start + 36):
        place = frame.start + 36 + 14
        return _Promise(int.from_bytes(data[place : place + 4], "big"))
    place = frame.start + frame.side
    if not data.startswith((b"Xing", b"Info"), place):
        return None
    flags = int.from_bytes(data[place + 4 : place + 8], "big")
    place += 8
    frames = int.from_bytes(data[place : place + 4], "big") if flags & _FRAMES else None
    for flag, size in ((_FRAMES, 4), (_BYTES, 4), (_TABLE, 100), (_QUALITY, 4)):
        place += size if flags & flag else 0
    trimmed = 0
    if data[place : place + 4] in (b"LAME", b"Lavc", b"Lavf"):
        both = int.from_bytes(data[place + 21 : place + 24], "big")
        trimmed = (both >> 12) + (both & 0xFFF)
    return _Promise(frames, trimmed)


def _info(frame: _Frame, data: bytes, count: int) -> bytes:
    """A first frame that says how many follow, of the highest bit rate, which has room for it."""
    header = bytearray(data[frame.start : frame.start + 4])
    header[1] |= 1  # no checksum
    header[2] = 0xE0 | header[2] & 0x0C
    made = _frame(bytes(header), 0)
    assert made is not None
    body = b"\0" * (made.side - 4) + b"Xing" + _FRAMES.to_bytes(4, "big") + count.to_bytes(4, "big")
    return (bytes(header) + body).ljust(made.length, b"\0")
