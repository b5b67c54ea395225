#!/bin/sh
# pocketsphinx 5.1.1: one Decoder that is given the same audio again and again in pieces, as a stream
# is (`full_utt=False`, the default), gives other words each time. start_utt() begins an utterance, but
# the running mean of its features (cepstral mean normalisation) is that of all audio before it, and
# nothing says so. A benchmark that repeats a clip on a warm decoder times, and scores, other work in
# each round; `reinit_feat()` before each utterance brings the first round back.
#
# Seen: espeak-ng's "the weather is fine today and we go to the river" four times through one decoder:
# four texts, the first of them "whether we've got to the old are you"; with reinit_feat() four times
# the first one.
#
# Exits with 0 while it is so, with 1 when it has changed. Needs Python 3.11 or later, the package
# index and espeak-ng.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install \
    pocketsphinx==5.1.1 soundfile==0.14.0 scipy==1.17.1 numpy==2.4.6
espeak-ng -v en-us -w "$work/a.wav" "the weather is fine today and we go to the river"
cat >"$work/repeat.py" <<'PYTHON'
import sys

import numpy as np
import soundfile
from pocketsphinx import Decoder
from scipy.signal import resample_poly

audio, rate = soundfile.read(sys.argv[1])
pcm = (resample_poly(audio, 16_000, rate) * 32767).clip(-32768, 32767).astype(np.int16).tobytes()


def texts(afresh):
    decoder, found = Decoder(samprate=16_000), []
    for _ in range(4):
        if afresh:
            decoder.reinit_feat()
        decoder.start_utt()
        decoder.process_raw(pcm, no_search=False, full_utt=False)
        decoder.end_utt()
        found.append(decoder.hyp().hypstr)
    return found


as_it_is, afresh = texts(False), texts(True)
print("as it is:", *as_it_is, sep="\n  ")
print("reinit_feat() before each:", *afresh, sep="\n  ")
sys.exit(not (len(set(as_it_is)) > 1 and len(set(afresh)) == 1))
PYTHON
"$work/venv/bin/python" "$work/repeat.py" "$work/a.wav"
