"""Audio that is decoded already, kept on disk while a corpus is being prepared.

A preparation that is interrupted is taken up where it was: what was decoded lies in the cache, by
the content of its file, and loses its name when all is read; the disk has it until the last
utterance is gone. Every process writes files of its own, so several may prepare the same corpus.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import soundfile
import soxr

from runner.clips.audio import to_int16
from runner.clips.clip import Sound, Waveform
from runner.clips.sound import Held, SampleFile, Stored
from runner.errors import UserError

_FORMAT = 1
_INDEX, _SAMPLES = ".index", ".samples"


@dataclass(frozen=True)
class _Place:
    """Where the samples of a file lie."""

    sound: Stored
    checksum: int


class Decoded:
    """The waveforms of files that were decoded before."""

    def __init__(self, folder: Path) -> None:
        """Takes the folder that they lie in; it need not exist."""
        self._folder = folder
        self._places: dict[str, _Place] = {}
        self._out: tuple[IO[bytes], IO[bytes]] | None = None
        self._own: SampleFile | None = None
        """What is written here, to be read."""
        self._written = 0
        self._full = False
        for index in folder.glob(f"*{_INDEX}"):
            with contextlib.suppress(OSError, ValueError):
                self._load(index)

    def __len__(self) -> int:
        """How many files are decoded."""
        return len(self._places)

    def get(self, data: bytes, channel: int | None) -> Sound | None:
        """The waveform of a file, None where it is not kept, or not as it was written.

        Args:
            data: The file.
            channel: The one that is meant; the mean of all when None.
        """
        place = self._places.get(_key(data, channel))
        if place is None:
            return None
        try:
            checksum = zlib.crc32(place.sound.int16().data)
        except UserError:
            return None
        return place.sound if checksum == place.checksum else None

    def put(self, data: bytes, channel: int | None, audio: Waveform) -> Sound:
        """Keep a waveform, in memory where the disk has no room for it.

        Args:
            data: The file that it was decoded from.
            channel: The one that is meant; the mean of all when None.
            audio: Shape (samples,).
        """
        if self._full:
            return Held(audio)
        samples = to_int16(audio).tobytes()
        try:
            if self._out is None or self._own is None:
                self._out = self._begin()
                self._own = SampleFile(Path(self._out[1].name).open("rb"))  # noqa: SIM115
            index, out = self._out
            out.write(samples)
            out.flush()  # it is read by another name
            place = _Place(Stored(self._own, self._written, len(audio)), zlib.crc32(samples))
            key = _key(data, channel)
            index.write(f"{key} {self._written} {len(audio)} {place.checksum}\n".encode())
        except OSError:
            # The clips need the room more, and say what to do where there is none.
            self._full = True
            self.remove()
            return Held(audio)
        self._written += len(audio)
        self._places[key] = place
        return place.sound

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
        file = index.with_suffix(_SAMPLES).open("rb")
        samples, held = SampleFile(file), os.fstat(file.fileno()).st_size // 2
        for line in index.read_text(encoding="ascii").splitlines():
            # The last one may be half a line.
            key, *numbers = line.split()
            start, length, checksum = map(int, numbers)
            if len(key) == 64 and start + length <= held:
                self._places[key] = _Place(Stored(samples, start, length), checksum)


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
