"""Word error rates of a small model on the built-in speech, packed as a benchmark packs it."""

from __future__ import annotations

from dataclasses import dataclass

import jiwer
import numpy as np
import torch

from runner.clips.builtin import read_builtin
from runner.clips.clip import Utterance
from runner.clips.pack import pack
from tools.training.synthesise import read_manifest
from tools.training.trainee import Trainee

CLIP_SECONDS = (5, 15, 30, 60)
"""Lengths of the joined clips, seconds."""

PACKING_SEED = 42
BATCH = 4
"""Clips given to the model at once."""


@dataclass(frozen=True)
class WordErrors:
    """Word error rates, 0.05 being 5 %.

    Attributes:
        single: Every utterance by itself, without padding.
        held_out_voices: The same, only the voices that training never heard.
        clips_5_s: Utterances joined and zero-padded to 5 s, and so on for the others.
        clips_15_s: 15 s.
        clips_30_s: 30 s.
        clips_60_s: 60 s.
    """

    single: float
    held_out_voices: float
    clips_5_s: float
    clips_15_s: float
    clips_30_s: float
    clips_60_s: float


def word_error_rate(references: list[str], hypotheses: list[str]) -> float:
    """Errors over all clips divided by reference words over all clips."""
    return float(jiwer.wer(references, hypotheses))


def built_in_speech(limit: int | None = None) -> list[Utterance]:
    """Reads the built-in speech, or its first `limit` utterances."""
    return list(read_builtin(limit).utterances)


def singles(trainee: Trainee, utterances: list[Utterance]) -> list[str]:
    """Transcribes utterances one by one, without padding."""
    return [trainee.transcribe(one.audio[np.newaxis])[0] for one in utterances]


def packed(trainee: Trainee, utterances: list[Utterance], seconds: float) -> float:
    """Word error rate over utterances packed into clips of `seconds`, batches without masks."""
    clips = pack(utterances, audio_seconds=seconds, seed=PACKING_SEED).clips
    heard: list[str] = []
    for start in range(0, len(clips), BATCH):
        heard += trainee.transcribe(np.stack([one.audio for one in clips[start : start + BATCH]]))
    return word_error_rate([clip.reference for clip in clips], heard)


def evaluate(trainee: Trainee) -> WordErrors:
    """Transcribes the built-in speech in every arrangement."""
    utterances = built_in_speech()
    unheard = {one.id for one in read_manifest() if one.held_out_voice}
    trainee.module.eval()
    with torch.inference_mode():
        alone = singles(trainee, utterances)
        rates = [packed(trainee, utterances, seconds) for seconds in CLIP_SECONDS]
    pairs = [(one.text, text) for one, text in zip(utterances, alone, strict=True)]
    held_out = [pair for one, pair in zip(utterances, pairs, strict=True) if one.id in unheard]
    single, held_out_voices = (
        word_error_rate([text for text, _ in some], [heard for _, heard in some])
        for some in (pairs, held_out)
    )
    return WordErrors(single, held_out_voices, *rates)
