#!/bin/sh
# transformers 5.23.0 with torch 2.13.0: an attention mask does not make padding harmless for Moonshine.
# The encoder's first layers normalise over the whole length of the batch, padding included, before the
# mask is used: a clip beside a longer one is encoded otherwise than alone, and may get other words. So
# the error rate of a Moonshine depends on the batch size and on which clips share a batch. A wav2vec 2.0
# whose features are normalised layer by layer, batched with a mask in the same way, gives the same
# numbers but for rounding.
#
# Seen: random weights, two seconds of noise; the encoder's output for these two seconds, alone and
# beside a clip of 3 s: 18 % apart; beside one of 10 s: 55 %. wav2vec 2.0: 4e-7 both times.
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
cat >"$work/alone.py" <<'PYTHON'
import sys

import torch
from transformers import (
    MoonshineConfig,
    MoonshineForConditionalGeneration,
    Wav2Vec2Config,
    Wav2Vec2ForCTC,
)

torch.manual_seed(0)
RATE, SECONDS = 16000, 2
moonshine = MoonshineForConditionalGeneration(MoonshineConfig()).eval()
config = Wav2Vec2Config(feat_extract_norm="layer", do_stable_layer_norm=True, num_hidden_layers=4)
wav2vec2 = Wav2Vec2ForCTC(config).eval()
clip = 0.1 * torch.randn(1, SECONDS * RATE)


def apart(encode, longest_s: int) -> float:
    """How far a clip's output beside a longer one is from its output alone, relative."""
    padded = torch.nn.functional.pad(clip, (0, (longest_s - SECONDS) * RATE))
    mask = (torch.arange(padded.shape[1]) < clip.shape[1]).long()[None]
    with torch.no_grad():
        alone, beside = encode(clip, torch.ones_like(clip).long()), encode(padded, mask)
    return float((beside[:, : alone.shape[1]] - alone).norm() / alone.norm())


def of_moonshine(audio, mask):
    return moonshine.model.encoder(input_values=audio, attention_mask=mask).last_hidden_state


def of_wav2vec2(audio, mask):
    return wav2vec2(audio, attention_mask=mask).logits


found = {longest: (apart(of_moonshine, longest), apart(of_wav2vec2, longest)) for longest in (3, 10)}
for longest, (one, other) in found.items():
    print(f"beside {longest} s: Moonshine {one:.2f}, wav2vec 2.0 {other:.0e}")
same = all(one > 0.05 and other < 1e-4 for one, other in found.values())
sys.exit(0 if same else 1)
PYTHON
"$work/venv/bin/python" "$work/alone.py"
