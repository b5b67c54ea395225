#!/bin/sh
# whisper-normalizer 0.1.15 (Whisper's own English normaliser as a package): a number that is spelt
# out and the same number in figures do not become one text, although the normaliser is there to
# make them one. Digits that are read out one by one are merged to one word, digits that a
# recogniser writes apart stay apart; leading zeros are kept in the one and dropped in the other;
# "ninth" is the one ordinal that stays a word; "p.m." becomes two words.
#
# So a recogniser that heard everything right is charged with word errors, more than one a word,
# and which recogniser it hits depends on how it likes to write numbers.
#
# Seen:
#   seven three nine five -> 7395      7, 3, 9, 5 -> 7 3 9 5      WER 4.00
#   double oh seven -> 007             007 -> 7                   WER 1.00
#   the ninth of may -> the ninth of may    the 9th of may -> the 9th of may    WER 0.25
#   five PM -> 5 pm                    5 p.m. -> 5 p m            WER 1.00
# Against that, as one expects:
#   nineteen sixty one -> 1961         1961 -> 1961               WER 0.00
#   twenty first -> 21st               21st -> 21st               WER 0.00
#
# Exits with 0 while it is so, with 1 when it has changed. Needs Python 3.11 or later and the index.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install \
    whisper-normalizer==0.1.15 jiwer==4.0.0
"$work/venv/bin/python" - <<'PYTHON'
import sys

import jiwer
from whisper_normalizer.english import EnglishTextNormalizer

normalise = EnglishTextNormalizer()
SEEN = [  # what is said, how a recogniser writes it, both normalised, word error rate
    ("seven three nine five", "7, 3, 9, 5", "7395", "7 3 9 5", 4.0),
    ("double oh seven", "007", "007", "7", 1.0),
    ("the ninth of may", "the 9th of may", "the ninth of may", "the 9th of may", 0.25),
    ("five PM", "5 p.m.", "5 pm", "5 p m", 1.0),
    ("nineteen sixty one", "1961", "1961", "1961", 0.0),
    ("twenty first", "21st", "21st", "21st", 0.0),
]
changed = False
for said, written, reference, hypothesis, wer in SEEN:
    found = normalise(said), normalise(written)
    rate = jiwer.wer(*found)
    print(f"{said} -> {found[0]}    {written} -> {found[1]}    WER {rate:.2f}")
    changed |= found != (reference, hypothesis) or abs(rate - wer) > 1e-9
sys.exit(changed)
PYTHON
