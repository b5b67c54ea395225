"""Turns a Whisper in CTranslate2's format back into a folder that transformers loads.

Usage: python whisper_from_ctranslate2.py CTRANSLATE2_FOLDER NEW_FOLDER

Nothing is lost: the float16 values of ``model.bin`` are written as float32. What comes from where:

- weights: ``model.bin``, in the layout that ``ctranslate2/specs/model_spec.py`` writes
  (``_serialize``);
- their names and order: those of ``ctranslate2/converters/transformers.py`` (``WhisperLoader``),
  the other way round;
- sizes of the model: the shapes of the weights;
- suppressed tokens, languages and alignment heads: CTranslate2's ``config.json``, which has them
  from the published ``generation_config.json``;
- ids of the other special tokens: ``tokenizer.json``, by their names;
- the rest (hop and window of the features): the defaults of transformers, which are Whisper's.
"""

from __future__ import annotations

import json
import re
import struct
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import (
    GenerationConfig,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperTokenizerFast,
)

BINARY_VERSION = 6
DTYPES = ("float32", "int8", "int16", "int32", "float16")
"""By CTranslate2's number of them; bfloat16 would follow, which numpy lacks."""

ENGLISH_VOCABULARY = 51_864
"""Tokens of the English-only models; they have no language and no task to choose."""

FIRST_TIMESTAMP = 50
"""The first timestamp is one second at most, as published (steps of 0.02 s)."""

END = "<|endoftext|>"

LAYER_MODULES = {
    "self_attn_layer_norm": "self_attention/layer_norm",
    "self_attn.q_proj": "self_attention/linear_0",
    "self_attn.k_proj": "self_attention/linear_0",
    "self_attn.v_proj": "self_attention/linear_0",
    "self_attn.out_proj": "self_attention/linear_1",
    "encoder_attn_layer_norm": "attention/layer_norm",
    "encoder_attn.q_proj": "attention/linear_0",
    "encoder_attn.k_proj": "attention/linear_1",
    "encoder_attn.v_proj": "attention/linear_1",
    "encoder_attn.out_proj": "attention/linear_2",
    "final_layer_norm": "ffn/layer_norm",
    "fc1": "ffn/linear_0",
    "fc2": "ffn/linear_1",
}
"""Module of a layer in transformers -> in CTranslate2, which stacks projections of one input."""

STACKED = {"self_attn.k_proj": 1, "self_attn.v_proj": 2, "encoder_attn.v_proj": 1}
"""Which of the stacked projections a module is, where it is not the first."""

SIDE_MODULES = {
    "embed_tokens": "embeddings",
    "embed_positions": "position_encodings",
    "layer_norm": "layer_norm",
    "conv1": "conv1",
    "conv2": "conv2",
}
"""Module of the encoder or decoder outside its layers in transformers -> in CTranslate2."""

Variables = dict[str, NDArray[Any]]


@dataclass
class Reader:
    """Walks through the bytes of a ``model.bin``."""

    data: bytes
    position: int = 0

    def number(self, code: str) -> int:
        """The next integer, little endian, of a :mod:`struct` code."""
        (value,) = struct.unpack_from(f"<{code}", self.data, self.position)
        self.position += struct.calcsize(code)
        return int(value)

    def text(self) -> str:
        """The next string: its length with the final zero, then its bytes."""
        length = self.number("H")
        start, self.position = self.position, self.position + length
        return self.data[start : self.position - 1].decode()

    def array(self) -> NDArray[Any]:
        """The next array: its rank, shape, type, bytes, values."""
        shape = [self.number("I") for _ in range(self.number("B"))]
        dtype = np.dtype(DTYPES[self.number("B")])
        size = self.number("I")
        values = np.frombuffer(self.data, dtype, size // dtype.itemsize, self.position)
        self.position += size
        return values.reshape(shape)


def read_variables(path: Path) -> Variables:
    """All variables of a ``model.bin``, by name.

    Raises:
        ValueError: it is of another version, or no Whisper.
    """
    reader = Reader(path.read_bytes())
    version, name, _ = reader.number("I"), reader.text(), reader.number("I")
    if version != BINARY_VERSION or name != "WhisperSpec":
        raise ValueError(f"{path} is a {name} of version {version}, no WhisperSpec of version 6")
    return {reader.text(): reader.array() for _ in range(reader.number("I"))}


def variable_name(parameter: str) -> tuple[str, int]:
    """CTranslate2's name of a parameter of transformers, and its place in a stack.

    Args:
        parameter: For example ``model.decoder.layers.3.self_attn.v_proj.weight``.

    Raises:
        KeyError: CTranslate2 has no such module.
    """
    _, side, *modules, kind = parameter.split(".")
    if modules[0] == "layers":
        name = ".".join(modules[2:])
        module = f"layer_{modules[1]}/{LAYER_MODULES[name]}"
    else:
        name = modules[0]
        module = SIDE_MODULES[name]
    if name == "embed_positions":
        kind = "encodings"
    elif name.endswith("layer_norm"):
        kind = {"weight": "gamma", "bias": "beta"}[kind]
    return f"{side}/{module}/{kind}", STACKED.get(name, 0)


def fill(model: WhisperForConditionalGeneration, variables: Variables) -> None:
    """Copies the weights into a model.

    Raises:
        ValueError: a variable is of another shape than the model, or is left over.
    """
    taken = 0
    with torch.no_grad():
        for parameter, tensor in model.named_parameters():
            name, place = variable_name(parameter)
            rows = len(tensor)
            part = variables[name][place * rows : (place + 1) * rows]
            if part.shape != tuple(tensor.shape):
                raise ValueError(f"{name} has rows {part.shape} for {parameter}")
            tensor.copy_(torch.from_numpy(part.astype(np.float32)))
            taken += part.size
    # Keys have no bias in Whisper; where projections are stacked, zeros stand for it.
    width = len(variables["encoder/conv1/bias"])
    zeros = width * sum(name.endswith("attn.k_proj.weight") for name, _ in model.named_parameters())
    there = sum(values.size for values in variables.values() if values.ndim)
    if taken + zeros != there:
        raise ValueError(f"{there} weights, of which the model takes {taken}")


def layer_count(variables: Variables, side: str) -> int:
    """Layers of the ``encoder`` or of the ``decoder``."""
    parts = [name.split("/") for name in variables]
    return len({part[1] for part in parts if part[0] == side and re.match(r"layer_\d", part[1])})


def make_model(
    variables: Variables, settings: dict[str, Any], tokenizer: WhisperTokenizerFast
) -> WhisperForConditionalGeneration:
    """The model with its weights and its generation settings.

    Args:
        variables: Of ``model.bin``.
        settings: CTranslate2's ``config.json``.
        tokenizer: Of the same model.
    """
    token = tokenizer.convert_tokens_to_ids
    end = token(END)
    special = {
        "bos_token_id": end,
        "eos_token_id": end,
        "pad_token_id": end,
        "decoder_start_token_id": token("<|startoftranscript|>"),
    }
    vocabulary, width = variables["decoder/embeddings/weight"].shape
    config = WhisperConfig(
        vocab_size=vocabulary,
        num_mel_bins=variables["encoder/conv1/weight"].shape[1],
        d_model=width,
        encoder_layers=layer_count(variables, "encoder"),
        encoder_attention_heads=int(variables["encoder/num_heads"]),
        encoder_ffn_dim=len(variables["encoder/layer_0/ffn/linear_0/bias"]),
        decoder_layers=layer_count(variables, "decoder"),
        decoder_attention_heads=int(variables["decoder/num_heads"]),
        decoder_ffn_dim=len(variables["decoder/layer_0/ffn/linear_0/bias"]),
        max_source_positions=len(variables["encoder/position_encodings/encodings"]),
        max_target_positions=len(variables["decoder/position_encodings/encodings"]),
        begin_suppress_tokens=None,  # the generation settings have them
        **special,
    )
    model = WhisperForConditionalGeneration(config)
    fill(model, variables)
    multilingual = vocabulary > ENGLISH_VOCABULARY
    model.generation_config = GenerationConfig(
        **special,
        max_length=config.max_target_positions,
        suppress_tokens=settings["suppress_ids"],
        begin_suppress_tokens=settings["suppress_ids_begin"],
        alignment_heads=settings["alignment_heads"],
        no_timestamps_token_id=token("<|notimestamps|>"),
        prev_sot_token_id=token("<|startofprev|>"),
        max_initial_timestamp_index=FIRST_TIMESTAMP,
        return_timestamps=False,
        is_multilingual=multilingual,
    )
    if multilingual:
        languages = {tokenizer.convert_ids_to_tokens(i): i for i in settings["lang_ids"]}
        model.generation_config.lang_to_id = languages
        model.generation_config.task_to_id = {
            task: token(f"<|{task}|>") for task in ("transcribe", "translate")
        }
    return model


def convert(source: Path, target: Path) -> None:
    """Writes a folder that transformers loads, from one that CTranslate2 loads.

    Raises:
        ValueError: the weights are not those of a Whisper.
    """
    variables = read_variables(source / "model.bin")
    settings = json.loads((source / "config.json").read_text(encoding="utf-8"))
    names = dict.fromkeys(("bos_token", "eos_token", "unk_token", "pad_token"), END)
    tokenizer = WhisperTokenizerFast(tokenizer_file=str(source / "tokenizer.json"), **names)
    model = make_model(variables, settings, tokenizer)
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)
    WhisperFeatureExtractor(feature_size=model.config.num_mel_bins).save_pretrained(target)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
