#!/bin/sh
# soundfile 0.14.0 (with its libsndfile 1.2.2): a WAV with GSM 6.10 is read a block too long when it
# has an odd number of blocks. A block is 65 bytes for 320 samples; an odd number of them is an odd
# number of bytes, after which RIFF asks for a byte of padding, and the reader takes that byte for the
# beginning of one more block. It plays 320 samples (40 ms at 8 kHz) that nobody recorded, as loud as
# speech. The header is right: the data chunk says 65 times the blocks, the fact chunk the samples.
# With an even number of blocks, and for AIFF, W64 and bare GSM always, the length is right.
#
# Seen:
#   blocks  data chunk  fact chunk   read as
#      1        65          320         640
#      2       130          640         640
#      3       195          960        1280
#      4       260         1280        1280
#      5       325         1600        1920
#   3 blocks as AIFF, W64, RAW: 960 samples each
#
# Exits with 0 while it is so, with 1 when it has changed. Needs Python 3.11 or later and the index.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install \
    soundfile==0.14.0 numpy==2.4.6
"$work/venv/bin/python" - "$work" <<'PYTHON'
import struct
import sys

import numpy as np
import soundfile

BLOCK = 320
SOUND = (0.3 * np.sin(0.1 * np.arange(5 * BLOCK))).astype(np.float32)
changed = False


def chunks(name):
    with open(name, "rb") as file:
        content = file.read()
    at, found = 12, {}
    while at < len(content):
        kind, size = struct.unpack_from("<4sI", content, at)
        found[kind] = content[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    return found


for blocks in range(1, 6):
    name = f"{sys.argv[1]}/clip.wav"
    soundfile.write(name, SOUND[: blocks * BLOCK], 8000, subtype="GSM610")
    parts = chunks(name)
    (samples,) = struct.unpack("<I", parts[b"fact"])
    read = soundfile.read(name)[0]
    loud = f", the rest up to {abs(read[samples:]).max():.2f}" if len(read) > samples else ""
    print(f"{blocks} blocks: data {len(parts[b'data'])}, fact {samples}, read {len(read)}{loud}")
    changed |= len(parts[b"data"]) != 65 * blocks or samples != BLOCK * blocks
    changed |= len(read) != BLOCK * (blocks + blocks % 2)
for kind in ("AIFF", "W64", "RAW"):
    name = f"{sys.argv[1]}/clip.{kind.lower()}"
    soundfile.write(name, SOUND[: 3 * BLOCK], 8000, subtype="GSM610", format=kind)
    bare = {"channels": 1, "samplerate": 8000, "format": "RAW", "subtype": "GSM610"}
    read = soundfile.read(name, **(bare if kind == "RAW" else {}))[0]
    print(f"3 blocks as {kind}: read {len(read)}")
    changed |= len(read) != 3 * BLOCK
sys.exit(changed)
PYTHON
