"""Headers that are read without a decoder say what the decoder says, or are left to it."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from runner.clips.first_bytes import Header, first_bytes
from runner.clips.headers import read_header
from runner.errors import UserError

KINDS = [
    ("WAV", "PCM_U8"),
    ("WAV", "PCM_16"),
    ("WAV", "PCM_24"),
    ("WAV", "PCM_32"),
    ("WAV", "FLOAT"),
    ("WAV", "DOUBLE"),
    ("FLAC", "PCM_S8"),
    ("FLAC", "PCM_16"),
    ("FLAC", "PCM_24"),
]


def encoded(kind: str, subtype: str, rate: int = 16_000, channels: int = 2) -> bytes:
    samples = np.random.default_rng(0).normal(0, 0.1, (5_003, channels))
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=kind, subtype=subtype)
    return file.getvalue()


def with_block(flac: bytes, length: int) -> bytes:
    """The FLAC with one more block of metadata, as a cover is, behind the first."""
    block = bytes([flac[4] & 0x80 | 6]) + length.to_bytes(3, "big") + bytes(length)
    return flac[:4] + bytes([flac[4] & 0x7F]) + flac[5:42] + block + flac[42:]


@pytest.mark.parametrize(("kind", "subtype"), KINDS)
@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (44_100, 2), (192_000, 6)])
def test_usual_headers_are_read_as_libsndfile_reads_them(
    kind: str, subtype: str, rate: int, channels: int, tmp_path: Path
) -> None:
    data = encoded(kind, subtype, rate, channels)
    (tmp_path / "file").write_bytes(data)
    with soundfile.SoundFile(io.BytesIO(data)) as at:
        heard = Header(at.frames / at.samplerate, at.samplerate, at.channels)
    assert heard == Header(5_003 / rate, rate, channels)
    for source in (data, str(tmp_path / "file")):
        found = first_bytes(source)
        # More than two channels, and 24 bits, may be written in the extensible manner.
        assert found == heard or (kind == "WAV" and found is None and data[20:22] != b"\1\0")
        assert read_header(source, "file") == heard


@pytest.mark.parametrize("length", [0, 100, 4_050, 4_096, 300_000])
def test_a_cover_in_a_flac_is_passed_over(length: int, tmp_path: Path) -> None:
    data = with_block(encoded("FLAC", "PCM_16"), length)
    (tmp_path / "file").write_bytes(data)
    assert first_bytes(str(tmp_path / "file")) == Header(5_003 / 16_000, 16_000, 2)
    for end in (10, 41, 44, 46 + length, len(data) // 2 if length > 10_000 else 43):
        (tmp_path / "file").write_bytes(data[:end])
        assert first_bytes(str(tmp_path / "file")) is None


@pytest.mark.parametrize("name", [b"LIST", b"bext", b"\xa9 by"])
def test_a_wav_that_is_cut_off_or_odd_is_left_to_the_decoder(name: bytes, tmp_path: Path) -> None:
    data = encoded("WAV", "PCM_16")
    # A chunk of an odd length before the samples, with the byte that makes it even.
    odd = data[:36] + name + (5_001).to_bytes(4, "little") + bytes(5_002) + data[36:]
    usual = name.isascii()
    assert first_bytes(odd) == (Header(5_003 / 16_000, 16_000, 2) if usual else None)
    assert first_bytes(odd[:-1]) is None
    assert first_bytes(data[:36] + odd[36 : 44 + 5_001] + data[36:]) is None
    assert first_bytes(data[:36]) is None
    for place, value in ((4, b"\0\0\0\0"), (40, b"\0\0\0\0"), (40, b"\xff\xff\xff\xff")):
        changed = data[:place] + value + data[place + 4 :]
        found = first_bytes(changed)
        assert found == (Header(5_003 / 16_000, 16_000, 2) if place == 4 else None)
    contradicting = data[:32] + b"\3\0" + data[34:]
    assert first_bytes(contradicting) is None
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UserError, match="is empty"):
        read_header(str(tmp_path / "file"), "file")
