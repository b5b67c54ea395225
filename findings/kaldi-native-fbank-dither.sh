#!/bin/sh
# kaldi-native-fbank 1.23.0 (features of Kaldi for sherpa-onnx, icefall and others): with the default
# options the same audio gives other features at each call. Random noise is added ("dither"), and no
# option sets a seed. Its strength of 3e-5 suits samples of -1 to 1; whoever passes the 16-bit range,
# as Kaldi does, hardly sees it where there is sound, but in silence the features move all the same.
# With dither = 0 they are the same each time. A word error rate or a text that comes of them differs
# from run to run for no reason in the model.
#
# Seen: a second with half a second of tone between two silences, 23 log-mel values a frame, two calls:
# they differ by up to about 1.9 (a factor of 6.7 in energy); with dither = 0 by nothing.
#
# Exits with 0 while it is so, with 1 when it has changed. Needs Python 3.11 or later and the package
# index.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install \
    kaldi-native-fbank==1.23.0 numpy==2.4.6
cat >"$work/twice.py" <<'PYTHON'
import sys

import kaldi_native_fbank as knf
import numpy as np

seconds = np.arange(16000) / 16000
audio = 0.1 * np.sin(2 * np.pi * 440 * seconds)
audio[:4000] = audio[12000:] = 0


def features(dither: float | None) -> np.ndarray:
    options = knf.FbankOptions()
    if dither is not None:
        options.frame_opts.dither = dither
    computer = knf.OnlineFbank(options)
    computer.accept_waveform(16000, audio.astype(np.float32).tolist())
    computer.input_finished()
    return np.stack([computer.get_frame(i) for i in range(computer.num_frames_ready)])


def difference(dither: float | None) -> float:
    return float(np.abs(features(dither) - features(dither)).max())


by_default, without = difference(None), difference(0.0)
print(f"default options: {by_default:.3f}; dither 0: {without:.3f}")
sys.exit(0 if by_default > 0.1 and without == 0 else 1)
PYTHON
"$work/venv/bin/python" "$work/twice.py"
