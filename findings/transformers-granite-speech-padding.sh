#!/bin/sh
# transformers 5.23.0: what a Granite speech hears of a clip depends on the other clips of its
# batch. Its encoder takes no mask: the features of the silence that a shorter clip is padded with
# are attended to like audio within a block of attention, and come into the convolutions.
# input_features_mask only leaves out the positions of what came of it.
#
# Seen, the embeddings of a clip's 18 positions alone and padded to a longer neighbour: they differ
# by 43 % of their mean size.
#
# A model of two layers with random weights; nothing else is downloaded.
# Exits with 0 while it is so, with 1 when it has changed. Needs Python 3.11 or later and the index.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install torch==2.13.0 \
    transformers==5.23.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON' 2>/dev/null
import torch
from transformers import GraniteSpeechConfig, GraniteSpeechForConditionalGeneration

config = GraniteSpeechConfig(
    encoder_config={
        "model_type": "granite_speech_encoder", "num_layers": 2, "hidden_dim": 32, "input_dim": 32,
        "output_dim": 8, "num_heads": 2, "context_size": 200, "conv_kernel_size": 15,
        "initializer_range": 0.3,
    },
    projector_config={
        "model_type": "blip_2_qformer", "hidden_size": 32, "num_hidden_layers": 1,
        "num_attention_heads": 2, "intermediate_size": 64, "encoder_hidden_size": 32,
        "cross_attention_frequency": 1, "initializer_range": 0.3,
    },
    text_config={
        "model_type": "granite", "vocab_size": 100, "hidden_size": 48, "intermediate_size": 96,
        "num_hidden_layers": 1, "num_attention_heads": 4, "num_key_value_heads": 2,
    },
    audio_token_index=99, has_lora_adapter=False, initializer_range=0.3,
)
torch.manual_seed(0)
model = GraniteSpeechForConditionalGeneration(config).eval()
clip = torch.randn(1, 90, 32)
# What its feature extractor makes of silence: the floor, eight decades below the loudest moment.
silence = torch.full((1, 60, 32), float(clip.min()))
with torch.no_grad():
    alone = model.get_audio_features(clip).pooler_output
    among = model.get_audio_features(torch.cat([clip, silence], 1)).pooler_output
change = (among[:, : alone.shape[1]] - alone).abs().mean() / alone.abs().mean()
print(f"mean change of the {alone.shape[1]} positions of the clip: {100 * change:.1f} % of them")
raise SystemExit(not change > 0.01)
PYTHON
