"""Audio that is decoded already, kept while a corpus is being prepared.

A preparation that is interrupted is taken up where it was: what was decoded lies in the cache, by
the content of its file, and goes when all is read. Every process writes files of its own, so
several may prepare the same corpus.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from runner.clips.audio import from_int16, to_int16
from runner.clips.clip import Waveform

_FORMAT = 1
_INDEX, _SAMPLES = ".index", ".samples"


@dataclass(frozen=True)
class _Place:
    """Where the samples of a file lie."""

    samples: NDArray[np.int16]
    start: int
    length: int
    checksum: int


class Decoded:
    """The waveforms of files that were decoded before."""

    def __init__(self, folder: Path) -> None:
        """Takes the folder that they lie in; it need not exist."""
        self._folder = folder
        self._places: dict[str, _Place] = {}
        self._out: tuple[IO[bytes], IO[bytes]] | None = None
        self._written = 0
        self._full = False
        for index in folder.glob(f"*{_INDEX}"):
            with contextlib.suppress(OSError, ValueError):
                self._load(index)

    def __len__(self) -> int:
        """How many files were decoded when this was opened."""
        return len(self._places)

    def get(self, data: bytes, channel: int | None) -> Waveform | None:
        """The waveform of a file, None where it is not kept.

        Args:
            data: The file.
            channel: The one that is meant; the mean of all when None.
        """
        place = self._places.get(_key(data, channel))
        if place is None:
            return None
        samples = np.array(place.samples[place.start : place.start + place.length])
        return from_int16(samples) if zlib.crc32(samples.tobytes()) == place.checksum else None

    def put(self, data: bytes, channel: int | None, audio: Waveform) -> None:
        """Keep a waveform, where there is room for it.

        Args:
            data: The file that it was decoded from.
            channel: The one that is meant; the mean of all when None.
            audio: Shape (samples,).
        """
        if self._full:
            return
        samples = to_int16(audio).tobytes()
        try:
            if self._out is None:
                self._out = self._begin()
            index, out = self._out
            out.write(samples)
            line = f"{_key(data, channel)} {self._written} {len(audio)} {zlib.crc32(samples)}\n"
            index.write(line.encode())
            self._written += len(audio)
        except OSError:
            # The clips need the room more, and say what to do where there is none.
            self._full = True
            self.remove()

    def close(self) -> None:
        """Write what is still in memory."""
        for file in self._out or ():
            with contextlib.suppress(OSError):
                file.close()

    def remove(self) -> None:
        """Everything is read: nothing need be kept."""
        self.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _begin(self) -> tuple[IO[bytes], IO[bytes]]:
        self._folder.mkdir(parents=True, exist_ok=True)
        name = Path(tempfile.mkdtemp(prefix="part-", dir=self._folder)).name
        (self._folder / name).rmdir()  # the name alone: nobody else takes it
        first, second = (self._folder / f"{name}{end}" for end in (_INDEX, _SAMPLES))
        return first.open("wb"), second.open("wb")

    def _load(self, index: Path) -> None:
        samples = np.memmap(index.with_suffix(_SAMPLES), dtype="<i2", mode="r")
        for line in index.read_text(encoding="ascii").splitlines():
            # The last one may be half a line.
            key, *numbers = line.split()
            start, length, checksum = map(int, numbers)
            if len(key) == 64 and start + length <= len(samples):
                self._places[key] = _Place(samples, start, length, checksum)


@contextlib.contextmanager
def kept(root: Path, *corpus: object) -> Iterator[Decoded]:
    """What of a corpus was decoded before; removed where the block ends without an error.

    Args:
        root: The cache folder.
        corpus: What tells it from others.
    """
    versions = (_FORMAT, soundfile.__libsndfile_version__, soxr.__version__)
    name = hashlib.sha256(repr((*versions, *corpus)).encode()).hexdigest()[:32]
    decoded = Decoded(root / "decoded" / name)
    try:
        yield decoded
    finally:
        decoded.close()
    decoded.remove()


def _key(data: bytes, channel: int | None) -> str:
    return hashlib.sha256(f"{channel} ".encode() + data).hexdigest()
