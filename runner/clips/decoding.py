"""Streams of audio to samples, block by block: libsndfile, and ffmpeg where it is installed."""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from runner.catalogue.extras import pip_command
from runner.clips.containers.base import COPY_AGAIN, Damaged, NoDecoder, Stream
from runner.clips.undisturbed import whole

LONGEST_S = 24 * 3600.0
"""A header that promises more is a mistake, and what holds more fits in no memory."""

TOLERANCE_S = 0.05
"""By so much may a length differ from what the container promises, or by a block of its codec."""

RATES = range(2_000, 1_000_001)
"""Sampling rates in Hz that speech may have."""

_LONGEST_DELAY = 2_048
"""Samples. Encoders of AAC put a frame of their own in front."""

_BLOCK_VALUES = 1 << 20
_REPLACE = "convert it to FLAC, or replace it"


@dataclass(frozen=True)
class Block:
    """Some samples in a row."""

    samples: NDArray[np.float64]
    """Shape (frames, channels), full scale 1."""
    rate: int
    """Hz."""


def decode(stream: Stream) -> Iterator[Block]:
    """The samples of a stream, as many as its container promises.

    Raises:
        Damaged: they are fewer or more than promised, or no decoder reads them.
        NoDecoder: ffmpeg is needed and not installed.
    """
    _check_rate(stream.rate or RATES[-1])
    _check_length((stream.frames or 0) / (stream.rate or RATES[-1]))
    try:
        yield from _as_promised(stream)
    except (soundfile.SoundFileError, ValueError, OSError, RuntimeError, EOFError) as error:
        raise Damaged(f"cannot be decoded ({_plain(error)}); {_REPLACE}") from error


def _as_promised(stream: Stream) -> Iterator[Block]:
    libsndfile = stream.decoder == "libsndfile"
    blocks = whole(_by_libsndfile(stream)) if libsndfile else _by_ffmpeg(stream)
    done, rate = 0, 0
    for block in blocks:
        if rate not in (0, block.rate):
            raise Damaged("changes its sampling rate; convert it to FLAC")
        rate = block.rate
        promised = _promised(stream, rate)
        before, done = done, done + len(block.samples)
        _check_length(done / rate)
        samples = block.samples
        if promised is not None and done > promised:
            # libsndfile reads one block too many of GSM where their number is odd.
            if done - promised > 2 * _tolerance(stream, rate):
                raise Damaged(
                    f"holds more than the {promised / rate:.3f} s that it promises; convert it "
                    "to FLAC"
                )
            # What fills the last block of a codec.
            samples = samples[: max(0, promised - before)]
        yield Block(samples, rate)
    promised = _promised(stream, rate)
    if promised is not None and promised - done > _tolerance(stream, rate):
        of = f"{done / rate:.3f} of {promised / rate:.3f} s" if rate else f"0 of {promised} samples"
        raise Damaged(f"is cut off: {of}; {COPY_AGAIN}")


def _promised(stream: Stream, rate: int) -> int | None:
    """Promised samples at the decoder's rate."""
    if stream.frames is None:
        return None
    return round(stream.frames * rate / stream.rate) if stream.rate and rate else stream.frames


def _tolerance(stream: Stream, rate: int) -> float:
    block = stream.block * rate / stream.rate if stream.rate else stream.block
    return max(TOLERANCE_S * rate, block)


def _by_libsndfile(stream: Stream) -> Generator[Block, None, None]:
    with soundfile.SoundFile(io.BytesIO(stream.data)) as file:
        rate, channels = int(file.samplerate), int(file.channels)
        _check_rate(rate)
        # A length of 2^63 - 1 says that libsndfile does not know it.
        _check_length(file.frames / rate if file.frames < 1 << 62 else 0.0)
        while len(samples := file.read(max(_BLOCK_VALUES // channels, 1), "float64", True)):
            yield Block(samples, rate)


def _by_ffmpeg(stream: Stream) -> Iterator[Block]:
    try:
        import av
    except ImportError as error:
        raise NoDecoder(
            f"needs ffmpeg's decoders: {pip_command('av')}, or convert it to FLAC"
        ) from error
    try:
        yield from _opened_by_ffmpeg(stream, av)
    except av.error.FFmpegError as error:
        raise Damaged(f"cannot be decoded ({_plain(error)}); {_REPLACE}") from error


def _opened_by_ffmpeg(stream: Stream, av: Any) -> Iterator[Block]:
    # A title that is no UTF-8 says nothing of the audio.
    with av.open(io.BytesIO(stream.data), "r", metadata_errors="replace") as container:
        audio = container.streams.audio
        if len(audio) != 1:
            raise Damaged(f"holds {len(audio)} audio streams; convert the one that is meant")
        resampler = av.AudioResampler(format="dblp")
        seconds, longest = 0.0, 0.0
        for frame in container.decode(audio[0]):
            for part in resampler.resample(frame):
                values = np.asarray(part.to_ndarray(), dtype=np.float64).T
                seconds += len(values) / part.sample_rate
                longest = max(longest, len(values) / part.sample_rate)
                yield Block(values, part.sample_rate)
        delay_s = min(longest, _LONGEST_DELAY / max(audio[0].rate, 1))
        _check_whole(seconds, max(delay_s, TOLERANCE_S), audio[0], container)


def _check_whole(seconds: float, tolerance_s: float, audio: Any, container: Any) -> None:
    """Refuse what is shorter than its index says.

    Args:
        seconds: What was decoded.
        tolerance_s: A frame of AAC: an encoder's delay is part of the length that some state.
        audio: The stream of PyAV.
        container: Of PyAV, in microseconds.
    """
    promised = 0.0
    if audio.duration is not None:
        promised = float(audio.duration * audio.time_base)
    elif container.duration is not None:
        promised = container.duration / 1e6
    if promised - seconds > tolerance_s:
        raise Damaged(f"is cut off: {seconds:.3f} of {promised:.3f} s; {COPY_AGAIN}")


def _check_rate(rate: int) -> None:
    if rate not in RATES:
        raise Damaged(f"has a sampling rate of {rate} Hz; replace the file")


def _check_length(seconds: float) -> None:
    if seconds > LONGEST_S:
        raise Damaged(
            f"promises {seconds / 3600:.0f} hours, more than {LONGEST_S / 3600:.0f}; "
            "write its header anew, or split it"
        )


def _plain(error: Exception) -> str:
    """The library's reason on one line, without the memory address of our buffer."""
    return " ".join(str(error).rsplit(": ", 1)[-1].split()).rstrip(".") or type(error).__name__
