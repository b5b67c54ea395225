"""Audio files of every accepted container, made in memory."""

from __future__ import annotations

import io
import math
from collections.abc import Callable

import av
import numpy as np
import soundfile

RATE = 16_000


def speech_like(rate: int = RATE, seconds: float = 1.0, seed: int = 1) -> np.ndarray:
    """A tone with noise, on the 16-bit grid; its pitch rises, so that no part is like another."""
    time = np.arange(round(rate * seconds)) / rate
    tone = 0.3 * np.sin(2 * math.pi * (300 + 200 * time) * time)
    noise = 0.02 * np.random.default_rng(seed).standard_normal(len(time))
    return np.rint((tone + noise) * 32768) / 32768


def encode(samples: np.ndarray, rate: int = RATE, **options) -> bytes:
    """A file by libsndfile; `options` are those of `soundfile.write`."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate, **options)
    return file.getvalue()


class _Pipe:
    """What can be written and not gone back in."""

    def __init__(self) -> None:
        self.written = io.BytesIO()

    def write(self, data: bytes) -> int:
        return self.written.write(data)


def mux(
    samples: np.ndarray,
    format: str,
    codec: str,
    rate: int = RATE,
    *,
    pipe: bool = False,
    tracks: int = 1,
    options: dict[str, str] | None = None,
    title: str | None = None,
) -> bytes:
    """A file by ffmpeg.

    Args:
        samples: Shape (samples,).
        format: Of ffmpeg's muxers.
        codec: Of ffmpeg's encoders.
        rate: Of the samples, in Hz.
        pipe: Whether to write where no length can be filled in afterwards.
        tracks: How many streams at once, all the same.
        options: Of the muxer.
        title: In the file's metadata.
    """
    target = _Pipe() if pipe else io.BytesIO()
    with av.open(target, "w", format=format, options=options or {}) as container:
        if title is not None:
            container.metadata["title"] = title
        streams = [container.add_stream(codec, rate=rate, layout="mono") for _ in range(tracks)]
        integers = np.rint(samples * 32768).clip(-32768, 32767).astype("<i2")[None, :]
        for stream in streams:
            frame = av.AudioFrame.from_ndarray(integers, format="s16", layout="mono")
            frame.sample_rate, frame.pts = rate, 0
            context = stream.codec_context
            resampler = av.AudioResampler(
                context.format.name, "mono", rate, frame_size=context.frame_size or 0
            )
            for part in [*resampler.resample(frame), *resampler.resample(None), None]:
                container.mux(stream.encode(part))
    return target.written.getvalue() if isinstance(target, _Pipe) else target.getvalue()


Maker = Callable[[np.ndarray], bytes]


def _by_libsndfile(format: str, subtype: str | None = None) -> Maker:
    return lambda samples: encode(samples, format=format, subtype=subtype)


def _by_ffmpeg(format: str, codec: str, **options) -> Maker:
    return lambda samples: mux(samples, format, codec, **options)


LOSSLESS: dict[str, Maker] = {
    "flac": _by_libsndfile("FLAC", "PCM_16"),
    "flac-24": _by_libsndfile("FLAC", "PCM_24"),
    "flac-pipe": _by_ffmpeg("flac", "flac", pipe=True),
    "wav": _by_libsndfile("WAV", "PCM_16"),
    "wav-24": _by_libsndfile("WAV", "PCM_24"),
    "wav-float": _by_libsndfile("WAV", "FLOAT"),
    "wav-extensible": _by_libsndfile("WAVEX", "PCM_32"),
    "rifx": lambda samples: encode(samples, format="WAV", subtype="PCM_16", endian="BIG"),
    "rf64": _by_libsndfile("RF64", "PCM_16"),
    "wave64": _by_libsndfile("W64", "PCM_16"),
    "aiff": _by_libsndfile("AIFF", "PCM_16"),
    "aiff-c": _by_libsndfile("AIFF", "FLOAT"),
    "au": _by_libsndfile("AU", "PCM_16"),
    "caf": _by_libsndfile("CAF", "PCM_16"),
    "caf-alac": _by_libsndfile("CAF", "ALAC_16"),
    "sphere": _by_libsndfile("NIST", "PCM_16"),
    "voc": _by_libsndfile("VOC", "PCM_16"),
    "ogg-flac": _by_ffmpeg("ogg", "flac"),
    "m4a-alac": _by_ffmpeg("mp4", "alac"),
    "matroska-flac": _by_ffmpeg("matroska", "flac"),
}
"""Files whose samples come back exactly."""

LOSSY: dict[str, Maker] = {
    "wav-gsm": _by_libsndfile("WAV", "GSM610"),
    "wav-ms-adpcm": _by_libsndfile("WAV", "MS_ADPCM"),
    "wav-ima-adpcm": _by_libsndfile("WAV", "IMA_ADPCM"),
    "wav-mu-law": _by_libsndfile("WAV", "ULAW"),
    "wav-g721": _by_libsndfile("WAV", "G721_32"),
    "wave64-gsm": _by_libsndfile("W64", "GSM610"),
    "aiff-ima": _by_libsndfile("AIFF", "IMA_ADPCM"),
    "mp3": _by_libsndfile("MP3"),
    "mp3-in-wav": _by_ffmpeg("wav", "libmp3lame"),
    "mp2": _by_ffmpeg("mp2", "mp2"),
    "vorbis": _by_libsndfile("OGG", "VORBIS"),
    "opus": _by_libsndfile("OGG", "OPUS"),
    "m4a": _by_ffmpeg("ipod", "aac"),
    "webm": _by_ffmpeg("webm", "libopus"),
    "aac": _by_ffmpeg("adts", "aac"),
}
"""Files whose samples come back nearly, and as many of them but for a frame."""
