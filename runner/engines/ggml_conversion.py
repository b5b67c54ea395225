"""Converts a Whisper of transformers to whisper.cpp's model file."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.engines import conversion
from runner.engines.conversion import Converter, Kept, keep, run_converter, save_random_whisper
from runner.engines.ggml_file import FORMATS, Header, Layout, file_type, read_layout, write_file
from runner.errors import Refused

_FILE = "ggml-model.bin"
_LAST = "tokenizer_config.json"
"""Written last."""

_NAMES = (
    (r"^model\.", ""),
    (r"\.layers\.", ".blocks."),
    (r"\.self_attn\.", ".attn."),
    (r"\.self_attn_layer_norm\.", ".attn_ln."),
    (r"\.encoder_attn\.", ".cross_attn."),
    (r"\.encoder_attn_layer_norm\.", ".cross_attn_ln."),
    (r"\.q_proj\.", ".query."),
    (r"\.k_proj\.", ".key."),
    (r"\.v_proj\.", ".value."),
    (r"\.out_proj\.", ".out."),
    (r"\.fc1\.", ".mlp.0."),
    (r"\.fc2\.", ".mlp.2."),
    (r"\.final_layer_norm\.", ".mlp_ln."),
    (r"^encoder\.layer_norm\.", "encoder.ln_post."),
    (r"^decoder\.layer_norm\.", "decoder.ln."),
    (r"\.embed_positions\.weight$", ".positional_embedding"),
    (r"\.embed_tokens\.", ".token_embedding."),
)
"""What makes whisper.cpp's name of a parameter from that of transformers, in this order."""


@dataclass(frozen=True)
class Source(conversion.Source):
    """What to convert, to which number format, and how much audio it is to take at a time."""

    audio_positions: int | None = None
    """Of the encoder, the first ones; all of the original when None."""


@dataclass(frozen=True)
class Converted(Kept):
    """A converted model."""

    @property
    def file(self) -> Path:
        """The model file."""
        return self.folder / _FILE

    @cached_property
    def layout(self) -> Layout:
        """What the file holds.

        Raises:
            Refused: it is not whole.
        """
        return read_layout(self.file)

    @property
    def config(self) -> Any:
        """The original's configuration, with the converted model's positions."""
        from transformers import WhisperConfig

        return WhisperConfig.from_pretrained(self.folder)


def converted(source: Source) -> Converted:
    """The converted model, from the cache if it is there and whole.

    Raises:
        Refused: it cannot be converted, or not written.
    """
    return keep(source, CONVERTER, Converted)


def _is_whole(folder: Path) -> bool:
    try:
        read_layout(folder / _FILE)
    except Refused:
        return False
    return (folder / _LAST).is_file()


CONVERTER = Converter(
    library="whisper.cpp",
    folder="whisper-cpp",
    module="runner.engines.ggml_conversion",
    packages=("pywhispercpp", "transformers"),
    is_whole=_is_whole,
)


def convert(source: Source, out: Path) -> None:
    """Converts, in this process.

    Args:
        source: What, and to what.
        out: The new folder.

    Raises:
        Refused: whisper.cpp has no such model, or the checkpoint has no tokenizer or another
            model's.
    """
    import torch
    from transformers import (
        AutoTokenizer,
        GenerationConfig,
        WhisperFeatureExtractor,
        WhisperForConditionalGeneration,
    )

    from runner.engines.base import LoadRequest
    from runner.engines.checkpoint_tokenizer import load_tokenizer
    from runner.engines.whisper_cpp_library import quantise

    with tempfile.TemporaryDirectory(prefix="asrprof-") as scratch:
        original = source.name
        if source.seed is not None:
            original = scratch
            save_random_whisper(source, Path(scratch))
            tokenizer = AutoTokenizer.from_pretrained(original)
        else:
            tokenizer = load_tokenizer(AutoTokenizer, LoadRequest.of_checkpoint(original))
        model = WhisperForConditionalGeneration.from_pretrained(original, dtype=torch.float32)
        extractor = WhisperFeatureExtractor.from_pretrained(original)
        settings = GenerationConfig.from_pretrained(original)
    config = model.config
    if source.audio_positions is not None:
        if source.audio_positions > config.max_source_positions:
            raise Refused(
                f'"audio_ctx" is {source.audio_positions}, and it has '
                f"{config.max_source_positions} positions"
            )
        config.max_source_positions = source.audio_positions
    check_fits(config, source)
    out.mkdir()
    write_file(
        out / _FILE,
        header_of(config, source.format),
        filters=np.ascontiguousarray(extractor.mel_filters.T, np.float32),
        words=token_bytes(tokenizer, settings.eos_token_id),
        tensors=named_tensors(model),
        quantise=quantise,
    )
    for part in (config, settings, extractor, tokenizer):
        part.save_pretrained(out)


def check_fits(config: Any, source: Source) -> None:
    """Checks that whisper.cpp can hold a model.

    Args:
        config: Of the original.
        source: What is to be made of it.

    Raises:
        Refused: it takes what it has for granted otherwise.
    """
    width, block = config.d_model, FORMATS[source.format].block
    wrong = {
        "its output layer is not its embedding": not config.tie_word_embeddings,
        "it scales its embedding": bool(config.scale_embedding),
        f"its activation is {config.activation_function}": config.activation_function != "gelu",
        "its inner layers are not four times as wide as it is": {
            config.encoder_ffn_dim,
            config.decoder_ffn_dim,
        }
        != {4 * width},
        f"{source.format} packs {block} numbers, which do not divide its width of {width}": bool(
            width % block
        ),
    }
    for words, found in wrong.items():
        if found:
            raise Refused(f"whisper.cpp has no such model: {words}")


def header_of(config: Any, format_name: str) -> Header:
    """The header of a model's file.

    Args:
        config: Of the model.
        format_name: Of its matrices.
    """
    return Header(
        vocabulary=config.vocab_size,
        audio_positions=config.max_source_positions,
        audio_width=config.d_model,
        audio_heads=config.encoder_attention_heads,
        audio_layers=config.encoder_layers,
        text_positions=config.max_target_positions,
        text_width=config.d_model,
        text_heads=config.decoder_attention_heads,
        text_layers=config.decoder_layers,
        mels=config.num_mel_bins,
        file_type=file_type(FORMATS[format_name]),
    )


def named_tensors(model: Any) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Every parameter by whisper.cpp's name and in its shape."""
    positions = model.config.max_source_positions
    for name, parameter in model.named_parameters():
        numbers = parameter.detach().numpy()
        for pattern, replacement in _NAMES:
            name = re.sub(pattern, replacement, name)  # noqa: PLW2901
        if name == "encoder.positional_embedding":
            numbers = numbers[:positions]
        if name.startswith("encoder.conv") and name.endswith(".bias"):
            numbers = numbers[:, None]
        yield name, np.ascontiguousarray(numbers, np.float32)


def token_bytes(tokenizer: Any, end: int) -> list[bytes]:
    """The bytes of every token below the end of text, after which special ones follow.

    Args:
        tokenizer: Of the model; byte by byte, as Whisper's, or with words as they are.
        end: The id of the end of text.
    """
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    byte_of = {character: byte for byte, character in bytes_to_unicode().items()}
    pieces = tokenizer.convert_ids_to_tokens(list(range(end)))
    return [
        bytes(byte_of[character] for character in piece)
        if byte_of.keys() >= set(piece)
        else piece.encode()
        for piece in ("" if piece is None else piece for piece in pieces)
    ]


if __name__ == "__main__":
    run_converter(Source, convert)
