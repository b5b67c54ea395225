"""FLOPs of a model of delayed streams, by stage: encoder, prefill, decode.

Encoder and decoder take turns, and both attend to so many earlier frames at the most. A step costs
an affine function of the keys it attends to, so two steps on the meta device give the sum over any
number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import torch

from runner.flops.counter import Count, count
from runner.flops.models import KYUTAI, build
from runner.flops.readings import LEFT_OUT, meta_reading
from store.records import FlopsReading

if TYPE_CHECKING:
    from transformers import PretrainedConfig

Counts = tuple[Count, Count, Count]
"""The first pass, and the two after it."""


@dataclass(frozen=True)
class Turns:
    """Passes of one part of a model, one a frame after the first."""

    first: int
    """Positions that the first pass computes."""
    step: int
    """Positions of each pass after it."""
    window: int
    """Positions that attention reaches, with its own."""
    passes: Counts

    def later(self, steps: int) -> int:
        """FLOPs of so many passes after the first."""
        _, second, third = (each.flops for each in self.passes)
        keys = [
            min(self.first + number * self.step, self.window - 1) + self.step
            for number in range(max(2, steps))
        ]
        each = (third - second) // (keys[1] - keys[0]) if keys[1] > keys[0] else 0
        return sum(second + each * (key - keys[0]) for key in keys[:steps])


@dataclass(frozen=True)
class Streaming:
    """What is counted of one model type."""

    encoder_step: Callable[[Any, int], Callable[[], object]]
    """From a model on the meta device and the number of clips: what encodes the next frame."""
    positions: int
    """Positions of the encoder's attention a frame."""
    encoder_window: Callable[[Any], int]
    """From the configuration: positions that the encoder's attention reaches, its own included."""
    decoder_window: Callable[[Any], int]
    """The same of the decoder, in frames."""
    decoder_input: Callable[[Any, int, int], torch.Tensor]
    """From the configuration, clips and frames: what the decoder reads, on the meta device."""


def delayed_stream_flops(
    config: PretrainedConfig, *, batch: int, prompt_tokens: int, tokens: int | None
) -> tuple[FlopsReading, ...]:
    """FLOPs of one batch through such a model, by stage.

    Args:
        config: A configuration of a model type of ``models.DELAYED_STREAMS``.
        batch: Clips.
        prompt_tokens: Tokens before the first that is generated.
        tokens: Tokens generated for each row, one a frame. None where unknown.

    Returns:
        Readings for ``encoder``, ``prefill``, ``decode``, ``token`` and ``total``.
    """
    if tokens is None:
        reason = "how long the audio is with the silence around it is unknown"
        stages = ("encoder", "prefill", "decode", "token", "total")
        return tuple(meta_reading(stage, None, note=reason) for stage in stages)
    model = build(config)
    kind = STREAMING[config.model_type]
    heard = _turns(kind.encoder_step(model, batch), kind.positions, kind.encoder_window(config))
    read = _decoder_turns(model, kind, batch, prompt_tokens)
    steps = tokens - 1
    # The last token is given before the last frame would be heard.
    encoder = 0 if steps == 0 else heard.passes[0].flops + heard.later(steps - 1)
    prefill, decode = read.passes[0].flops, read.later(steps)
    missed = tuple(
        sorted({name for part in (heard, read) for each in part.passes for name in each.missed})
    )
    note = f"{steps} steps, a frame each, with key-value cache; {LEFT_OUT}"
    token_note = f"mean step; {LEFT_OUT}" if steps else "no step after the prefill"
    return (
        meta_reading("encoder", encoder, missed=missed),
        meta_reading("prefill", prefill, missed=missed, note=f"the stream's beginning; {LEFT_OUT}"),
        meta_reading("decode", decode, missed=missed, note=note),
        meta_reading("token", decode // steps if steps else None, missed=missed, note=token_note),
        meta_reading("total", encoder + prefill + decode, missed=missed),
    )


def _turns(step: Callable[[], object], positions: int, window: int) -> Turns:
    return Turns(positions, positions, window, (count(step), count(step), count(step)))


def _decoder_turns(model: Any, kind: Streaming, batch: int, prompt: int) -> Turns:
    from transformers import DynamicCache

    cache = DynamicCache(config=model.config.get_text_config(decoder=True))

    def step(frames: int) -> None:
        given = kind.decoder_input(model.config, batch, frames)
        model(input_ids=given, past_key_values=cache, use_cache=True, logits_to_keep=1)

    passes = (count(lambda: step(prompt)), count(lambda: step(1)), count(lambda: step(1)))
    return Turns(prompt, 1, kind.decoder_window(model.config), passes)


def kyutai_frame(model: Any, batch: int) -> Callable[[], object]:
    """What encodes the next frame of a Kyutai STT on the meta device.

    Args:
        model: The model.
        batch: Clips.
    """
    codec = model.codec_model
    for module in codec.modules():
        if hasattr(module, "padding_total"):
            # Numbers that its convolutions keep as buffers, whose values meta tensors lack.
            kernel, stride = module.conv.kernel_size[0], module.conv.stride[0]
            size = (kernel - 1) * module.conv.dilation[0] + 1
            module.kernel_size, module.stride = torch.tensor(size), torch.tensor(stride)
            module.padding_total = torch.tensor(size - stride)
        getattr(module, "embed", None)  # A codebook, which is made of its sums once and kept.
    frame = torch.zeros((batch, 1, model.config.frame_size), device="meta")
    keys: Any = None
    edges: Any = None

    def encode() -> None:
        nonlocal keys, edges
        made = codec.encode(
            frame, encoder_past_key_values=keys, padding_cache=edges, use_streaming=True
        )
        keys, edges = made.encoder_past_key_values, made.padding_cache

    return encode


def _kyutai_input(config: Any, batch: int, frames: int) -> torch.Tensor:
    shape = (batch, frames, config.num_codebooks + 1)
    return torch.zeros(shape, device="meta", dtype=torch.long)


STREAMING: Mapping[str, Streaming] = MappingProxyType(
    {
        KYUTAI: Streaming(
            encoder_step=kyutai_frame,
            positions=2,  # Mimi's transformer runs at 25 Hz.
            encoder_window=lambda config: config.codec_config.sliding_window,
            decoder_window=lambda config: config.sliding_window,
            decoder_input=_kyutai_input,
        )
    }
)
"""``config.model_type`` -> what is known of it; all of ``models.DELAYED_STREAMS``."""
