#!/bin/sh
# transformers 5.23.0 with torch 2.13.0: the attention mask of a Moonshine streaming is no mask of padding
# alone. Without one the encoder attends to all of the audio, and its windows (fifteen frames back, at
# most three ahead) are not used: no mask and a mask of ones give different outputs. generate() fills in
# ones; who calls the encoder or the model itself measures or exports another model. And with a mask its
# causal convolutions carry it on: a clip beside a longer one counts three frames of the padding as its
# own, so its own last frames, which look ahead, come out otherwise than alone. For a Parakeet, whose
# encoder also halves the frames by convolutions, no mask is a mask of ones, and padding changes nothing.
#
# Seen: random weights at the sizes of tiny, 2 s of noise: without a mask 78 % apart from ones; Parakeet
# 0 %. Beside a clip of 2 s one of 1 s has three frames more than alone, and its own are 5 % apart;
# Parakeet none more, 4e-7.
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
cat >"$work/masks.py" <<'PYTHON'
import sys

import torch
from transformers import (
    MoonshineStreamingEncoderConfig,
    ParakeetEncoder,
    ParakeetEncoderConfig,
)
from transformers.models.moonshine_streaming.modeling_moonshine_streaming import (
    MoonshineStreamingEncoder,
)

torch.manual_seed(0)
streaming = MoonshineStreamingEncoder(MoonshineStreamingEncoderConfig()).eval()
config = ParakeetEncoderConfig(hidden_size=64, num_hidden_layers=2, intermediate_size=128)
parakeet = ParakeetEncoder(config).eval()
noise = 0.1 * torch.randn(1, 32_000)
mels = torch.randn(1, 201, config.num_mel_bins)


def apart(one, other) -> float:
    return float((one - other).norm() / other.norm())


def look(encoder, long, length: int) -> tuple[float, int, float]:
    """No mask against ones; frames more than alone, and how far the clip's own are apart."""
    ones = torch.ones(long.shape[:2], dtype=torch.long)
    short = long[:, :length]
    padded = torch.cat([short, torch.zeros_like(long[:, length:])], dim=1)
    both = torch.cat([ones, (torch.arange(long.shape[1]) < length).long()[None]])
    with torch.no_grad():
        without = encoder(long).last_hidden_state
        full = encoder(long, attention_mask=ones).last_hidden_state
        alone = encoder(short, attention_mask=ones[:, :length])
        beside = encoder(torch.cat([long, padded]), attention_mask=both)
    frames = int(alone.attention_mask.sum())
    more = int(beside.attention_mask[1].sum()) - frames
    own = beside.last_hidden_state[1, :frames], alone.last_hidden_state[0, :frames]
    return apart(without, full), more, apart(*own)


found = {
    "Moonshine streaming": look(streaming, noise, 16_000),
    "Parakeet": look(parakeet, mels, 101),
}
for name, (unmasked, more, padded) in found.items():
    print(
        f"{name}: no mask against ones {unmasked:.3f}; beside a longer clip {more} frames more, "
        f"its own {padded:.0e} apart"
    )
one, other = found.values()
same = one[0] > 0.05 and one[1] == 3 and one[2] > 1e-3
same = same and other[0] < 1e-4 and other[1] == 0 and other[2] < 1e-4
sys.exit(0 if same else 1)
PYTHON
"$work/venv/bin/python" "$work/masks.py"
