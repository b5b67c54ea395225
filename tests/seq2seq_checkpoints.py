"""Small local checkpoints of encoders with a decoder that take a clip at its own length."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders
from tokenizers.models import WordLevel
from transformers import (
    CohereAsrConfig,
    CohereAsrFeatureExtractor,
    CohereAsrForConditionalGeneration,
    CohereAsrProcessor,
    MoonshineStreamingConfig,
    MoonshineStreamingForConditionalGeneration,
    MoonshineStreamingProcessor,
    PreTrainedTokenizerFast,
    Wav2Vec2FeatureExtractor,
)

from runner.engines.vocabulary import piece_tokenizer


def save_cohere_asr(folder: Path) -> Path:
    """A Cohere Transcribe of a few thousand parameters, with a prompt of the published form."""
    folder.mkdir(parents=True, exist_ok=True)
    marks = [
        *("<unk>", "<pad>", "<|endoftext|>", "<|startofcontext|>", "<|startoftranscript|>"),
        *("<|emo:undefined|>", "<|en|>", "<|de|>", "<|pnc|>", "<|noitn|>", "<|notimestamp|>"),
        "<|nodiarize|>",
    ]
    words = ["▁", *(f"▁w{number}" for number in range(20))]
    ids = {token: number for number, token in enumerate([*marks, *words])}
    core = Tokenizer(WordLevel(vocab=ids, unk_token="<unk>"))
    core.decoder = decoders.Metaspace()
    core.add_special_tokens(marks)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token="<pad>", eos_token="<|endoftext|>", unk_token="<unk>"
    )
    extractor = CohereAsrFeatureExtractor(feature_size=16, max_audio_clip_s=2)
    CohereAsrProcessor(extractor, tokenizer).save_pretrained(folder)
    extractor.save_pretrained(folder)
    config = CohereAsrConfig(
        encoder_config={
            "model_type": "parakeet_encoder",
            "hidden_size": 32,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "intermediate_size": 64,
            "subsampling_conv_channels": 8,
            "num_mel_bins": 16,
            "scale_input": False,
            "initializer_range": 0.8,
        },
        vocab_size=len(ids),
        hidden_size=48,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=64,
        pad_token_id=ids["<pad>"],
        eos_token_id=ids["<|endoftext|>"],
        bos_token_id=ids["<|startoftranscript|>"],
        decoder_start_token_id=ids["▁"],
        # Large enough that neither text nor audio is lost in the other.
        initializer_range=0.8,
    )
    torch.manual_seed(1)
    CohereAsrForConditionalGeneration(config).save_pretrained(folder)
    return folder


def save_moonshine_streaming(folder: Path) -> Path:
    """A Moonshine streaming of a few thousand parameters, with positions for two seconds."""
    folder.mkdir(parents=True, exist_ok=True)
    attention = {
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "head_dim": 16,
        # Large enough that neither text nor audio is lost in the other.
        "initializer_range": 0.3,
    }
    config = MoonshineStreamingConfig(
        encoder_config={
            "model_type": "moonshine_streaming_encoder",
            "hidden_size": 48,
            "intermediate_size": 64,
            "sliding_windows": [[16, 4], [16, 0]],
            **attention,
        },
        vocab_size=40,
        hidden_size=32,
        intermediate_size=64,
        max_position_embeddings=100,
        decoder_start_token_id=1,
        **attention,
    )
    torch.manual_seed(1)
    MoonshineStreamingForConditionalGeneration(config).save_pretrained(folder)
    extractor = Wav2Vec2FeatureExtractor(do_normalize=False, return_attention_mask=True)
    tokenizer = piece_tokenizer(40, special=40)
    MoonshineStreamingProcessor(extractor, tokenizer).save_pretrained(folder)
    extractor.save_pretrained(folder)
    return folder
