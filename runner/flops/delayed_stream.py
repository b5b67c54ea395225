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

from runner.engines.audio_positions import voxtral_realtime_positions, voxtral_realtime_prompt
from runner.flops.counter import Count, count
from runner.flops.models import KYUTAI, VOXTRAL_REALTIME, build
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
    """What is counted of one model type; ``model`` is on the meta device."""

    beforehand: Callable[[Any, int, int], object]
    """From the model, clips, and samples of each: does what is done once for a whole clip."""
    encoder: Callable[[Any, int], Callable[[int], object]]
    """From the model and clips: what encodes so many further frames."""
    decoder: Callable[[Any, int, Any, int], object]
    """From the model, clips, the cache, and frames: a pass of the decoder."""
    positions: int
    """Positions of the encoder's attention a frame."""
    encoder_window: Callable[[Any], int]
    """From the configuration: positions that the encoder's attention reaches, its own included."""
    heard_at_once: Callable[[Any], int]
    """From the configuration: frames that the first pass of the encoder takes."""
    prompt_is_heard: bool
    """Whether the decoder's first pass hears them; else the second does."""


def delayed_stream_flops(
    config: PretrainedConfig,
    *,
    samples: int,
    batch: int,
    prompt_tokens: int,
    tokens: int | None,
) -> tuple[FlopsReading, ...]:
    """FLOPs of one batch through such a model, by stage.

    Args:
        config: A configuration of a model type of ``models.DELAYED_STREAMS``.
        samples: Samples of one (padded) clip at 16 kHz.
        batch: Clips.
        prompt_tokens: Tokens before the first that is generated.
        tokens: Tokens generated for each row, one a frame. None where unknown.

    Returns:
        Readings for ``encoder``, ``prefill``, ``decode``, ``token`` and ``total``.
    """
    model = build(config)
    kind = STREAMING[config.model_type]
    once = count(lambda: kind.beforehand(model, batch, samples))
    first = kind.heard_at_once(config)
    encode = kind.encoder(model, batch)
    heard = Turns(
        kind.positions * first,
        kind.positions,
        kind.encoder_window(config),
        (count(lambda: encode(first)), count(lambda: encode(1)), count(lambda: encode(1))),
    )
    read = _decoder_turns(model, kind, batch, prompt_tokens)
    prefill = meta_reading(
        "prefill",
        read.passes[0].flops,
        missed=read.passes[0].missed,
        note=f"the stream's beginning; {LEFT_OUT}",
    )
    if tokens is None:
        reason = "how many frames are decoded is unknown"
        encoder, *later = (
            meta_reading(stage, None, note=reason)
            for stage in ("encoder", "decode", "token", "total")
        )
        return encoder, prefill, *later
    steps = tokens - 1
    # The last token is given before the last frame would be heard.
    turns = tokens if kind.prompt_is_heard else steps
    hearing = once.flops + (heard.passes[0].flops + heard.later(turns - 1) if turns else 0)
    decode = read.later(steps)
    every = (once, *heard.passes, *read.passes)
    missed = tuple(sorted({name for each in every for name in each.missed}))
    note = f"{steps} steps, a frame each, with key-value cache; {LEFT_OUT}"
    token_note = f"mean step; {LEFT_OUT}" if steps else "no step after the prefill"
    return (
        meta_reading("encoder", hearing, missed=missed),
        prefill,
        meta_reading("decode", decode, missed=missed, note=note),
        meta_reading("token", decode // steps if steps else None, missed=missed, note=token_note),
        meta_reading("total", hearing + read.passes[0].flops + decode, missed=missed),
    )


def hear_first(model: Any, *, samples: int, batch: int) -> Callable[[], object]:
    """What does the first turn of the encoder, and what comes before it.

    Args:
        model: The model, on the meta device.
        samples: Samples of one (padded) clip at 16 kHz.
        batch: Clips.
    """
    kind = STREAMING[model.config.model_type]
    encode = kind.encoder(model, batch)

    def hear() -> None:
        kind.beforehand(model, batch, samples)
        encode(kind.heard_at_once(model.config))

    return hear


def decoder_config(config: Any) -> Any:
    """The part of a configuration that is of the decoder."""
    return config.get_text_config(decoder=True)


def _decoder_turns(model: Any, kind: Streaming, batch: int, prompt: int) -> Turns:
    from transformers import DynamicCache

    text = decoder_config(model.config)
    cache = DynamicCache(config=text)

    def counted(frames: int) -> Count:
        return count(lambda: kind.decoder(model, batch, cache, frames))

    passes = (counted(prompt), counted(1), counted(1))
    return Turns(prompt, 1, text.sliding_window, passes)


def _kyutai_encoder(model: Any, batch: int) -> Callable[[int], object]:
    codec = model.codec_model
    for module in codec.modules():
        if hasattr(module, "padding_total"):
            # Numbers that its convolutions keep as buffers, whose values meta tensors lack.
            kernel, stride = module.conv.kernel_size[0], module.conv.stride[0]
            size = (kernel - 1) * module.conv.dilation[0] + 1
            module.kernel_size, module.stride = torch.tensor(size), torch.tensor(stride)
            module.padding_total = torch.tensor(size - stride)
        getattr(module, "embed", None)  # A codebook, which is made of its sums once and kept.
    keys: Any = None
    edges: Any = None

    def encode(frames: int) -> None:
        nonlocal keys, edges
        samples = torch.zeros((batch, 1, frames * model.config.frame_size), device="meta")
        made = codec.encode(
            samples, encoder_past_key_values=keys, padding_cache=edges, use_streaming=True
        )
        keys, edges = made.encoder_past_key_values, made.padding_cache

    return encode


def _kyutai_decoder(model: Any, batch: int, cache: Any, frames: int) -> None:
    shape = (batch, frames, model.config.num_codebooks + 1)
    ids = torch.zeros(shape, device="meta", dtype=torch.long)
    model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)


def _voxtral_embedder(model: Any, batch: int, samples: int) -> None:
    config = model.config
    frames = config.audio_length_per_tok * voxtral_realtime_positions(config, samples)
    shape = (batch, config.audio_config.num_mel_bins, frames)
    model.model.audio_tower.embedder(torch.zeros(shape, device="meta"))


def _voxtral_encoder(model: Any, batch: int) -> Callable[[int], object]:
    from transformers import DynamicCache

    config = model.config
    cache = DynamicCache(config=config.audio_config)

    def encode(frames: int) -> None:
        shape = (batch, frames * config.downsample_factor, config.audio_config.hidden_size)
        model.get_audio_features(
            encoder_inputs_embeds=torch.zeros(shape, device="meta"),
            past_key_values=cache,
            use_cache=True,
        )

    return encode


def _voxtral_decoder(model: Any, batch: int, cache: Any, frames: int) -> None:
    width = model.config.text_config.hidden_size
    said = model.model.language_model(
        inputs_embeds=torch.zeros((batch, frames, width), device="meta"),
        past_key_values=cache,
        use_cache=True,
        t_cond=torch.zeros((1, width), device="meta"),
    )
    model.lm_head(said.last_hidden_state[:, -1:])


STREAMING: Mapping[str, Streaming] = MappingProxyType(
    {
        KYUTAI: Streaming(
            beforehand=lambda *_: None,
            encoder=_kyutai_encoder,
            decoder=_kyutai_decoder,
            positions=2,  # Mimi's transformer runs at 25 Hz.
            encoder_window=lambda config: config.codec_config.sliding_window,
            heard_at_once=lambda _: 1,
            prompt_is_heard=False,
        ),
        VOXTRAL_REALTIME: Streaming(
            beforehand=_voxtral_embedder,
            encoder=_voxtral_encoder,
            decoder=_voxtral_decoder,
            positions=4,  # As many of its frames are joined.
            encoder_window=lambda config: config.audio_config.sliding_window,
            heard_at_once=voxtral_realtime_prompt,
            prompt_is_heard=True,
        ),
    }
)
"""``config.model_type`` -> what is known of it; all of ``models.DELAYED_STREAMS``."""
