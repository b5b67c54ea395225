"""The built-in speech is what its manifest says, and nobody was trained on it."""

from __future__ import annotations

import random

import numpy as np
import pytest
import soundfile

from tools.training import espeak
from tools.training.corpus import (
    BUILT_IN_VOICES,
    HELD_OUT_VARIANTS,
    TRAINING_VARIANTS,
    Voice,
    built_in_sentences,
    sentence,
    training_sentence,
    training_voice,
    vocabulary,
)
from tools.training.synthesise import (
    SPEECH_FOLDER,
    read_manifest,
    samples_sha256,
    synthesise,
)

MANIFEST = read_manifest()


def test_files_are_those_of_the_manifest() -> None:
    assert {one.file for one in MANIFEST} == {path.name for path in SPEECH_FOLDER.glob("*.flac")}
    assert len({one.id for one in MANIFEST}) == len(MANIFEST)


@pytest.mark.parametrize("utterance", MANIFEST, ids=lambda one: one.id)
def test_samples_match_the_manifest(utterance) -> None:
    path = SPEECH_FOLDER / utterance.file
    info = soundfile.info(path)
    assert (info.samplerate, info.channels, info.subtype) == (16_000, 1, "PCM_16")
    samples, _ = soundfile.read(path, dtype="int16")
    assert samples_sha256(samples) == utterance.sha256
    assert len(samples) / 16_000 == pytest.approx(utterance.seconds, abs=1e-4)
    assert 1.5 <= utterance.seconds <= 5.0


def test_little_silence_at_the_ends() -> None:
    for utterance in MANIFEST:
        samples, _ = soundfile.read(SPEECH_FOLDER / utterance.file, dtype="int16")
        loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > 0.01 * np.abs(samples).max())
        assert loud[0] / 16_000 == pytest.approx(0.1, abs=0.02)
        assert (len(samples) - loud[-1]) / 16_000 == pytest.approx(0.1, abs=0.02)


def test_every_word_is_said_and_no_other() -> None:
    assert {word for one in MANIFEST for word in one.text.split()} == set(vocabulary())
    assert 50 <= len(vocabulary()) <= 80


def test_enough_speech_and_voices() -> None:
    assert 4 * 60 <= sum(one.seconds for one in MANIFEST) <= 5 * 60
    assert len({one.speaker for one in MANIFEST}) >= 8
    assert len({one.speaker for one in MANIFEST if one.held_out_voice}) >= 2
    assert all(3 <= len(one.text.split()) <= 9 for one in MANIFEST)


def test_texts_are_the_corpus() -> None:
    assert tuple(one.text for one in MANIFEST) == built_in_sentences()


def test_training_never_says_a_built_in_sentence() -> None:
    held_out = frozenset(one.text for one in MANIFEST)
    rng = random.Random(5)
    drawn = [sentence(rng) for _ in range(3_000)]
    assert held_out & set(drawn), "the grammar reaches built-in sentences, so holding out matters"
    rng = random.Random(5)
    assert not held_out & {training_sentence(rng, held_out) for _ in range(3_000)}


def test_training_never_hears_a_held_out_voice() -> None:
    assert not HELD_OUT_VARIANTS & set(TRAINING_VARIANTS)
    rng = random.Random(5)
    assert not HELD_OUT_VARIANTS & {training_voice(rng).variant for _ in range(1_000)}
    speakers = {voice.name for voice in BUILT_IN_VOICES if voice.variant in HELD_OUT_VARIANTS}
    assert speakers == {one.speaker for one in MANIFEST if one.held_out_voice}


@pytest.mark.skipif(not espeak.available(), reason="espeak-ng is not installed")
def test_synthesis_repeats_itself() -> None:
    first, second = ([utterance.sha256 for utterance, _ in synthesise()] for _ in range(2))
    assert first == second


@pytest.mark.skipif(not espeak.available(), reason="espeak-ng is not installed")
def test_every_training_variant_changes_the_voice() -> None:
    """espeak-ng silently ignores a variant it doesn't know."""
    spoken = {
        espeak.speak("the small dog", Voice("x", "en", variant, 150, 50)).tobytes()
        for variant in (*TRAINING_VARIANTS, *HELD_OUT_VARIANTS)
    }
    assert len(spoken) == len(TRAINING_VARIANTS) + len(HELD_OUT_VARIANTS)
