"""Audio with headers of numbers that cannot be, and with titles that are no Unicode."""

from __future__ import annotations

import random
import struct

import numpy as np
import pytest

from runner.clips.audio import read_audio
from runner.errors import UserError
from tests.clips.audio_files import LOSSLESS, LOSSY, encode, mux, speech_like

SPEECH = speech_like(seconds=0.5)
TITLE = b"a title of some words"
KINDS = LOSSLESS | LOSSY


def titled(format: str, codec: str, title: bytes) -> bytes:
    """A file by ffmpeg with a title of any bytes."""
    data = mux(SPEECH, format, codec, title=TITLE.decode())
    assert data.count(TITLE) >= 1
    return data.replace(TITLE, title.ljust(len(TITLE)))


@pytest.mark.parametrize(
    ("format", "codec"),
    [("ipod", "aac"), ("mp4", "alac"), ("webm", "libopus"), ("matroska", "flac"), ("ogg", "flac")],
)
@pytest.mark.parametrize("title", ["Gespräch".encode("latin-1"), b"\xff\xfe\x00\xd8", b"\x80" * 20])
def test_a_title_that_is_no_unicode_is_no_matter(format: str, codec: str, title: bytes) -> None:
    heard = read_audio(titled(format, codec, title), "x")
    assert np.array_equal(heard, read_audio(titled(format, codec, TITLE), "x"))


@pytest.mark.parametrize("size", [-2, -12, -100, -(1 << 62), 1 << 62])
def test_a_caf_of_a_size_that_cannot_be_is_refused(size: int) -> None:
    caf = encode(SPEECH, format="CAF", subtype="PCM_16")
    place = caf.index(b"data") + 4
    broken = caf[:place] + struct.pack(">q", size) + caf[place + 8 :]
    with pytest.raises(
        UserError, match=r"^x (has a header that says|is cut off: ).*copy it again$"
    ):
        read_audio(broken, "x")


@pytest.mark.parametrize("offset", [0, 1, 4, 23])
@pytest.mark.parametrize("size", [0, 100, 0xFFFF_FFFF])
def test_an_au_whose_samples_begin_in_its_header_is_refused(offset: int, size: int) -> None:
    au = encode(SPEECH, format="AU", subtype="PCM_16")
    with pytest.raises(UserError, match=rf"begin in it, at byte {offset}; copy it again$"):
        read_audio(au[:4] + struct.pack(">II", offset, size) + au[12:], "x")
    behind = read_audio(au[:4] + struct.pack(">II", 24 + 2, len(au) - 26) + au[12:], "x")
    assert len(behind) in (len(SPEECH) - 1, len(SPEECH))


@pytest.mark.parametrize("kind", KINDS)
def test_a_header_of_extremes_is_read_or_refused_in_one_line(kind: str) -> None:
    whole = KINDS[kind](SPEECH)
    for seed in range(4):
        drawn, data = random.Random(f"{kind} {seed}"), bytearray(whole)
        for _ in range(drawn.randint(1, 4)):
            place, width = drawn.randrange(4, min(len(data), 160)), drawn.choice((1, 2, 4, 8))
            data[place : place + width] = drawn.choice((b"\0", b"\xff", b"\x7f", b"\x80")) * width
        try:
            audio = read_audio(bytes(data), "x")
        except UserError as error:
            assert str(error).startswith("x")
            assert ";" in str(error)
        else:
            assert np.isfinite(audio).all()
