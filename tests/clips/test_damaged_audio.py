"""Cut off, altered and damaged files: each is read right, or refused in one line."""

import functools
import re
import zlib

import numpy as np
import pytest

from runner.clips.audio import read_audio
from runner.clips.clip import SAMPLE_RATE
from runner.clips.containers.reading import streams
from runner.clips.decoding import decode
from runner.errors import UserError
from tests.clips.audio_files import LOSSLESS, LOSSY, speech_like

MAKERS = LOSSLESS | LOSSY
CUTS = 10
TOLERANCES = {"mp2": 1_152, "mp3": 1_600}
"""Samples, where 50 ms are too few: a frame whose own header is damaged, and the encoder's delay
and padding where the first frame does not tell them any more."""

REMEDY = re.compile(
    r"copy it again|convert|replace the file|split it|write its header anew|raise its level|"
    r"scale them|invert one|or replace it"
)


@functools.cache
def whole(container: str) -> bytes:
    return MAKERS[container](speech_like())


@functools.cache
def length(container: str) -> int:
    return len(read_audio(whole(container), "x"))


def lengths_of(container: str, data: bytes) -> int | None:
    """Samples that are read; None where the file is refused in one line that is of use."""
    try:
        return len(read_audio(data, "some.file"))
    except UserError as error:
        message = str(error)
        assert message.startswith("some.file"), message
        assert "\n" not in message
        assert "object at 0x" not in message
        assert REMEDY.search(message), message
        return None


@pytest.mark.parametrize("container", MAKERS)
def test_a_file_that_is_cut_off_is_refused_or_all_there(container):
    data = whole(container)
    random = np.random.default_rng(zlib.crc32(container.encode()))
    refused = 0
    for cut in range(CUTS):
        size = int(len(data) * (cut + random.random()) / CUTS)
        read = lengths_of(container, data[:size]) if size else None
        refused += read is None
        if read is not None:
            assert abs(read - length(container)) <= 0.05 * SAMPLE_RATE, (size, len(data))
    assert refused >= CUTS - 1, "a last cut may be inside the last frame"


@pytest.mark.parametrize("container", MAKERS)
def test_a_damaged_header_is_read_right_or_refused(container):
    data = bytearray(whole(container))
    random = np.random.default_rng(zlib.crc32(container.encode()))
    for _ in range(12):
        place = int(random.integers(0, 128))
        altered = bytes(data[:place]) + bytes([random.integers(256)]) + bytes(data[place + 1 :])
        if lengths_of(container, altered) is None:
            continue
        # Another rate makes another length; as many samples must come out all the same.
        found, promised = samples_of(altered), samples_of(bytes(data))
        assert abs(found - promised) <= TOLERANCES.get(container, 800), (
            place,
            altered[place],
            data[place],
        )


def samples_of(data: bytes) -> int:
    """Samples per channel at the file's own rate."""
    return sum(len(block.samples) for stream in streams(data) for block in decode(stream))
