"""Memory of a model by what it is for, from shapes alone: weights, activations, cache.

On the meta device a tensor has a size and no bytes, so the peak of what lives at once is known
without allocating any of it. Allocators round up and keep what was freed, so a real peak is
higher; a fused attention kernel keeps no weights, so there it is lower.
"""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from runner.engines.mel_frames import MEL_WINDOW, fastconformer_frames
from runner.engines.waveform_frames import streaming_frames
from runner.flops.delayed_stream import decoder_config, hear_first
from runner.flops.hearing import HEARING
from runner.flops.models import (
    CANARY,
    COHERE_ASR,
    DELAYED_STREAMS,
    MOONSHINE,
    MOONSHINE_STREAMING,
    OWN_LENGTH,
    SPEECH_LLMS,
    TRANSDUCERS,
    build,
    encode,
    encoder_input,
    has_decoder,
    is_whisper,
    rows_of,
    whisper_windows,
)

if TYPE_CHECKING:
    from transformers import PretrainedConfig


@dataclass(frozen=True)
class ModelMemory:
    """Bytes of one batch in fp32."""

    parameters: int
    weights_bytes: int
    activations_bytes: int
    """Peak of the encoder's tensors that live at once, attention's weights among them."""
    cache_bytes: int
    """Keys and values of the decoder at its last token; 0 where there is no decoder."""


def model_memory(
    config: PretrainedConfig, *, samples: int, batch: int, tokens: int, prompt_tokens: int = 4
) -> ModelMemory:
    """Memory of one batch.

    Args:
        config: A configuration that ``models.COUNTED`` knows.
        samples: Samples of one clip at 16 kHz.
        batch: Clips.
        tokens: Tokens generated for each row, where there is a decoder.
        prompt_tokens: Tokens of the decoder's prompt.
    """
    model = build(config)
    encode = _encode(model, config, samples, batch)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return ModelMemory(
        parameters=parameters,
        weights_bytes=4 * parameters,
        activations_bytes=peak_bytes(encode),
        cache_bytes=_cache_bytes(config, samples, batch, prompt_tokens + tokens - 1),
    )


def peak_bytes(run: Callable[[], object]) -> int:
    """Most bytes of tensors that live at once while ``run`` runs, not counting those before."""
    watch = _LiveBytes()
    with torch.no_grad(), watch:
        run()
    return watch.peak


class _LiveBytes(TorchDispatchMode):  # type: ignore[misc]  # torch is not type-checked here
    """Follows the storages of every tensor that an operation gives."""

    def __init__(self) -> None:
        super().__init__()
        self.peak = 0
        self._now = 0
        self._tensors: Counter[int] = Counter()

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        given = {id(leaf) for leaf in tree_leaves((args, kwargs))}
        for leaf in tree_leaves(out):
            # In place: it is followed already, or was there before.
            if isinstance(leaf, torch.Tensor) and id(leaf) not in given:
                self._follow(leaf, args)
        return out

    def _follow(self, tensor: torch.Tensor, arguments: tuple[Any, ...]) -> None:
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key not in self._tensors and _is_of(key, arguments):
            return  # A view of a weight or of the input.
        if key not in self._tensors:
            self._now += size
            self.peak = max(self.peak, self._now)
        self._tensors[key] += 1
        weakref.finalize(tensor, self._forget, key, size)

    def _forget(self, key: int, size: int) -> None:
        self._tensors[key] -= 1
        if self._tensors[key] == 0:
            del self._tensors[key]
            self._now -= size


def _is_of(storage: int, arguments: tuple[Any, ...]) -> bool:
    tensors = (leaf for leaf in tree_leaves(arguments) if isinstance(leaf, torch.Tensor))
    return any(tensor.untyped_storage()._cdata == storage for tensor in tensors)


def _encode(model: Any, config: Any, samples: int, batch: int) -> Callable[[], object]:
    """All that runs once for a clip."""
    if config.model_type in SPEECH_LLMS:
        return lambda: HEARING[config.model_type].encode(model, batch, samples)
    if config.model_type in DELAYED_STREAMS:
        return hear_first(model, samples=samples, batch=batch)
    if config.model_type in OWN_LENGTH:
        batch, samples = rows_of(config, samples=samples, batch=batch, windows=None)
    features = encoder_input(config, samples=samples, batch=batch)
    if config.model_type in TRANSDUCERS:
        return lambda: model.get_audio_features(features)
    if has_decoder(config):
        return lambda: encode(model, features)
    return lambda: model(features)


def _cache_bytes(config: Any, samples: int, batch: int, positions: int) -> int:
    if config.model_type in TRANSDUCERS:
        # Hidden and cell state of each layer of the prediction network, and its last output.
        state: int = config.decoder_hidden_size * (2 * config.num_decoder_layers + 1)
        return 4 * batch * state
    if config.model_type in DELAYED_STREAMS:
        decoder = decoder_config(config)
        heads = decoder.num_hidden_layers * decoder.num_key_value_heads * decoder.head_dim
        # A cache that slides keeps what the next step reaches beside itself.
        reached = min(positions, decoder.sliding_window - 1)
        held: int = batch * 2 * 4 * heads * reached
        return held
    if config.model_type in SPEECH_LLMS:
        text = config.text_config
        # Not every language model has a width of its own for its heads.
        head = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
        heads = text.num_hidden_layers * text.num_key_value_heads * head
        audio = HEARING[config.model_type].positions(config, samples)
        kept: int = batch * 2 * 4 * heads * (audio + positions)
        return kept
    if config.model_type == MOONSHINE:
        width, layers = config.hidden_size, config.decoder_num_hidden_layers
        rows, frames = batch, _moonshine_frames(samples)
    elif config.model_type == MOONSHINE_STREAMING:
        width, layers = config.num_key_value_heads * config.head_dim, config.num_hidden_layers
        rows, samples = rows_of(config, samples=samples, batch=batch, windows=None)
        frames = streaming_frames(samples)
    elif config.model_type in (CANARY, COHERE_ASR):
        decoder = getattr(config, "decoder_config", config)
        width = decoder.num_key_value_heads * decoder.head_dim
        layers = decoder.num_hidden_layers
        rows, samples = rows_of(config, samples=samples, batch=batch, windows=None)
        frames = fastconformer_frames(config.encoder_config, max(samples, MEL_WINDOW))
    elif is_whisper(config):
        width, layers = config.d_model, config.decoder_layers
        rows = batch * whisper_windows(config, samples=samples)
        frames = config.max_source_positions
    else:
        return 0
    total: int = rows * 2 * 4 * layers * width * (frames + positions)
    return total


def _moonshine_frames(samples: int) -> int:
    """Frames after its three convolutions (kernels 127, 7, 3; strides 64, 3, 2)."""
    for kernel, stride in ((127, 64), (7, 3), (3, 2)):
        samples = (samples - kernel) // stride + 1
    return samples
