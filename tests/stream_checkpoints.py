"""Small local checkpoints of models of delayed streams, as `save_pretrained` writes them."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import (
    KyutaiSpeechToTextConfig,
    KyutaiSpeechToTextFeatureExtractor,
    KyutaiSpeechToTextForConditionalGeneration,
    PreTrainedTokenizerFast,
    VoxtralRealtimeConfig,
    VoxtralRealtimeFeatureExtractor,
    VoxtralRealtimeForConditionalGeneration,
)

from tests.checkpoints import SMALL_DECODER, save_tekken


def save_kyutai(folder: Path, *, delay_s: float = 0.5, silence_s: float = 0.25) -> Path:
    """A Kyutai STT of a few thousand parameters, whose contexts are soon full.

    Args:
        folder: Where to.
        delay_s: Of the text behind the audio.
        silence_s: Before a clip.
    """
    folder.mkdir(parents=True, exist_ok=True)
    words = {f"w{number}": number for number in range(40)}
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(WordLevel(vocab=words, unk_token="w1")), pad_token="w3"
    )
    tokenizer.save_pretrained(folder)
    config = KyutaiSpeechToTextConfig(
        codebook_vocab_size=65,
        vocab_size=41,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        sliding_window=20,
        ffn_dim=64,
        num_codebooks=4,
        audio_bos_token_id=64,
        audio_pad_token_id=41 + 4 * 65,
        pad_token_id=3,
        bos_token_id=40,
        initializer_range=0.3,
        codec_config={
            "model_type": "mimi",
            "num_filters": 4,
            "hidden_size": 32,
            "codebook_dim": 16,
            "codebook_size": 64,
            "vector_quantization_hidden_dimension": 16,
            "num_quantizers": 4,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 2,
            "head_dim": 16,
            "intermediate_size": 64,
            "sliding_window": 12,
            "upsample_groups": 32,
            "initializer_range": 0.3,
        },
    )
    torch.manual_seed(0)
    model = KyutaiSpeechToTextForConditionalGeneration(config)
    for name, codes in model.codec_model.named_buffers():
        if name.endswith("embed_sum"):  # They are zero at first, and every frame would be the same.
            codes.normal_()
    # As the published checkpoints have it: frame by frame, both parts with a cache that slides.
    model.generation_config.audio_window_size = 1
    for part in (model, model.codec_model):
        part.generation_config.cache_implementation = "sliding_window"
        part.generation_config.use_cache = True
        part.generation_config._from_model_config = False
    model.save_pretrained(folder)
    KyutaiSpeechToTextFeatureExtractor(
        audio_delay_seconds=delay_s, audio_silence_prefix_seconds=silence_s
    ).save_pretrained(folder)
    return folder


def save_voxtral_realtime(folder: Path) -> Path:
    """A Voxtral realtime of a few thousand parameters, whose contexts are soon full."""
    folder.mkdir(parents=True, exist_ok=True)
    marks = {0: "<unk>", 1: "<s>", 2: "</s>", 11: "<pad>", 32: "[STREAMING_PAD]"}
    size = save_tekken(folder, {**marks, 33: "[STREAMING_WORD]"})
    config = VoxtralRealtimeConfig(
        audio_config={
            "model_type": "voxtral_realtime_encoder",
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "head_dim": 16,
            "num_mel_bins": 16,
            "sliding_window": 200,
            "initializer_range": 0.3,
        },
        text_config={
            "model_type": "voxtral_realtime_text",
            "vocab_size": size,
            **SMALL_DECODER,
            "head_dim": 16,
            "sliding_window": 60,
        },
    )
    torch.manual_seed(0)
    model = VoxtralRealtimeForConditionalGeneration(config)
    model.generation_config.update(bos_token_id=1, eos_token_id=2, pad_token_id=11)
    model.save_pretrained(folder)
    VoxtralRealtimeFeatureExtractor(feature_size=16).save_pretrained(folder)
    return folder
