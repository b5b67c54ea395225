#!/bin/sh
# soundfile 0.14.0 (with its libsndfile 1.2.2): an MP3 cannot be opened while a file of the same name
# with "._" in front lies beside it. macOS makes such files (AppleDouble) on every disk or archive
# that is not its own, so a corpus that was packed or copied there may be full of them. The content of
# the "._" file does not matter, an empty one does it too; WAV, FLAC and Ogg are read all the same.
#
# An MP3 in memory has no name, and there it is a file "._" in the working folder that hinders.
# soundfile makes one itself: writing an SD2 (Sound Designer II) to a BytesIO leaves an empty "._".
#
# Seen:
#   clip.mp3 alone: 16000 samples
#   clip.mp3 beside an empty ._clip.mp3: Error : bad resource fork.
#   clip.mp3 beside an AppleDouble header as ._clip.mp3: Error : bad data offset.
#   clip.wav, clip.flac, clip.ogg beside theirs: 16000 samples each
#   after an SD2 to a BytesIO: the folder holds "._" of 0 bytes
#   MP3 in a BytesIO, before: 16000 samples; after: Error : bad data offset.
#
# Exits with 0 while it is so, with 1 when it has changed. Needs Python 3.11 or later and the index.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install \
    soundfile==0.14.0 numpy==2.4.6
mkdir "$work/empty"
cd "$work/empty"
"$work/venv/bin/python" - <<'PYTHON'
import io
import os
import struct
import sys

import numpy as np
import soundfile

SOUND = (0.3 * np.sin(0.1 * np.arange(16000))).astype(np.float32)
# One entry, the Finder information, of 32 zeros.
APPLE_DOUBLE = struct.pack(">II16xHIII32x", 0x00051607, 0x00020000, 1, 9, 38, 32)
wrong = []


def expect(what, opened, ending):
    try:
        found = f"{len(soundfile.read(opened)[0])} samples"
    except soundfile.LibsndfileError as error:
        found = error.error_string
    print(f"{what}: {found}")
    if found != ending:
        wrong.append(what)


def in_memory(**how):
    file = io.BytesIO()
    soundfile.write(file, SOUND, 16000, **how)
    file.seek(0)
    return file


for kind in ("mp3", "wav", "flac", "ogg"):
    soundfile.write(f"clip.{kind}", SOUND, 16000)
    expect(f"clip.{kind} alone", f"clip.{kind}", "16000 samples")
    for name, content in ("empty", b""), ("AppleDouble", APPLE_DOUBLE):
        with open(f"._clip.{kind}", "wb") as beside:
            beside.write(content)
        ending = "16000 samples"
        if kind == "mp3":
            ending = f"Error : bad {'data offset' if content else 'resource fork'}."
        expect(f"clip.{kind} beside ._clip.{kind}, {name}", f"clip.{kind}", ending)
    os.remove(f"clip.{kind}")
    os.remove(f"._clip.{kind}")

expect("MP3 in memory, before", in_memory(format="MP3"), "16000 samples")
in_memory(format="SD2", subtype="PCM_16")
left = {name: os.path.getsize(name) for name in os.listdir()}
print("left in the folder by an SD2 in memory:", left)
expect("MP3 in memory, after", in_memory(format="MP3"), "Error : bad data offset.")
sys.exit(bool(wrong) or left != {"._": 0})
PYTHON
