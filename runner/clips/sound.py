"""Waveforms that lie in memory, in a file, or in several places one behind the other."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from runner.clips.audio import from_int16, to_int16
from runner.clips.clip import Sound, Waveform
from runner.errors import UserError

_WIDTH = 2
"""Bytes of a sample."""


@dataclass(frozen=True, eq=False)
class Held(Sound):
    """A waveform in memory."""

    audio: Waveform

    def __len__(self) -> int:
        return len(self.audio)

    def waveform(self) -> Waveform:
        """See :class:`~runner.clips.clip.Sound`."""
        return self.audio

    def int16(self) -> NDArray[np.int16]:
        """See :class:`~runner.clips.clip.Sound`."""
        return to_int16(self.audio)

    def part(self, start: int, end: int) -> Held:
        """A copy: a view would keep the whole waveform in memory."""
        return Held(self.audio[start:end].copy())


class SampleFile:
    """16-bit samples, little endian, in a file that may grow, and may have lost its name."""

    def __init__(self, file: IO[bytes], offset: int = 0) -> None:
        """Reads them from `file`.

        Args:
            file: Open; it is closed with the last reference to it.
            offset: The byte that the first sample begins at.
        """
        self._file = file
        self._offset = offset

    def read(self, start: int, length: int) -> NDArray[np.int16]:
        """Some samples, shape (length,).

        Not by a memory map: what was read by one counts as this process's memory.

        Args:
            start: The first one.
            length: How many.

        Raises:
            UserError: the file is shorter by now, or its disk fails.
        """
        found = np.empty(length, dtype="<i2")
        left = memoryview(found.view(np.uint8).data)
        place = self._offset + _WIDTH * start
        try:
            while left:
                # At a place of its own: processes that were forked share the file's.
                count = os.preadv(self._file.fileno(), [left], place)
                if count == 0:
                    raise UserError(
                        "prepared speech has been cut off in the cache folder; run it again"
                    )
                left, place = left[count:], place + count
        except OSError as error:
            raise UserError(
                f"cannot read prepared speech in the cache folder ({error.strerror or error}); "
                "set data.cache or ASRPROF_CACHE to another folder"
            ) from error
        return found


@dataclass(frozen=True, eq=False, slots=True)
class Stored(Sound):
    """A waveform in a file."""

    file: SampleFile
    start: int
    """Its first sample."""
    length: int

    def __len__(self) -> int:
        return self.length

    def waveform(self) -> Waveform:
        """See :class:`~runner.clips.clip.Sound`."""
        return from_int16(self.int16())

    def int16(self) -> NDArray[np.int16]:
        """See :class:`~runner.clips.clip.Sound`."""
        return self.file.read(self.start, self.length)

    def part(self, start: int, end: int) -> Stored:
        """See :class:`~runner.clips.clip.Sound`."""
        return Stored(self.file, self.start + start, end - start)


@dataclass(frozen=True, eq=False)
class Joined(Sound):
    """Waveforms one behind the other, and silence up to a length."""

    parts: Sequence[Sound]
    length: int
    """Samples, as many as the parts have or more."""

    def __len__(self) -> int:
        return self.length

    def waveform(self) -> Waveform:
        """See :class:`~runner.clips.clip.Sound`."""
        audio = np.zeros(self.length, dtype=np.float32)
        end = 0
        for part in self.parts:
            audio[end : end + len(part)] = part.waveform()
            end += len(part)
        return audio

    def int16(self) -> NDArray[np.int16]:
        """See :class:`~runner.clips.clip.Sound`."""
        samples = np.zeros(self.length, dtype="<i2")
        end = 0
        for part in self.parts:
            samples[end : end + len(part)] = part.int16()
            end += len(part)
        return samples

    def part(self, start: int, end: int) -> Held:
        """See :class:`~runner.clips.clip.Sound`."""
        return Held(self.waveform()[start:end].copy())


class Spill:
    """Keeps waveforms in a file without a name, which is gone with the last of them."""

    def __init__(self, folder: Path) -> None:
        """Takes the folder of the file; where none can be made there, memory does.

        Args:
            folder: It need not exist.
        """
        self._out: IO[bytes] | None = None
        self._end = 0
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            self._out = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (closed with the last)
            self._file = SampleFile(self._out)

    def keep(self, audio: Waveform) -> Sound:
        """The waveform, on disk where there is room for it.

        Args:
            audio: Shape (samples,).
        """
        if self._out is None:
            return Held(audio)
        try:
            self._out.write(to_int16(audio).tobytes())
            self._out.flush()
        except OSError:
            # Who writes the clips says what to do where there is no room.
            self._out = None
            return Held(audio)
        start, self._end = self._end, self._end + len(audio)
        return Stored(self._file, start, len(audio))
