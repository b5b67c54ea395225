"""whisper.cpp itself: the functions of its C interface, out of the package pywhispercpp.

The package's own binding cannot be used for this. Its ``Model`` has whisper.cpp cut, decode and
retry as it likes, with ids of special tokens that are fixed in the library and lie outside a small
vocabulary. Below it, ``whisper_decode`` takes one token and ``whisper_get_logits`` gives one
number. The interface is https://github.com/ggml-org/whisper.cpp, ``include/whisper.h``.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from ctypes import POINTER, c_bool, c_char_p, c_float, c_int, c_int32, c_int64, c_size_t, c_void_p
from pathlib import Path
from typing import Any

import _pywhispercpp
import numpy as np
from numpy.typing import NDArray

from runner.catalogue.extras import install_line
from runner.engines.ggml_file import Format
from runner.errors import Refused

_ERROR = 4
"""The level of an error (``ggml_log_level``)."""
_CONTINUED = 5
"""The level of what goes on with the line before."""
FRAME, HOP = 400, 160
"""Samples of a frame of its front end, and from frame to frame; they cannot be chosen."""


class _ContextParameters(ctypes.Structure):
    """``struct whisper_context_params``."""

    _fields_ = (
        ("use_gpu", c_bool),
        ("flash_attn", c_bool),
        ("gpu_device", c_int),
        ("dtw_token_timestamps", c_bool),
        ("dtw_aheads_preset", c_int),
        ("dtw_n_top", c_int),
        ("dtw_n_heads", c_size_t),
        ("dtw_heads", c_void_p),
        ("dtw_mem_size", c_size_t),
    )


_Log = ctypes.CFUNCTYPE(None, c_int, c_char_p, c_void_p)

_SIGNATURES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "whisper_version": (c_char_p, ()),
    "whisper_context_default_params_by_ref": (POINTER(_ContextParameters), ()),
    "whisper_init_from_file_with_params": (c_void_p, (c_char_p, _ContextParameters)),
    "whisper_free": (None, (c_void_p,)),
    "whisper_log_set": (None, (_Log, c_void_p)),
    "whisper_model_ftype": (c_int, (c_void_p,)),
    "whisper_model_n_audio_ctx": (c_int, (c_void_p,)),
    "whisper_n_vocab": (c_int, (c_void_p,)),
    "whisper_pcm_to_mel": (c_int, (c_void_p, POINTER(c_float), c_int, c_int)),
    "whisper_set_mel": (c_int, (c_void_p, POINTER(c_float), c_int, c_int)),
    "whisper_encode": (c_int, (c_void_p, c_int, c_int)),
    "whisper_decode": (c_int, (c_void_p, POINTER(c_int32), c_int, c_int, c_int)),
    "whisper_get_logits": (c_void_p, (c_void_p,)),
    "ggml_log_set": (None, (_Log, c_void_p)),
    "ggml_quantize_chunk": (
        c_size_t,
        (c_int, POINTER(c_float), c_void_p, c_int64, c_int64, c_int64, c_void_p),
    ),
}
"""Function -> what it returns and takes."""


class _Said:
    """What the library says, instead of on standard error: its errors are needed in ours."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, str]] = []
        self.callback = _Log(self._note)
        """Kept as long as the library may call it."""

    def _note(self, level: int, text: bytes, _: object) -> None:
        words = text.decode("utf-8", "replace")
        if level == _CONTINUED and self.lines:
            level, before = self.lines.pop()
            words = before + words
        self.lines.append((level, words))

    @property
    def errors(self) -> str:
        """The errors, on one line."""
        said = " ".join(words for level, words in self.lines if level == _ERROR)
        return " ".join(said.split()) or "it does not say why"


def _load() -> Any:
    # Functions of what the binding is linked with are found through it, whatever the wheel calls
    # those files.
    library = ctypes.CDLL(_pywhispercpp.__file__)
    for name, (returned, taken) in _SIGNATURES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = returned, taken
    library.whisper_log_set(_SAID.callback, None)
    library.ggml_log_set(_SAID.callback, None)
    return library


_SAID = _Said()
_LIBRARY = _load()
VERSION: str = _LIBRARY.whisper_version().decode()
"""Of whisper.cpp."""


def quantise(numbers: NDArray[np.float32], chosen: Format) -> bytes:
    """Packs a matrix by GGML's own function.

    Args:
        numbers: The matrix, (rows, columns); columns a multiple of the format's block.
        chosen: A format of blocks.
    """
    rows, columns = numbers.shape
    packed = ctypes.create_string_buffer(numbers.size // chosen.block * chosen.block_bytes)
    written = _LIBRARY.ggml_quantize_chunk(
        chosen.type, _floats(numbers), packed, 0, rows, columns, None
    )
    assert written == len(packed)
    return packed.raw


class WhisperCpp:
    """One loaded model, with the sound and the text that it is at."""

    def __init__(self, path: Path, *, flash_attention: bool, threads: int) -> None:
        """Loads a file.

        Args:
            path: The model file, known to be whole.
            flash_attention: Whether attention is computed by GGML's fused function.
            threads: Of the CPU.

        Raises:
            Refused: whisper.cpp cannot load it, or is not the one that is known here.
        """
        self.threads = threads
        _SAID.lines.clear()
        parameters = _ContextParameters.from_buffer_copy(
            _LIBRARY.whisper_context_default_params_by_ref().contents
        )
        default = _pywhispercpp.whisper_context_default_params()
        if parameters.dtw_mem_size != default.dtw_mem_size:
            raise Refused(
                "this pywhispercpp has another interface than 1.5's; " + install_line("whisper-cpp")
            )
        parameters.use_gpu, parameters.flash_attn = False, flash_attention
        self._context = _LIBRARY.whisper_init_from_file_with_params(str(path).encode(), parameters)
        if not self._context:
            raise Refused(f"whisper.cpp cannot load {path}: {_SAID.errors}")
        self.said = tuple(words.strip() for _, words in _SAID.lines)
        """What it said as it loaded the model, line by line."""
        self.file_type: int = _LIBRARY.whisper_model_ftype(self._context)
        """``ggml_ftype`` of the matrices."""
        self.audio_positions: int = _LIBRARY.whisper_model_n_audio_ctx(self._context)
        self._row = c_float * _LIBRARY.whisper_n_vocab(self._context)

    def __del__(self) -> None:
        if getattr(self, "_context", None):
            _LIBRARY.whisper_free(self._context)

    def hear(self, wave: NDArray[np.float32]) -> None:
        """Takes the log-mel spectrogram of a window, ``(samples,)``."""
        # Half of the first frame is mirrored, whether there is so much or not. Zeros follow anyway.
        if len(wave) < FRAME:
            wave = np.pad(wave, (0, FRAME - len(wave)))
        wave = np.ascontiguousarray(wave, np.float32)
        self._do("whisper_pcm_to_mel", _floats(wave), len(wave), self.threads)

    def take(self, features: NDArray[np.float32]) -> None:
        """Takes features that another front end made, ``(mels, frames)``."""
        mels, frames = features.shape
        features = np.ascontiguousarray(features, np.float32)
        self._do("whisper_set_mel", _floats(features), frames, mels)

    def encode(self) -> None:
        """Encodes the window, and projects it for the decoder's attention."""
        self._do("whisper_encode", 0, self.threads)

    def decode(self, tokens: Sequence[int], past: int) -> NDArray[np.float32]:
        """The logits after the last token, ``(vocabulary,)``, in the library's memory.

        Args:
            tokens: What follows.
            past: How many tokens of the text there are before.
        """
        count = len(tokens)
        self._do("whisper_decode", (c_int32 * count)(*tokens), count, past, self.threads)
        first = _LIBRARY.whisper_get_logits(self._context)
        address = first + ctypes.sizeof(self._row) * (count - 1)
        return np.ctypeslib.as_array(self._row.from_address(address))

    def _do(self, name: str, *arguments: Any) -> None:
        _SAID.lines.clear()
        if getattr(_LIBRARY, name)(self._context, *arguments) != 0:
            raise RuntimeError(f"{name} of whisper.cpp failed: {_SAID.errors}")


def _floats(numbers: NDArray[np.float32]) -> Any:
    return numbers.ctypes.data_as(POINTER(c_float))
