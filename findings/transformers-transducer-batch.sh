#!/bin/sh
# transformers 5.23.0 with torch 2.13.0: a transducer (Parakeet RNN-T and TDT, Nemotron) in a batch says more
# than a clip alone. generate() stops when every clip has come to its last frame; until then a clip that
# has ended goes on at frames of its padding, and what it says there stands in `sequences` like the rest:
# neither padding nor a mark tells where its text ends. `durations` does: a step is the clip's own as long as the
# durations before it are fewer than its frames. A stream of several clips (Nemotron, `input_features` a
# generator) is worse: a clip that is done with its chunk goes on while it waits for the others, and the
# frames that it counted meanwhile are left out of the next chunk.
#
# Seen: random weights. RNN-T, 0.5 s of noise beside 2 s: 70 tokens alone, 250 in the batch, 70 of them by
# `durations`, which are the same. Nemotron, two streams of 1.9 s: 50 tokens of the first alone, 41 in the batch.
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
cat >"$work/batch.py" <<'PYTHON'
import sys

import torch
from transformers import (
    NemotronAsrStreamingConfig,
    NemotronAsrStreamingEncoderConfig,
    NemotronAsrStreamingForRNNT,
    ParakeetEncoderConfig,
    ParakeetForRNNT,
    ParakeetRNNTConfig,
)

BLANK, MELS = 32, 16
SHAPE = {
    "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64,
    "num_mel_bins": MELS, "subsampling_conv_channels": 8, "initializer_range": 0.3,
}
OWN = {"vocab_size": 33, "blank_token_id": BLANK, "decoder_hidden_size": 16, "pad_token_id": 2}


def made(cls, config, seed, more):
    torch.manual_seed(seed)
    model = cls(config).eval()
    model.generation_config.decoder_start_token_id = BLANK
    with torch.no_grad():
        model.joint.head.bias[BLANK] += more
    return model


def said(sequence):
    return [token for token in sequence[1:].tolist() if token not in (BLANK, 2)]


config = ParakeetRNNTConfig(encoder_config=ParakeetEncoderConfig(**SHAPE), **OWN)
model = made(ParakeetForRNNT, config, 1, 1)
features, frames = torch.randn(2, 201, MELS), torch.tensor([200, 50])
mask = torch.arange(201) < frames[:, None]
features *= mask[..., None]
batch = model.generate(input_features=features, attention_mask=mask, max_length=999)
alone = model.generate(
    input_features=features[1:, :51], attention_mask=mask[1:, :51], max_length=999
)
own = model._get_subsampling_output_length(frames)[1]
before = batch.durations[1, 1:].cumsum(0) - batch.durations[1, 1:]
cut = said(torch.cat([batch.sequences[1, :1], batch.sequences[1, 1:][before < own]]))
one, many = said(alone.sequences[0]), said(batch.sequences[1])
print(f"RNN-T: {len(one)} tokens alone, {len(many)} in a batch, by durations {len(cut)}")
longer = len(many) > len(one) and cut == one

config = NemotronAsrStreamingConfig(
    encoder_config=NemotronAsrStreamingEncoderConfig(**SHAPE, sliding_window=8), **OWN
)
model = made(NemotronAsrStreamingForRNNT, config, 2, 1.5)
features = torch.randn(2, 9 + 16 * 11, MELS)


def stream(rows):
    parts = (part for part in rows.split([9, *[16] * 11], dim=1))
    return model.generate(input_features=parts, num_lookahead_tokens=1, max_length=999).sequences


one, many = said(stream(features[:1])[0]), said(stream(features)[0])
print(f"Nemotron: {len(one)} tokens alone, {len(many)} in a batch; the same: {one == many}")
sys.exit(0 if longer and one != many else 1)
PYTHON
"$work/venv/bin/python" "$work/batch.py"
