#!/bin/sh
# faster-whisper 1.2.1: what the model is given of one half minute depends on the loudest moment of the
# whole recording. The log-mel features are made of all of it at once, and everything that lies 8
# (decades of power) below the loudest bin is raised to that floor. One click in the second half minute
# changes the features of the first, where one would expect them to be local: each window goes to the
# encoder by itself. A recording cut into windows beforehand is therefore other input than the same
# recording whole, and a quiet speaker's words may depend on a slammed door minutes later.
#
# Seen: a minute of faint noise, and the same with 25 ms of a loud tone at second 50. Features of
# the first 29 s: largest difference 0.61, where values run from -1 to 1; the same 29 s alone: as
# without the tone.
#
# Exits with 0 while it is so, with 1 when it has changed. Needs Python 3.11 or later and the index.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install \
    faster-whisper==1.2.1 numpy==2.4.6
cat >"$work/features.py" <<'PYTHON'
import sys

import numpy as np
from faster_whisper.feature_extractor import FeatureExtractor

RATE, FRAMES = 16_000, 2900
"""Frames of 10 ms: 29 s, so that no frame sees anything of the second half minute."""
faint = np.random.default_rng(0).normal(0, 0.003, 60 * RATE).astype(np.float32)
tone = 0.9 * np.sin(2 * np.pi * 440 * np.arange(400) / RATE)
clicked = faint.copy()
clicked[50 * RATE : 50 * RATE + 400] = tone
extract = FeatureExtractor()
plain, later, alone = (
    extract(audio)[:, :FRAMES] for audio in (faint, clicked, clicked[: 30 * RATE])
)
by_click, by_cut = (float(abs(plain - other).max()) for other in (later, alone))
print(f"largest difference of the first 29 s: tone at 50 s {by_click:.3f}, cut at 30 s {by_cut:.3f}")
sys.exit(not (by_click > 0.3 and by_cut < 0.1))
PYTHON
"$work/venv/bin/python" "$work/features.py"
