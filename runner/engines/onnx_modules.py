"""What is exported to ONNX: the parts of a model as modules with plain tensors in and out.

Own wrappers round the modules of transformers: optimum's exporter wants transformers below 4.58.
A decoder is one graph for the prefill and for the steps after it, so its weights are kept once. To
that end the encoder's graph gives each decoder layer's keys and values of the encoder's output,
which transformers computes in the prefill.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers.cache_utils import DynamicCache, EncoderDecoderCache

from runner.clips.clip import SAMPLE_RATE
from runner.engines.torch_engine import padded_features

ANY = torch.export.Dim.DYNAMIC
"""A dimension that is not fixed."""


@dataclass(frozen=True)
class Graph:
    """A module with all that its export takes."""

    name: str
    module: nn.Module
    inputs: dict[str, Any]
    """Name of a parameter of ``forward`` -> an example: a tensor, or a list of tensors."""
    dynamic: dict[str, Any]
    """Name of a parameter -> its dimensions that are not fixed."""
    input_names: Sequence[str]
    output_names: Sequence[str]

    def write(self, folder: Path, opset: int) -> None:
        """Writes ``NAME.onnx`` and, beside it, its weights.

        Args:
            folder: Where to.
            opset: Version of the operators.
        """
        program = torch.onnx.export(
            self.module.eval(),
            kwargs=self.inputs,
            dynamic_shapes=self.dynamic,
            input_names=list(self.input_names),
            output_names=list(self.output_names),
            opset_version=opset,
            dynamo=True,
            verbose=False,
        )
        program.save(folder / f"{self.name}.onnx", external_data=True)


def cache_names(prefix: str, layers: int) -> list[str]:
    """Names of the keys and values of each decoder layer in turn."""
    return [f"{prefix}.{layer}.{kind}" for layer in range(layers) for kind in ("key", "value")]


def graphs_of(engine: Any, family: str) -> list[Graph]:
    """The graphs of a model.

    Args:
        engine: The loaded model's own engine.
        family: Its name.
    """
    # The plain operators: a runtime finds its own fused kernels in them.
    engine.model.set_attn_implementation("eager")
    if family == "ctc":
        return [_frames(engine)]
    config = engine.model.config
    if family == "moonshine":
        layers, heads = config.decoder_num_hidden_layers, config.decoder_num_key_value_heads
        return [_encoder_of_any_length(engine), _decoder(engine, layers, heads, None)]
    layers, heads = config.decoder_layers, config.decoder_attention_heads
    return [_encoder(engine), _decoder(engine, layers, heads, config.max_source_positions)]


class Frames(nn.Module):  # type: ignore[misc]
    """A CTC model: the best id of each frame."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, features: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """Takes what the feature extractor gives; the ids are ``(clips, frames)``."""
        ids: torch.Tensor = self.model(features, attention_mask=mask).logits.argmax(dim=-1)
        return ids


def _frames(engine: Any) -> Graph:
    generator = np.random.default_rng(0)
    waves = [generator.normal(0, 0.1, n).astype(np.float32) for n in (2 * SAMPLE_RATE, SAMPLE_RATE)]
    given = padded_features(engine.extractor, waves)
    inputs = dict(zip(("features", "mask"), given.values(), strict=False))
    dynamic = {name: {0: ANY, 1: ANY} for name in inputs}
    return Graph("frames", Frames(engine.model), inputs, dynamic, list(given), ["ids"])


def _encoder(engine: Any) -> Graph:
    config = engine.model.config
    names = cache_names("cross", config.decoder_layers)
    features = torch.zeros(2, config.num_mel_bins, 2 * config.max_source_positions)
    return Graph(
        "encoder",
        Encoder(engine.model),
        {"features": features},
        {"features": {0: ANY}},
        ["features"],
        names,
    )


def _encoder_of_any_length(engine: Any) -> Graph:
    encoder = engine.model.get_encoder()
    # Its own count goes through floats, which the exporter takes for a constant.
    encoder._get_feat_extract_output_lengths = _moonshine_frames
    inputs = {
        "features": torch.zeros(2, SAMPLE_RATE),
        "mask": torch.ones(2, SAMPLE_RATE, dtype=torch.int64),
    }
    return Graph(
        "encoder",
        Encoder(engine.model),
        inputs,
        {name: {0: ANY, 1: ANY} for name in inputs},
        list(inputs),
        ["padding", *cache_names("cross", engine.model.config.decoder_num_hidden_layers)],
    )


def _moonshine_frames(samples: int) -> int:
    """Frames that a Moonshine's three convolutions leave of so many samples."""
    for kernel, stride in ((127, 64), (7, 3), (3, 2)):
        samples = (samples - kernel) // stride + 1
    return samples


def _decoder(engine: Any, layers: int, heads: int, positions: int | None) -> Graph:
    """The decoder's graph.

    Args:
        engine: The loaded model's own engine.
        layers: Of the decoder.
        heads: For keys and values.
        positions: Of the encoder; None where a row may be of any length, with padding.
    """
    width = engine.model.get_decoder().layers[0].self_attn.head_dim
    past = [torch.zeros(2, heads, 3, width) for _ in range(2 * layers)]
    cross = [torch.zeros(2, heads, positions or 40, width) for _ in past]
    # Of two tokens and rows: a dimension of one would be taken for fixed.
    inputs = {"ids": torch.zeros(2, 2, dtype=torch.int64), "past": past, "cross": cross}
    dynamic: dict[str, Any] = {
        "ids": {0: ANY, 1: ANY},
        "past": [{0: ANY, 2: ANY}] * len(past),
        "cross": [{0: ANY} if positions else {0: ANY, 2: ANY}] * len(past),
    }
    names = ["ids", *cache_names("past", layers), *cache_names("cross", layers)]
    if positions is None:
        inputs["padding"] = torch.zeros(2, 1, 1, 40)
        dynamic["padding"] = {0: ANY, 3: ANY}
        names.append("padding")
    outputs = ["logits", *cache_names("present", layers)]
    return Graph("decoder", Decoder(engine.model), inputs, dynamic, names, outputs)


class Encoder(nn.Module):  # type: ignore[misc]
    """An encoder, and what the decoder's cross attention takes of it."""

    def __init__(self, model: Any) -> None:
        """Keeps the parts of a Whisper or a Moonshine."""
        super().__init__()
        self.encoder = model.get_encoder()
        self.attentions = nn.ModuleList(layer.encoder_attn for layer in model.get_decoder().layers)

    def forward(
        self, features: torch.Tensor, mask: torch.Tensor | None = None
    ) -> list[torch.Tensor]:
        """Encodes.

        Args:
            features: What the feature extractor gives, ``(rows, mels, frames)`` or
                ``(rows, samples)``.
            mask: 1 where a row has samples, 0 where it is padded, ``(rows, samples)``; of a model
                whose rows are of any length.

        Returns:
            Keys and values of each decoder layer in turn, ``(rows, heads, positions, width)``; with
            a mask what to add to attention, ``(rows, 1, 1, positions)``, before them.
        """
        if mask is None:
            encoded = self.encoder(features).last_hidden_state
            given = []
        else:
            heard = self.encoder(features, attention_mask=mask)
            encoded = heard.last_hidden_state
            padding = heard.attention_mask[:, None, None, :] == 0
            given = [torch.where(padding, float("-inf"), 0.0)]
        for attention in self.attentions:
            for projection in (attention.k_proj, attention.v_proj):
                shape = (encoded.shape[0], encoded.shape[1], -1, attention.head_dim)
                given.append(projection(encoded).view(shape).transpose(1, 2))
        return given


class Decoder(nn.Module):  # type: ignore[misc]
    """A decoder with its vocabulary, and the cache as tensors."""

    def __init__(self, model: Any) -> None:
        """Keeps the parts of a Whisper or a Moonshine."""
        super().__init__()
        self.decoder = model.get_decoder()
        self.vocabulary = model.get_output_embeddings()
        self.layers = len(self.decoder.layers)

    def forward(
        self,
        ids: torch.Tensor,
        past: list[torch.Tensor],
        cross: list[torch.Tensor],
        padding: torch.Tensor | None = None,
    ) -> list[torch.Tensor]:
        """A pass over the prompt, or over one more token.

        Args:
            ids: ``(rows, tokens)``.
            past: Keys and values of each layer in turn, ``(rows, heads, earlier tokens, width)``.
            cross: Keys and values of the audio, from the encoder's graph.
            padding: What to add to attention over them, from there too.

        Returns:
            Logits of the last token, ``(rows, vocabulary)``, then ``past`` with the new tokens.
        """
        cache = EncoderDecoderCache(_cache(past), _cache(cross))
        tokens, before = ids.shape[1], past[0].shape[2]
        where = torch.arange(before + tokens)[None, :] > (before + torch.arange(tokens))[:, None]
        hidden = self.decoder(
            input_ids=ids,
            attention_mask=torch.where(where, float("-inf"), 0.0)[None, None],
            # Its content is in the cache; only that there is one matters.
            encoder_hidden_states=cross[0],
            **({} if padding is None else {"encoder_attention_mask": padding}),
            past_key_values=cache,
            use_cache=True,
        ).last_hidden_state
        logits = self.vocabulary(hidden[:, -1])
        return [logits, *(each for pair in _pairs(cache.self_attention_cache) for each in pair)]


def _cache(tensors: list[torch.Tensor]) -> DynamicCache:
    cache = DynamicCache()
    for number in range(len(tensors) // 2):
        cache.update(tensors[2 * number], tensors[2 * number + 1], number)
    return cache


def _pairs(cache: DynamicCache) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return [(layer.keys, layer.values) for layer in cache.layers]
