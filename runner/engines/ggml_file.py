"""The model files of whisper.cpp: how they are written, and what must be in them.

The layout is that of whisper.cpp's own conversion script and loader
(https://github.com/ggml-org/whisper.cpp, ``models/convert-h5-to-ggml.py`` and
``whisper_model_load``), and so is which tensors keep their precision: a file in half precision or
quantised keeps vectors, positions and the convolutions' biases in f32, and a quantised one the
convolutions' weights in f16. Numbers are little-endian; of a shape the last dimension comes first.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass
from math import prod
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from runner.errors import Refused

_MAGIC = 0x67676D6C
_QUANTISATION_VERSION = 2
_VERSION_FACTOR = 1000
"""The version of the quantised formats is stored in the file's type, times this."""
FFT_BINS = 201
"""Of whisper.cpp's front end, which has 400 samples a frame."""
_LARGEST = 1 << 20
"""No number of a header is larger."""
_MOST_LAYERS = 1000


@dataclass(frozen=True)
class Format:
    """A number format of GGML's."""

    name: str
    type: int
    """Of a tensor (``ggml_type``)."""
    file_type: int
    """Of a file whose matrices are in it (``ggml_ftype``)."""
    block: int
    """Numbers that are stored together."""
    block_bytes: int


F32, F16, *_ = _FORMATS = (
    Format("f32", 0, 0, 1, 4),
    Format("f16", 1, 1, 1, 2),
    Format("q4_0", 2, 2, 32, 18),
    Format("q5_0", 6, 8, 32, 22),
    Format("q8_0", 8, 7, 32, 34),
)
FORMATS = {each.name: each for each in _FORMATS}
_BY_FILE_TYPE = {each.file_type: each for each in _FORMATS}
_BY_TYPE = {each.type: each for each in _FORMATS}

Quantise = Callable[[NDArray[np.float32], Format], bytes]
"""Packs a matrix."""


@dataclass(frozen=True)
class Header:
    """The numbers that a file begins with, in their order."""

    vocabulary: int
    audio_positions: int
    audio_width: int
    audio_heads: int
    audio_layers: int
    text_positions: int
    text_width: int
    text_heads: int
    text_layers: int
    mels: int
    file_type: int
    """``ggml_ftype``, with the version of the quantised formats where there is one."""

    @property
    def format(self) -> Format | None:
        """Of the matrices; None where it is none of those that are written here."""
        return _BY_FILE_TYPE.get(self.file_type % _VERSION_FACTOR)


@dataclass(frozen=True)
class Stored:
    """One tensor of a file."""

    format: Format
    shape: tuple[int, ...]

    @property
    def bytes(self) -> int:
        """Of its numbers."""
        return prod(self.shape) // self.format.block * self.format.block_bytes


@dataclass(frozen=True)
class Layout:
    """What a file holds."""

    header: Header
    tensors: dict[str, Stored]

    @property
    def weights_bytes(self) -> int:
        """Of all tensors."""
        return sum(tensor.bytes for tensor in self.tensors.values())


def file_type(chosen: Format) -> int:
    """What a header says of a file's matrices."""
    quantised = chosen.block > 1
    return chosen.file_type + _QUANTISATION_VERSION * _VERSION_FACTOR * quantised


def expected_tensors(header: Header) -> dict[str, tuple[int, ...]]:
    """Name -> shape of every tensor that whisper.cpp reads."""
    width = header.audio_width
    found: dict[str, tuple[int, ...]] = {
        "encoder.positional_embedding": (header.audio_positions, width),
        "encoder.conv1.weight": (width, header.mels, 3),
        "encoder.conv1.bias": (width, 1),
        "encoder.conv2.weight": (width, width, 3),
        "encoder.conv2.bias": (width, 1),
        "encoder.ln_post.weight": (width,),
        "encoder.ln_post.bias": (width,),
        "decoder.positional_embedding": (header.text_positions, width),
        "decoder.token_embedding.weight": (header.vocabulary, width),
        "decoder.ln.weight": (width,),
        "decoder.ln.bias": (width,),
    }
    for part, layers, attentions in (
        ("encoder", header.audio_layers, ("attn",)),
        ("decoder", header.text_layers, ("attn", "cross_attn")),
    ):
        for number in range(layers):
            block = f"{part}.blocks.{number}"
            for attention in attentions:
                for matrix in ("query", "key", "value", "out"):
                    found[f"{block}.{attention}.{matrix}.weight"] = (width, width)
                    if matrix != "key":
                        found[f"{block}.{attention}.{matrix}.bias"] = (width,)
            for norm in (*(f"{attention}_ln" for attention in attentions), "mlp_ln"):
                found[f"{block}.{norm}.weight"] = found[f"{block}.{norm}.bias"] = (width,)
            found[f"{block}.mlp.0.weight"] = (4 * width, width)
            found[f"{block}.mlp.0.bias"] = (4 * width,)
            found[f"{block}.mlp.2.weight"] = (width, 4 * width)
            found[f"{block}.mlp.2.bias"] = (width,)
    return found


def stored_as(name: str, shape: Sequence[int], chosen: Format) -> Format:
    """The format of one tensor in a file.

    Args:
        name: Of the tensor.
        shape: Of the tensor.
        chosen: The format of the file's matrices.
    """
    conv_bias = name.startswith("encoder.conv") and name.endswith(".bias")
    if len(shape) < 2 or conv_bias or name.endswith("positional_embedding"):
        return F32
    return F16 if len(shape) == 3 and chosen is not F32 else chosen


def write_file(
    path: Path,
    header: Header,
    *,
    filters: NDArray[np.float32],
    words: Sequence[bytes],
    tensors: Iterable[tuple[str, NDArray[np.float32]]],
    quantise: Quantise,
) -> None:
    """Writes a model.

    Args:
        path: The file.
        header: Its numbers.
        filters: The mel filters, ``(mels, 201)``.
        words: Bytes of the tokens, by their ids; whisper.cpp names those that follow by itself.
        tensors: Names as in :func:`expected_tensors`, and their numbers.
        quantise: Packs a matrix in a format of blocks.
    """
    chosen = header.format
    assert chosen is not None
    with path.open("wb") as file:
        file.write(struct.pack("<12i", _MAGIC, *astuple(header)))
        file.write(struct.pack("<2i", *filters.shape))
        file.write(filters.astype("<f4").tobytes())
        file.write(struct.pack("<i", len(words)))
        for word in words:
            file.write(struct.pack("<i", len(word)) + word)
        for name, numbers in tensors:
            stored = stored_as(name, numbers.shape, chosen)
            shape = numbers.shape[::-1]
            file.write(struct.pack("<3i", len(shape), len(name), stored.type))
            file.write(struct.pack(f"<{len(shape)}i", *shape) + name.encode())
            if stored.block > 1:
                file.write(quantise(numbers, stored))
            else:
                file.write(numbers.astype("<f4" if stored is F32 else "<f2").tobytes())


def read_layout(path: Path) -> Layout:
    """What a file holds, once it is known to be whole; the weights themselves are not read.

    whisper.cpp trusts a file: a wrong number in it may end the process.

    Raises:
        Refused: it is no model that whisper.cpp can load; one line with the file.
    """
    try:
        with path.open("rb") as file:
            return _layout(file, path.stat().st_size)
    except OSError as error:
        raise Refused(f"cannot read the model file {path}: {error.strerror}") from error
    except _Wrong as wrong:
        raise Refused(
            f"{path} is no model file of whisper.cpp that can be loaded: {wrong}; delete it"
        ) from wrong


class _Wrong(Exception):
    """What is wrong with a file."""


def _layout(file: BinaryIO, size: int) -> Layout:
    (magic,) = _integers(file, 1)
    if magic != _MAGIC:
        raise _Wrong("it does not begin with GGML's mark")
    header = Header(*_integers(file, 11))
    if header.format is None:
        raise _Wrong(f"its number format {header.file_type} is unknown")
    if not (
        all(0 < number <= _LARGEST for number in astuple(header)[:-1])
        and max(header.audio_layers, header.text_layers) <= _MOST_LAYERS
    ):
        raise _Wrong("a number of its header is out of range")
    width = header.audio_width
    if header.text_width != width or width % header.audio_heads or width % header.text_heads:
        raise _Wrong("its widths do not go together")
    if _integers(file, 2) != (header.mels, FFT_BINS):
        raise _Wrong("its mel filters have another shape")
    _skip(file, 4 * header.mels * FFT_BINS, size)
    (words,) = _integers(file, 1)
    if not 0 <= words <= header.vocabulary:
        raise _Wrong(f"it has {words} words in a vocabulary of {header.vocabulary}")
    for _ in range(words):
        (length,) = _integers(file, 1)
        _skip(file, length, size)
    expected = expected_tensors(header)
    found: dict[str, Stored] = {}
    while file.tell() < size:
        name, tensor = _tensor(file)
        shape = expected.get(name)
        if shape is None or name in found:
            raise _Wrong(f"tensor {name!r} does not belong there")
        if tensor != Stored(stored_as(name, shape, header.format), shape):
            raise _Wrong(f"tensor {name!r} is {tensor.format.name} of shape {tensor.shape}")
        found[name] = tensor
        _skip(file, tensor.bytes, size)
    if len(found) != len(expected):
        raise _Wrong(f"it has {len(found)} of {len(expected)} tensors")
    return Layout(header, found)


def _tensor(file: BinaryIO) -> tuple[str, Stored]:
    dimensions, length, kind = _integers(file, 3)
    if not (1 <= dimensions <= 3 and 0 < length <= 100 and kind in _BY_TYPE):
        raise _Wrong("what should be a tensor is none")
    shape = _integers(file, dimensions)[::-1]
    return file.read(length).decode("ascii", "replace"), Stored(_BY_TYPE[kind], shape)


def _integers(file: BinaryIO, count: int) -> tuple[int, ...]:
    data = file.read(4 * count)
    if len(data) < 4 * count:
        raise _Wrong("it is cut short")
    return struct.unpack(f"<{count}i", data)


def _skip(file: BinaryIO, count: int, size: int) -> None:
    if count < 0 or file.tell() + count > size:
        raise _Wrong("it is cut short")
    file.seek(count, 1)
