#!/bin/sh
# torch 2.13.0 (oneDNN 3.12.0) on an Intel processor with AMX: a 1-D convolution in bfloat16 gives
# noise where it has 4, 6, 8 or 12 input channels (a group) and certain kernel widths, without a word:
# the result differs from the same convolution in float32 by more than its own size. Rounding to
# bfloat16 alone costs 0.003, which is what 16 or more channels, or other widths, give. It needs AMX's
# tiles: with ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16 the same process is right.
#
# Met in speech models: the grouped convolution of wav2vec 2.0 that stands for positions. As published
# (48 or 64 channels a group) it is right; of a small model with 8 channels a group no word was left.
#
# Seen on an Intel Xeon with amx_bf16: error of Conv1d(8, 8, 8) 0.97, of Conv1d(128, 128, 32, groups=16)
# 1.1, of Conv1d(16, 16, 8) 0.003; with AMX set aside 0.003 in all three.
#
# Exits with 0 while it is so, with 1 when it has changed, with 77 on a processor without AMX, which
# cannot show it. Needs Linux, Python 3.11 or later and the index.
set -eu
grep -qw amx_bf16 /proc/cpuinfo || { echo "this processor has no AMX"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install torch==2.13.0 numpy==2.4.6
cat >"$work/convolve.py" <<'PYTHON'
import torch

torch.manual_seed(0)


def error(channels, width, groups):
    layer = torch.nn.Conv1d(channels, channels, width, groups=groups)
    x = torch.randn(1, channels, 98)
    with torch.inference_mode():
        right = layer(x)
        found = layer.bfloat16()(x.bfloat16()).float()
    return float((found - right).norm() / right.norm())


for shape in ((8, 8, 1), (128, 32, 16), (16, 8, 1)):
    print(f"{error(*shape):.3f}", end=" ")
PYTHON
as_it_is=$("$work/venv/bin/python" "$work/convolve.py")
without=$(ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16 "$work/venv/bin/python" "$work/convolve.py")
echo "8 channels, 8 a group, 16 channels: $as_it_is; without AMX: $without"
echo "$as_it_is $without" | awk '{ exit !($1 > 0.5 && $2 > 0.5 && $3 < 0.01 && $4 < 0.01 && $5 < 0.01 && $6 < 0.01) }' || {
    echo "it has changed" >&2
    exit 1
}
