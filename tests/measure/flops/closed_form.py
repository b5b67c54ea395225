"""Multiply-accumulates (MAC) of Whisper and wav2vec2 by formula, as exact integers.

The formulas are independent of torch: they check the counter, and they explain its figures.
Counted are convolutions, linear layers (biases excluded) and both attention products; causal
attention is not halved, since the kernels' work is not. One MAC is two FLOPs.

Symbols: d model width, f feed-forward width, T encoder frames, V vocabulary.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import HubertConfig, Wav2Vec2Config, WhisperConfig


def whisper_encoder_macs(config: WhisperConfig) -> int:
    """One window of ``2T`` mel frames through the Whisper encoder."""
    d, f, frames = config.d_model, config.encoder_ffn_dim, config.max_source_positions
    convolutions: int = 2 * frames * 3 * config.num_mel_bins * d + frames * 3 * d * d
    layer: int = frames * (4 * d * d + 2 * d * f) + 2 * frames * frames * d
    layers: int = config.encoder_layers
    return convolutions + layers * layer


def whisper_prefill_macs(config: WhisperConfig, *, prompt_tokens: int) -> int:
    """The first decoder pass: ``prompt_tokens`` at once, and the keys and values of ``T`` frames.

    A decoder without a cache repeats this pass for every token, with one more token each time.
    """
    d, frames = config.d_model, config.max_source_positions
    cross_keys_and_values: int = config.decoder_layers * 2 * frames * d * d
    return cross_keys_and_values + _whisper_decoder_macs(
        config, tokens=prompt_tokens, attended=prompt_tokens
    )


def whisper_step_macs(config: WhisperConfig, *, earlier_tokens: int) -> int:
    """One decoder pass of one token, with the keys and values of what went before in the cache."""
    return _whisper_decoder_macs(config, tokens=1, attended=earlier_tokens + 1)


def _whisper_decoder_macs(config: WhisperConfig, *, tokens: int, attended: int) -> int:
    """Six d x d projections (four of self, two of cross-attention), feed-forward, head."""
    d, f, frames = config.d_model, config.decoder_ffn_dim, config.max_source_positions
    layer = 6 * d * d + 2 * d * f + d * (2 * attended + 2 * frames)
    token: int = config.decoder_layers * layer + d * config.vocab_size
    return tokens * token


def waveform_frames(config: Wav2Vec2Config | HubertConfig, *, samples: int) -> int:
    """Encoder frames of a waveform of ``samples``: unpadded strided convolutions, one by one."""
    length = samples
    for kernel, stride in zip(config.conv_kernel, config.conv_stride, strict=True):
        length = (length - kernel) // stride + 1
    return length


def waveform_ctc_macs(config: Wav2Vec2Config | HubertConfig, *, samples: int) -> int:
    """One waveform of ``samples`` through wav2vec2 or HuBERT, CTC head included."""
    convolutions, length, inputs = 0, samples, 1
    for outputs, kernel, stride in zip(
        config.conv_dim, config.conv_kernel, config.conv_stride, strict=True
    ):
        length = (length - kernel) // stride + 1
        convolutions += length * kernel * inputs * outputs
        inputs = outputs
    d, f, frames = config.hidden_size, config.intermediate_size, length
    kernel, groups = config.num_conv_pos_embeddings, config.num_conv_pos_embedding_groups
    # Padded by half the kernel on both sides: an even kernel gives one frame too many, which is
    # computed and then cut off.
    positional_frames = frames + 2 * (kernel // 2) - kernel + 1
    positional = positional_frames * kernel * (d // groups) * d
    layer = frames * (4 * d * d + 2 * d * f) + 2 * frames * frames * d
    if config.model_type == "wavlm":
        layer += frames * d * 8  # The gate of the relative positions, of each head.
    head = frames * d * (config.vocab_size or 0)
    projection = frames * inputs * d
    rest: int = projection + positional + config.num_hidden_layers * layer + head
    return convolutions + rest
