"""The formats that a folder may be of."""

from __future__ import annotations

from runner.clips.corpora.audiofolder import AUDIOFOLDER
from runner.clips.corpora.common_voice import COMMON_VOICE
from runner.clips.corpora.kaldi import KALDI
from runner.clips.corpora.lhotse import LHOTSE
from runner.clips.corpora.librispeech import LIBRISPEECH
from runner.clips.corpora.ljspeech import LJSPEECH
from runner.clips.corpora.nemo import NEMO
from runner.clips.corpora.saved import SAVED
from runner.clips.corpora.stm import STM
from runner.clips.corpora.text_files import TEXT_FILES

FORMATS = {
    one.name: one
    for one in (
        LJSPEECH,
        LIBRISPEECH,
        COMMON_VOICE,
        KALDI,
        LHOTSE,
        NEMO,
        STM,
        AUDIOFOLDER,
        SAVED,
        TEXT_FILES,
    )
}
"""By their names, in the order in which they are looked for."""
