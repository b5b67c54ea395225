"""Clips, tokens and schedules of the training."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch

from tools.training.corpus import sentence, vocabulary
from tools.training.data import ClipMaker, Pool, Spoken
from tools.training.recipes import RECIPES
from tools.training.tokens import (
    WHISPER_PROMPT,
    parakeet_tokenizer,
    wav2vec2_tokenizer,
    whisper_tokenizer,
)
from tools.training.train_small import Budget, learning_rate, main
from tools.training.trainee import ctc_loss

RATE = 16_000


def tone(seconds: float, text: str) -> Spoken:
    return Spoken(np.full(int(seconds * RATE), 16_000, dtype=np.int16), text)


POOL = Pool(
    whole=(tone(1.5, "one two"), tone(2.5, "red green blue")),
    tails=(tone(0.5, "tail"),),
    heads=(tone(0.5, "head"),),
    phrases=(tone(0.4, "dog"), tone(3.0, "too long for a short clip")),
)


@pytest.mark.parametrize("seconds", [4.0, 15.0, 60.0])
def test_clips_have_the_exact_length_and_whole_utterances(seconds: float) -> None:
    batch = ClipMaker(POOL, seed=3).batch(5, seconds)
    assert batch.waveforms.shape == (5, round(seconds * RATE))
    for waveform, text in zip(batch.waveforms, batch.texts, strict=True):
        spoken_s = 1.5 * text.count("one two") + 2.5 * text.count("red green blue")
        assert 0 < spoken_s <= seconds
        loud = np.count_nonzero(np.abs(waveform) > 0.1)
        assert loud == pytest.approx(spoken_s * RATE, abs=5)


def test_cut_sentences_come_first_and_last() -> None:
    batch = ClipMaker(POOL, seed=3, cut_share=1.0).batch(20, 30.0)
    for text in batch.texts:
        assert text.startswith("tail ")
        assert "tail" not in text[1:]
        assert "head" not in text or text.endswith(" head")
    assert any(text.endswith("head") for text in batch.texts)


def test_short_clips_hold_one_phrase_that_fits() -> None:
    batch = ClipMaker(POOL, seed=3).phrases(4, 1.3)
    assert batch.texts == ("dog",) * 4
    assert batch.waveforms.shape == (4, round(1.3 * RATE))


def test_clips_repeat_with_the_seed() -> None:
    first, second = (ClipMaker(POOL, seed=3).batch(3, 5.0) for _ in range(2))
    assert first.texts == second.texts
    assert np.array_equal(first.waveforms, second.waveforms)


def test_tokenizers_spell_every_sentence(tmp_path: Path) -> None:
    rng = random.Random(9)
    sentences = [sentence(rng) for _ in range(200)] + list(vocabulary())
    parakeet, whisper = parakeet_tokenizer(), whisper_tokenizer()
    wav2vec2 = wav2vec2_tokenizer(tmp_path)
    for text in sentences:
        ids = parakeet(text).input_ids
        assert parakeet.unk_token_id not in ids
        assert parakeet.decode(ids, group_tokens=False) == text
        assert wav2vec2.decode(wav2vec2(text).input_ids, group_tokens=False) == text
        ids = whisper(f" {text}").input_ids
        assert tuple(whisper.convert_ids_to_tokens(ids[:4])) == WHISPER_PROMPT
        assert whisper.decode(ids, skip_special_tokens=True) == f" {text}"


def test_ctc_loss_is_small_only_for_the_right_labels() -> None:
    logits = torch.full((1, 6, 4), -10.0)
    for frame, token in enumerate([0, 1, 1, 0, 2, 0]):
        logits[0, frame, token] = 10.0
    assert float(ctc_loss(logits, [[1, 2]], blank=0)) == pytest.approx(0.0, abs=1e-3)
    assert float(ctc_loss(logits, [[2, 1]], blank=0)) > 5.0


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_end_at_the_end_and_rates_rise_and_fall(name: str) -> None:
    recipe = RECIPES[name]
    ends = [stage.until for stage in recipe.stages]
    assert ends == sorted(ends)
    assert ends[-1] == 1.0
    assert learning_rate(recipe.warmup, recipe) == pytest.approx(recipe.peak_rate)
    assert learning_rate(0.0, recipe) < 0.01 * recipe.peak_rate
    assert learning_rate(1.0, recipe) == pytest.approx(0.0, abs=1e-12)


def test_budget_counts_steps_or_seconds() -> None:
    assert Budget(steps=100, seconds=None).progress(25, 1e9) == 0.25
    assert Budget(steps=100, seconds=60.0).progress(10**6, 15.0) == 0.25


def test_without_espeak_the_command_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["--only", "small-parakeet-ctc", "--steps", "1"]) == 2
    assert "apt-get install espeak-ng" in capsys.readouterr().err
