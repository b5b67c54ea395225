#!/bin/sh
# whisper-normalizer 0.1.15, said to be OpenAI's normaliser as a package, is not the same as the one
# in openai-whisper 20250625: it has more rules. One of them turns every "cause" into "because", the
# noun and the verb too, so "the cause of harm" and "the because of harm" are the same text to it, and
# "can cause" and "can because" as well: an error is not counted. "kinda", "sorta" and "dunno" are
# written out by it alone. Word error rates from the two cannot be compared.
#
# Seen:                         whisper-normalizer          openai-whisper
#   the root cause              the root because            the root cause
#   it can cause harm           it can because harm         it can cause harm
#   i kinda dunno               i kind of do not know       i kinda dunno
# Word error rate of "the root because" against "the root cause": 0.00 and 0.33
#
# Exits with 0 while it is so, with 1 when it has changed. Needs Python 3.11 or later and the index.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install \
    whisper-normalizer==0.1.15 jiwer==4.0.0 more-itertools==11.2.1 regex==2026.11.15
# The package of openai-whisper itself imports PyTorch; its folder of normalisers needs none.
"$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install \
    --no-deps openai-whisper==20250625
"$work/venv/bin/python" - <<'PYTHON'
import sys
import sysconfig

sys.path.append(sysconfig.get_path("purelib") + "/whisper")

import jiwer
from normalizers import EnglishTextNormalizer as OpenAI
from whisper_normalizer.english import EnglishTextNormalizer as Package

package, openai = Package(), OpenAI()
SEEN = {
    "the root cause": ("the root because", "the root cause"),
    "it can cause harm": ("it can because harm", "it can cause harm"),
    "i kinda dunno": ("i kind of do not know", "i kinda dunno"),
}
changed = False
for text, expected in SEEN.items():
    found = package(text), openai(text)
    print(f"{text} -> {found[0]}    {found[1]}")
    changed |= found != expected
rates = [jiwer.wer(n("the root cause"), n("the root because")) for n in (package, openai)]
print(f"WER {rates[0]:.2f} and {rates[1]:.2f}")
sys.exit(changed or rates[0] != 0 or abs(rates[1] - 1 / 3) > 1e-9)
PYTHON
