#!/bin/sh
# silero-vad 6.2.3: audio at 32, 48 or 96 kHz is accepted, and brought to 16 kHz by taking every second,
# third or sixth sample, without the low-pass filter that any resampler has. What lies above 8 kHz,
# inaudible to most and absent from the same audio resampled first, is folded into the speech band. The
# warning speaks of "casting". Where speech is found in a 48 kHz recording depends on what no listener
# and no recogniser (all of 16 kHz) hears.
#
# Seen: three seconds of espeak-ng with noise between 17 and 23 kHz as loud as the speech: no speech at
# 48 kHz; resampled to 16 kHz first: speech from 1.03 to 3.84 s, as without the noise.
#
# Exits with 0 while it is so, with 1 when it has changed. Needs Python 3.11 or later, the package
# index and espeak-ng. The model is part of the package.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
pip() { "$work/venv/bin/python" -m pip --quiet --disable-pip-version-check "$@"; }
pip install torch==2.13.0 --extra-index-url https://download.pytorch.org/whl/cpu
pip install soundfile==0.14.0 scipy==1.17.1 numpy==2.4.6 packaging==26.3
pip install --no-deps silero-vad==6.2.3
espeak-ng -v en-us -w "$work/a.wav" "the weather is fine today and we go down to the river"
cat >"$work/detect.py" <<'PYTHON'
import sys
import warnings

import numpy as np
import soundfile
import torch
from scipy.signal import butter, resample_poly, sosfilt
from silero_vad import get_speech_timestamps, load_silero_vad

HIGH = 48_000
audio, rate = soundfile.read(sys.argv[1])
speech = np.pad(resample_poly(audio, HIGH, rate), HIGH)
speech *= 0.1 / abs(speech).max()
band = butter(10, [17_000, 23_000], "bandpass", fs=HIGH, output="sos")
noise = sosfilt(band, np.random.default_rng(0).normal(size=len(speech)))
noise *= 0.1 / noise.std()
model = load_silero_vad()
warnings.simplefilter("ignore")


def found(samples, rate):
    spans = get_speech_timestamps(torch.tensor(samples.astype(np.float32)), model, sampling_rate=rate)
    return [(round(span["start"] / rate, 2), round(span["end"] / rate, 2)) for span in spans]


shown = {}
for name, samples in (("speech", speech), ("with what nobody hears", speech + noise)):
    shown[name] = found(samples, HIGH), found(resample_poly(samples, 1, 3), 16_000)
    print(f"{name}: at 48 kHz {shown[name][0]}, resampled to 16 kHz first {shown[name][1]}")
plain, noisy = shown.values()
sys.exit(not (plain[0] and plain[0] == plain[1] == noisy[1] and noisy[0] != noisy[1]))
PYTHON
"$work/venv/bin/python" "$work/detect.py" "$work/a.wav"
