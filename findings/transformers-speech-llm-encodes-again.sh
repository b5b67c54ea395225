#!/bin/sh
# transformers 5.23.0: generate() of a language model that hears (Qwen3-ASR) runs its audio encoder
# for every beam, and without a key-value cache for every token, where a Whisper's runs once for a
# clip in both cases. The texts are right; the time and the energy of a beam search, or of a run
# without a cache, are of other work than the same setting of an encoder-decoder.
#
# Seen, rows that the encoder was given for one clip of one second and six tokens:
#   Qwen3-ASR: greedy 1, three beams 3, without a cache 6
#   Whisper:   greedy 1, three beams 1, without a cache 1
#
# Models of two layers with random weights; nothing else is downloaded.
# Exits with 0 while it is so, with 1 when it has changed. Needs Python 3.11 or later and the index.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install torch==2.13.0 \
    transformers==5.23.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON' 2>/dev/null
import torch
from transformers import (
    Qwen3ASRConfig,
    Qwen3ASRForConditionalGeneration,
    WhisperConfig,
    WhisperForConditionalGeneration,
)

SETTINGS = ({}, {"num_beams": 3}, {"use_cache": False})
AUDIO, PAD = 90, 92


def qwen():
    encoder = {
        "model_type": "qwen3_asr_encoder", "d_model": 32, "encoder_layers": 2,
        "encoder_attention_heads": 2, "encoder_ffn_dim": 64, "output_dim": 48,
        "downsample_hidden_size": 16,
    }
    text = {
        "model_type": "qwen3", "vocab_size": 100, "hidden_size": 48, "intermediate_size": 96,
        "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16,
    }
    config = Qwen3ASRConfig(
        audio_config=encoder, text_config=text, audio_token_id=AUDIO, pad_token_id=PAD,
        eos_token_id=93,
    )
    model = Qwen3ASRForConditionalGeneration(config)
    given = {
        "input_ids": torch.tensor([[1, *[AUDIO] * 13, 2]]),
        "attention_mask": torch.ones(1, 15, dtype=torch.long),
        "input_features": torch.randn(1, 128, 100),
        "input_features_mask": torch.ones(1, 100, dtype=torch.long),
    }
    return model, model.get_encoder(modality="audio"), given


def whisper():
    config = WhisperConfig(
        vocab_size=100, num_mel_bins=80, d_model=32, encoder_layers=2, decoder_layers=2,
        encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=64,
        decoder_ffn_dim=64, max_source_positions=50, pad_token_id=PAD, bos_token_id=PAD,
        eos_token_id=93, decoder_start_token_id=94, suppress_tokens=None,
        begin_suppress_tokens=None,
    )
    model = WhisperForConditionalGeneration(config)
    return model, model.get_encoder(), {"input_features": torch.randn(1, 80, 100)}


def rows(model, encoder, given, settings):
    seen = []

    def look(module, arguments, keywords):
        seen.append((arguments or (keywords["input_features"],))[0].shape[0])

    handle = encoder.register_forward_pre_hook(look, with_kwargs=True)
    model.eval().generate(**given, max_new_tokens=6, min_new_tokens=6, do_sample=False, **settings)
    handle.remove()
    return sum(seen)


torch.manual_seed(0)
found = {made.__name__: [rows(*made(), settings) for settings in SETTINGS] for made in (qwen, whisper)}
print("greedy, three beams, without a cache:", found)
raise SystemExit(found != {"qwen": [1, 3, 6], "whisper": [1, 1, 1]})
PYTHON
