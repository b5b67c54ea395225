"""What the format of a WAV says of its samples, and the same WAV with true sizes."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from runner.clips.containers import mpeg
from runner.clips.containers.base import COPY_AGAIN, Damaged, Extent, Stream

_LARGEST = 0xFFFF_0000
_ALL_ONES = 0xFFFF_FFFF
_UNKNOWN = 0x7FFF_0000
_PCM, _MS_ADPCM, _FLOAT, _ALAW, _ULAW, _IMA, _GSM, _MP3 = 1, 2, 3, 6, 7, 0x11, 0x31, 0x55
_EXTENSIBLE = 0xFFFE
_GSM_BLOCK_BYTES, _GSM_BLOCK_SAMPLES = 65, 320


@dataclass(frozen=True)
class Wav:
    """The chunks that count."""

    format: bytes
    fact: bytes
    samples: Extent
    big: bool = False
    """Whether numbers are big endian (RIFX)."""


def stream(data: bytes, wav: Wav) -> Stream:
    """The stream of a WAV.

    Raises:
        Damaged: its format contradicts itself, or there is less than its fact chunk promises.
    """
    order = ">" if wav.big else "<"
    payload = data[wav.samples.begin : wav.samples.end]
    if len(wav.format) < 16:
        raise Damaged("is a WAV without a format; replace the file")
    tag, channels, rate, _, align, bits = struct.unpack_from(order + "HHIIHH", wav.format)
    if tag == _EXTENSIBLE and len(wav.format) >= 26:
        (tag,) = struct.unpack_from(order + "H", wav.format, 24)
    if tag == _MP3:
        return _mp3(payload)
    frames: int | None = None
    block = 1
    if tag in (_PCM, _FLOAT, _ALAW, _ULAW):
        if not channels or align % channels or align < channels * ((bits + 7) // 8):
            raise Damaged(
                f"has a header that contradicts itself: {channels} channels of {bits} bits in "
                f"{align} bytes; replace the file"
            )
        frames = len(payload) // align if align else 0
    elif tag == _GSM:
        block = _GSM_BLOCK_SAMPLES
        payload = payload[: len(payload) // _GSM_BLOCK_BYTES * _GSM_BLOCK_BYTES]
        frames = len(payload) // _GSM_BLOCK_BYTES * block
    elif tag in (_MS_ADPCM, _IMA) and align and len(wav.format) >= 20:
        (block,) = struct.unpack_from(order + "H", wav.format, 18)
        frames = -(-len(payload) // align) * block
    if frames is not None and block > 1 and wav.samples.known and len(wav.fact) >= 4:
        (fact,) = struct.unpack_from(order + "I", wav.fact)
        frames = _within_block(frames, fact, block, channels)
    return Stream(rewritten(wav, payload), frames, rate, block)


def _within_block(frames: int, fact: int, block: int, channels: int) -> int:
    """The length without what fills the last block.

    Args:
        frames: Samples of all blocks.
        fact: Samples that the fact chunk promises; some writers count those of all channels.
        block: Samples of a block.
        channels: Of the file.
    """
    if 0 <= frames - fact < block:
        return fact
    if frames < fact < _UNKNOWN and not 0 <= frames - fact // max(channels, 1) < block:
        raise Damaged(f"is cut off: {frames} of {fact} samples; {COPY_AGAIN}")
    return frames


def _mp3(payload: bytes) -> Stream:
    if not mpeg.is_mpeg(payload, 0):
        raise Damaged("is a WAV whose MP3 does not begin with a frame; convert it to FLAC")
    found, end = mpeg.read(payload, 0)
    if end < len(payload):
        raise Damaged("is a WAV with several MP3 streams; convert it to FLAC")
    return found


def rewritten(wav: Wav, payload: bytes, *, largest: int = _LARGEST) -> bytes:
    """A WAV of one format, fact and data chunk, padded as it should be.

    Args:
        wav: Its format.
        payload: Its samples.
        largest: Bytes of samples from which it becomes an RF64.
    """
    order = ">" if wav.big else "<"

    def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
        header = name + struct.pack(order + "I", len(body) if size is None else size)
        return header + body + b"\0" * (len(body) & 1)

    chunks = chunk(b"fmt ", wav.format) + (chunk(b"fact", wav.fact) if wav.fact else b"")
    if len(payload) < largest:
        chunks += chunk(b"data", payload)
        return chunk(b"RIFX" if wav.big else b"RIFF", b"WAVE" + chunks)
    sizes = struct.pack(order + "QQQI", len(payload) + len(chunks) + 48, len(payload), 0, 0)
    chunks = chunk(b"ds64", sizes) + chunks + chunk(b"data", payload, _ALL_ONES)
    return chunk(b"RF64", b"WAVE" + chunks, _ALL_ONES)
