#!/bin/sh
# transformers 5.23.0 (torch 2.13.0): a w2v-BERT with an adapter (config.add_adapter=True, as its
# fine-tunes for CTC have) gives a short clip other logits in a batch with a longer one than alone,
# in every frame, although the attention mask marks the padding. Without the adapter they are equal
# to five digits. One would guess that the mask shields a clip from its neighbours there too. The
# adapter's strided convolutions read the first frame of the padding, which is not zeroed, into the
# clip's last frame; attention, which is masked rightly, carries that frame to all others.
#
# Seen, the largest difference of a frame's logits, 1 s of noise alone against beside 2 s of noise,
# with random weights of a wide spread:
#   without adapter: 49 frames, at most 0.00001
#   with adapter:    25 frames, every one of them by more than 0.01, the last one by the most (8.4)
#
# Exits with 0 while it is so, with 1 when it has changed. Needs Python 3.11 or later and the index.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install torch==2.13.0
"$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install \
    transformers==5.23.0 numpy==2.4.6
HF_HUB_OFFLINE=1 "$work/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
import torch
from transformers import SeamlessM4TFeatureExtractor, Wav2Vec2BertConfig, Wav2Vec2BertForCTC

extract = SeamlessM4TFeatureExtractor()
noise = np.random.default_rng(1)
short, long = (noise.normal(0, 0.1, 16_000 * s).astype(np.float32) for s in (1, 2))


def differences(*, adapter: bool) -> torch.Tensor:
    torch.manual_seed(0)
    config = Wav2Vec2BertConfig(
        vocab_size=8,
        hidden_size=16,
        output_hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        initializer_range=0.5,
        add_adapter=adapter,
    )
    model = Wav2Vec2BertForCTC(config).eval()
    with torch.inference_mode():
        both, alone = (
            model(**extract(clips, sampling_rate=16_000, return_tensors="pt")).logits[0]
            for clips in ([short, long], [short])
        )
    return (both[: len(alone)] - alone).abs().amax(-1)


without, with_adapter = differences(adapter=False), differences(adapter=True)
print(f"without adapter: {len(without)} frames, at most {without.max():.5f}")
print(
    f"with adapter: {len(with_adapter)} frames, at least {with_adapter.min():.3f}, "
    f"the last {with_adapter[-1]:.1f}"
)
same = bool(without.max() < 1e-3)
spread = bool(with_adapter.min() > 0.01 and with_adapter.argmax() == len(with_adapter) - 1)
sys.exit(not (same and spread))
PYTHON
