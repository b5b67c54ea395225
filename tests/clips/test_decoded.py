"""A preparation that is interrupted is taken up where it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from runner.clips import prepare, reading
from runner.clips.decoded import Decoded, kept
from runner.config import Data


class Decoder:
    """Decodes as ever, counts, and is interrupted after so many files."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.most = 1000
        self._real = reading.read_audio
        monkeypatch.setattr(reading, "read_audio", self)

    def __call__(self, *arguments, **options):
        if self.count >= self.most:
            raise KeyboardInterrupt
        self.count += 1
        return self._real(*arguments, **options)


@pytest.fixture
def decoder(monkeypatch: pytest.MonkeyPatch) -> Decoder:
    return Decoder(monkeypatch)


def data(folder: Path, cache: Path) -> Data:
    return Data(source="folder", path=str(folder), cache=str(cache))


def interrupted(decoder: Decoder, folder: Path, cache: Path, most: int) -> None:
    decoder.count, decoder.most = 0, most
    with pytest.raises(KeyboardInterrupt):
        prepare(data(folder, cache), audio_seconds=5.0, seed=1)


def finished(decoder: Decoder, folder: Path, cache: Path) -> tuple[int, str]:
    """How many files were decoded, and the fingerprint."""
    decoder.count, decoder.most = 0, 1000
    found = prepare(data(folder, cache), audio_seconds=5.0, seed=1)
    return decoder.count, found.fingerprint


def test_no_file_is_decoded_twice_and_nothing_stays(folder, decoder, tmp_path):
    cache = tmp_path / "cache"
    whole = finished(decoder, folder, tmp_path / "other")
    interrupted(decoder, folder, cache, 2)
    interrupted(decoder, folder, cache, 3)
    assert len(list((cache / "decoded").iterdir())) == 1
    assert finished(decoder, folder, cache) == (1, whole[1])
    assert whole[0] == 6
    assert list((cache / "decoded").iterdir()) == []


def test_a_file_that_has_changed_is_decoded_again(folder, decoder, tmp_path):
    cache = tmp_path / "cache"
    interrupted(decoder, folder, cache, 4)
    (folder / "a0.flac").write_bytes((folder / "a5.flac").read_bytes())
    # a4 as ever, and what a0 and a5 both hold, once.
    count, fingerprint = finished(decoder, folder, cache)
    assert count == 2
    assert fingerprint == finished(decoder, folder, tmp_path / "other")[1]


@pytest.mark.parametrize("damage", ["index", "samples", "shorter", "gone"])
def test_damage_costs_time_and_no_more(damage, folder, decoder, tmp_path):
    cache = tmp_path / "cache"
    whole = finished(decoder, folder, tmp_path / "other")
    interrupted(decoder, folder, cache, 4)
    (samples,) = (cache / "decoded").glob("*/*.samples")
    (index,) = (cache / "decoded").glob("*/*.index")
    if damage == "index":
        index.write_bytes(index.read_bytes()[:-40])  # as if the machine had gone off
    elif damage == "samples":
        content = bytearray(samples.read_bytes())
        content[100] ^= 1
        samples.write_bytes(content)
    elif damage == "shorter":
        samples.write_bytes(samples.read_bytes()[:-4])
    else:
        samples.unlink()
    count, fingerprint = finished(decoder, folder, cache)
    assert count == (6 if damage == "gone" else 3)
    assert fingerprint == whole[1]


def test_another_corpus_and_channel_are_others(tmp_path):
    audio = np.full(16, 0.5, dtype=np.float32)
    with pytest.raises(RuntimeError), kept(tmp_path, "one") as first:
        assert np.array_equal(first.put(b"file", None, audio).waveform(), audio)
        raise RuntimeError
    with pytest.raises(RuntimeError), kept(tmp_path, "one") as first:
        found = first.get(b"file", None)
        assert found is not None
        assert np.array_equal(found.waveform(), audio)
        assert first.get(b"file", 0) is None
        assert first.get(b"other", None) is None
        raise RuntimeError
    with kept(tmp_path, "two") as second:
        assert len(second) == 0


def test_a_folder_that_cannot_be_written_ends_nothing(tmp_path):
    (tmp_path / "decoded").write_text("a file")
    decoded = Decoded(tmp_path / "decoded" / "x")
    audio = np.full(16, 0.5, dtype=np.float32)
    for _ in range(2):
        assert np.array_equal(decoded.put(b"file", None, audio).waveform(), audio)
    assert decoded.get(b"file", None) is None
    decoded.close()
