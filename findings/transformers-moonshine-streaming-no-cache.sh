#!/bin/sh
# transformers 5.23.0 with torch 2.13.0: without a key-value cache a Moonshine streaming writes another
# text. Its decoder adds the learned positions to the encoder's output in place, in every pass. With a
# cache the keys and values of the first pass are kept and the sum is harmless; without one each token
# is computed from an output to which the positions were added once more. So generate(use_cache=False),
# which is to cost time alone, changes tokens. A Moonshine and a Whisper give the same tokens both ways,
# and this model does too where its decoder is handed a copy in each pass.
#
# Seen: random weights, two seconds of noise, 20 tokens: other tokens with 6 of 8 seeds; with a copy in
# each pass with none, and with none of a Moonshine or a Whisper.
#
# Exits with 0 while it is so, with 1 when it has changed. Needs Python 3.11 or later and the package
# index. Downloads no weights.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
pip() { "$work/venv/bin/python" -m pip --quiet --disable-pip-version-check "$@"; }
pip install torch==2.13.0 --extra-index-url https://download.pytorch.org/whl/cpu
pip install transformers==5.23.0 numpy==2.4.6
cat >"$work/caches.py" <<'PYTHON'
import sys

import torch
from transformers import (
    MoonshineConfig,
    MoonshineForConditionalGeneration,
    MoonshineStreamingConfig,
    MoonshineStreamingForConditionalGeneration,
    WhisperConfig,
    WhisperForConditionalGeneration,
)

SEEDS = range(8)
SMALL = {"num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2}
STREAMING = MoonshineStreamingConfig(
    encoder_config={
        "model_type": "moonshine_streaming_encoder",
        "hidden_size": 48,
        "intermediate_size": 64,
        "head_dim": 16,
        "sliding_windows": [[16, 4], [16, 0]],
        "initializer_range": 0.3,
        **SMALL,
    },
    vocab_size=40,
    hidden_size=32,
    intermediate_size=64,
    decoder_start_token_id=1,
    initializer_range=0.3,
    **SMALL,
)
MOONSHINE = MoonshineConfig(
    vocab_size=40,
    hidden_size=32,
    intermediate_size=64,
    encoder_num_hidden_layers=2,
    decoder_num_hidden_layers=2,
    encoder_num_attention_heads=2,
    decoder_num_attention_heads=2,
    pad_head_dim_to_multiple_of=8,
    initializer_range=0.3,
)
WHISPER = WhisperConfig(
    vocab_size=40,
    d_model=32,
    encoder_layers=2,
    decoder_layers=2,
    encoder_attention_heads=2,
    decoder_attention_heads=2,
    encoder_ffn_dim=64,
    decoder_ffn_dim=64,
    init_std=0.3,
    pad_token_id=0,
    bos_token_id=1,
    eos_token_id=2,
    decoder_start_token_id=1,
    begin_suppress_tokens=None,
)
noise = 0.1 * torch.randn(1, 32_000, generator=torch.Generator().manual_seed(0))
mels = torch.randn(1, 80, 3000, generator=torch.Generator().manual_seed(0))


def on_a_copy(_, given, named):
    return given, named | {"encoder_hidden_states": named["encoder_hidden_states"].clone()}


def differ(kind, config, audio, *, copied=False) -> list[int]:
    """Seeds of weights with which the tokens depend on the cache."""
    found = []
    for seed in SEEDS:
        torch.manual_seed(seed)
        model = kind(config).eval()
        if copied:
            model.get_decoder().register_forward_pre_hook(on_a_copy, with_kwargs=True)
        said = [
            model.generate(audio, max_new_tokens=20, do_sample=False, use_cache=cache).tolist()
            for cache in (True, False)
        ]
        if said[0] != said[1]:
            found.append(seed)
    return found


streaming = MoonshineStreamingForConditionalGeneration
found = {
    "Moonshine streaming": differ(streaming, STREAMING, noise),
    "the same on a copy": differ(streaming, STREAMING, noise, copied=True),
    "Moonshine": differ(MoonshineForConditionalGeneration, MOONSHINE, noise),
    "Whisper": differ(WhisperForConditionalGeneration, WHISPER, mels),
}
for name, seeds in found.items():
    print(f"{name}: other tokens without a cache with {len(seeds)} of {len(SEEDS)} seeds {seeds}")
same = len(found.pop("Moonshine streaming")) > 2 and not any(found.values())
sys.exit(0 if same else 1)
PYTHON
"$work/venv/bin/python" "$work/caches.py"
