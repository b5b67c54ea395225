#!/bin/sh
# transformers 5.23.0: Qwen3ASRFeatureExtractor gives no mask unless the call asks for one. Its option
# return_attention_mask is documented as true by default and is kept by the object, yet a call pops
# the mask where the call's own argument is missing; WhisperFeatureExtractor takes the object's option.
# The model needs the mask, and two clips of different lengths give features that look complete: who
# uses the extractor without the processor, and fills in a mask of ones, has padding heard as audio.
#
# Seen: two clips of 1 and 2 s: keys of the call ['input_features'] with the option true; with the
# argument as well ['attention_mask', 'input_features'], 100 and 200 frames; Whisper's with the option
# alone: both keys.
#
# Exits with 0 while it is so, with 1 when it has changed. Needs Python 3.11 or later and the index.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install torch==2.13.0 \
    transformers==5.23.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import numpy as np
from transformers import Qwen3ASRFeatureExtractor, WhisperFeatureExtractor

clips = [np.ones(n, np.float32) * 0.1 for n in (16_000, 32_000)]
asked = {"sampling_rate": 16_000, "return_tensors": "pt"}
extract = Qwen3ASRFeatureExtractor(return_attention_mask=True)
option = extract(clips, padding="longest", **asked)
argument = extract(clips, padding="longest", return_attention_mask=True, **asked)
whisper = WhisperFeatureExtractor(return_attention_mask=True)(clips, **asked)
print("kept by the object:", extract.return_attention_mask)
print("option:", sorted(option), "argument:", sorted(argument), "Whisper's option:", sorted(whisper))
print("frames by the mask:", argument.attention_mask.sum(-1).tolist())
raise SystemExit(
    extract.return_attention_mask is not True
    or "attention_mask" in option
    or argument.attention_mask.sum(-1).tolist() != [100, 200]
    or "attention_mask" not in whisper
)
PYTHON
