#!/bin/sh
# CTranslate2 4.8.5: set_random_seed() does not begin a sequence of random numbers anew, as
# torch.manual_seed() and numpy's seeds do. What is sampled after the second call with the same seed
# goes on where the first left off, so a text that was sampled (temperature fallback of a Whisper, for
# example) cannot be had again within a process; in a new process the first call does give the same.
#
# Seen: one process, the seed set to 1 before each of two samplings: two texts; a second process: its
# first text is the first one of the first process.
#
# A model of one layer with made-up weights is enough to show it; nothing else is downloaded.
# Exits with 0 while it is so, with 1 when it has changed. Needs Python 3.11 or later and the index.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install \
    ctranslate2==4.8.5 numpy==2.4.6
cat >"$work/sample.py" <<'PYTHON'
import sys

import ctranslate2
import numpy as np
from ctranslate2.specs import Activation, TransformerDecoderModelSpec

WIDTH, TOKENS, LENGTH = 32, 64, 12
generator = np.random.default_rng(0)


def fill(part, rows, columns=WIDTH, bias=True):
    part.weight = generator.normal(0, 0.2, (rows, columns)).astype(np.float32)
    if bias:
        part.bias = np.zeros(rows, np.float32)


def norm(part):
    part.gamma, part.beta = np.ones(WIDTH, np.float32), np.zeros(WIDTH, np.float32)


spec = TransformerDecoderModelSpec.from_config(1, 2, pre_norm=True, activation=Activation.GELU)
decoder, layer = spec.decoder, spec.decoder.layer[0]
fill(decoder.embeddings, TOKENS, bias=False)
fill(decoder.projection, TOKENS, bias=False)
decoder.position_encodings.encodings = generator.normal(0, 0.2, (64, WIDTH)).astype(np.float32)
decoder.scale_embeddings = False
for part in (decoder.layer_norm, layer.self_attention.layer_norm, layer.ffn.layer_norm):
    norm(part)
fill(layer.self_attention.linear[0], 3 * WIDTH)
fill(layer.self_attention.linear[1], WIDTH)
fill(layer.ffn.linear_0, 4 * WIDTH)
fill(layer.ffn.linear_1, WIDTH, 4 * WIDTH)
spec.register_vocabulary([*(f"t{n}" for n in range(TOKENS - 3)), "<s>", "</s>", "<unk>"])
spec.config.bos_token, spec.config.eos_token, spec.config.unk_token = "<s>", "</s>", "<unk>"
spec.validate()
spec.optimize(quantization=None)
spec.save(sys.argv[1])
model = ctranslate2.Generator(sys.argv[1], inter_threads=1, intra_threads=1)


def sampled():
    ctranslate2.set_random_seed(1)
    (found,) = model.generate_batch(
        [["t1"]], max_length=LENGTH, min_length=LENGTH, sampling_topk=0, sampling_temperature=1.0
    )
    return " ".join(found.sequences[0])


print(sampled())
print(sampled())
PYTHON
for process in first second; do
    mkdir "$work/$process"
    "$work/venv/bin/python" "$work/sample.py" "$work/$process" >"$work/$process.txt"
    sed "s/^/$process process: /" "$work/$process.txt"
done
[ "$(sed -n 1p "$work/first.txt")" != "$(sed -n 2p "$work/first.txt")" ] || exit 1
[ "$(sed -n 1p "$work/first.txt")" = "$(sed -n 1p "$work/second.txt")" ] || exit 1
