#!/bin/sh
# transformers 5.23.0: WhisperTokenizerFast.from_pretrained() of a folder without one file of a
# tokenizer does not fail. It gives a tokenizer of a single token, without a warning: every text
# becomes that token, every transcript the empty text. AutoTokenizer does the same as soon as the
# folder has a config.json that says it is a Whisper, so a folder to which only the weights and the
# configuration were saved loads, runs, and has a word error rate of 1.
# Wav2Vec2CTCTokenizer and WhisperFeatureExtractor do raise an error for the same folder.
#
# Seen:
#   WhisperTokenizerFast, empty folder: 1 token, "hello world" -> [0, 0, 0] -> ''
#   AutoTokenizer, config.json only:    1 token, "hello world" -> [0, 0, 0] -> ''
#   warnings and log messages: none
#   Wav2Vec2CTCTokenizer: TypeError      WhisperFeatureExtractor: OSError
#
# Exits with 0 while it is so, with 1 when it has changed. Needs Python 3.11 or later and the index.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install \
    transformers==5.23.0 numpy==2.4.6
cat >"$work/load.py" <<'PYTHON'
import logging
import sys
import tempfile
import warnings

from transformers import AutoTokenizer, WhisperFeatureExtractor, WhisperTokenizerFast
from transformers import Wav2Vec2CTCTokenizer
from transformers.utils.logging import add_handler

messages = []


class Keep(logging.Handler):
    def emit(self, record):
        messages.append(record.getMessage())


def loaded(kind, **files):
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for name, text in files.items():
            with open(f"{folder}/{name}.json", "w", encoding="utf-8") as file:
                file.write(text)
        try:
            made = kind.from_pretrained(folder)
        except Exception as error:
            result = type(error).__name__
        else:
            numbers = made("hello world").input_ids
            text = made.decode(numbers, skip_special_tokens=True)
            result = (len(made), numbers, text)
        messages.extend(str(one.message) for one in warned)
    print(f"{kind.__name__} {sorted(files)}: {result}")
    return result


add_handler(Keep(logging.WARNING))
whisper = (
    loaded(WhisperTokenizerFast),
    loaded(AutoTokenizer, config='{"model_type": "whisper"}'),
)
print("messages:", messages or "none")
silent = not messages
others = loaded(Wav2Vec2CTCTokenizer), loaded(WhisperFeatureExtractor)
sys.exit(
    whisper != ((1, [0, 0, 0], ""),) * 2 or not silent or others != ("TypeError", "OSError")
)
PYTHON
export HF_HUB_OFFLINE=1
"$work/venv/bin/python" "$work/load.py"
