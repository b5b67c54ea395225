#!/bin/sh
# transformers 5.23.0 (4.57.1 likewise): Wav2Vec2CTCTokenizer.decode(ids, skip_special_tokens=True)
# loses doubled letters. The CTC blank is the padding token, thus a special token, and it is thrown
# out before repeats are merged; but the blank is what keeps two equal letters apart. One would guess
# that the option can do a transcript no harm, as it is what one passes to a Whisper's tokenizer.
# The character and word offsets change with it, since they are counted without the blanks.
#
# Seen, for the best path  h h e _ l l _ l o | | p p _  ("_" the blank, 14 frames):
#   skip_special_tokens=False: 'hello p', "p" at the frames 11 to 13
#   skip_special_tokens=True:  'helo p', "p" at the frames 9 to 11
#
# Exits with 0 while it is so, with 1 when it has changed. Needs Python 3.11 or later and the index.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install \
    transformers==5.23.0 numpy==2.4.6
HF_HUB_OFFLINE=1 "$work/venv/bin/python" - "$work" <<'PYTHON'
import json
import sys

from transformers import Wav2Vec2CTCTokenizer

TOKENS = ["<pad>", "<s>", "</s>", "<unk>", "|", *"ehlop"]
with open(f"{sys.argv[1]}/vocab.json", "w", encoding="utf-8") as file:
    json.dump({token: number for number, token in enumerate(TOKENS)}, file)
tokenizer = Wav2Vec2CTCTokenizer(f"{sys.argv[1]}/vocab.json")
path = [TOKENS.index("<pad>" if frame == "_" else frame) for frame in "hhe_ll_lo||pp_"]

found = []
for skip in (False, True):
    decoded = tokenizer.decode(path, skip_special_tokens=skip, output_char_offsets=True)
    last = decoded.char_offsets[-1]
    assert tokenizer.batch_decode([path], skip_special_tokens=skip) == [decoded.text]
    found.append((decoded.text, int(last["start_offset"]), int(last["end_offset"])))
    print(f"skip_special_tokens={skip}: {decoded.text!r}, last letter at frames {found[-1][1:]}")
sys.exit(found != [("hello p", 11, 13), ("helo p", 9, 11)])
PYTHON
