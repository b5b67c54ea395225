"""Real weights on real speech: asrprof's texts and error rates are those of plain code."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import ctranslate2
import jiwer
import numpy as np
import pytest
import torch

from runner.clips.clip import Clip
from runner.config import ENGLISH
from runner.measure.normalisers import WHISPER_ENGLISH, normalise
from runner.measure.quality import Transcribed, score
from tests.weights.whisper import (
    ALL,
    MODELS,
    QUICK_MODELS,
    PlainWhisper,
    few,
    is_short,
    load,
    spoken,
    threads,
    transcribe,
)

FEW = {"ls-1688-142285-0004", "goforward", "fsdd-7-jackson-14", "sonnet-2"}
"""Read, a command, a single digit, and 53 s that fill two windows."""

EXPECTED_WER = {"whisper-tiny.en": 0.083, "whisper-base": 0.069}
"""Of the short ones, by Whisper's own normaliser and plain transformers, measured beforehand."""


def jiwer_wer(heard: tuple[Transcribed, ...], normaliser: str) -> float:
    """The error rate by jiwer alone."""
    references = [normalise(one.reference, normaliser) for one in heard]
    hypotheses = [normalise(one.hypothesis, normaliser) for one in heard]
    return float(jiwer.wer(references, hypotheses))


def check_texts(folder: Path, utterances: list[Clip]) -> tuple[Transcribed, ...]:
    """Text for text the same as plain code; gives what asrprof heard."""
    plain = PlainWhisper(folder)
    heard = transcribe(load(folder), utterances)
    expected = {one.id: plain.transcribe(one.audio) for one in utterances}
    assert {one.clip_id: one.hypothesis for one in heard} == expected
    return heard


@pytest.mark.e2e
@pytest.mark.parametrize("name", MODELS)
def test_texts_are_those_of_plain_transformers(
    real_weights: Path, real_speech: Path, name: str
) -> None:
    utterances = [one for one in spoken(real_speech) if one.id in FEW]
    assert len(utterances) == len(FEW)
    heard = check_texts(real_weights / name, utterances)
    quality, _ = score(heard, seed=42)
    assert quality.wer == jiwer_wer(heard, ENGLISH)
    assert quality.wer < 0.25
    # 117 words of 53 s: a model that heard only its first window would have lost half of them.
    sonnet = next(one for one in heard if one.clip_id == "sonnet-2")
    assert len(sonnet.hypothesis.split()) > 80


@pytest.mark.parametrize("name", MODELS)
def test_the_converted_encoder_is_the_published_one(
    real_weights: Path, real_speech: Path, name: str
) -> None:
    """Against CTranslate2, which runs the files as they were published."""
    plain = PlainWhisper(real_weights / name)
    wave = next(one.audio for one in spoken(real_speech) if one.id == "jfk-inaugural")
    features = plain.processor(wave, sampling_rate=16_000, return_tensors="pt").input_features
    with torch.inference_mode():
        ours = plain.model.get_encoder()(features).last_hidden_state.numpy()
    published = ctranslate2.models.Whisper(
        str(real_weights / f"{name}-ct2"), compute_type="float32", intra_threads=1
    )
    view = ctranslate2.StorageView.from_array(np.ascontiguousarray(features.numpy()))
    theirs = np.array(published.encode(view, to_cpu=True))
    assert np.linalg.norm(ours - theirs) < 1e-5 * np.linalg.norm(theirs)


@dataclass(frozen=True)
class _Run:
    """One model over the folder."""

    name: str
    folder: Path
    utterances: list[Clip]
    heard: tuple[Transcribed, ...]

    @property
    def short(self) -> list[Clip]:
        """What is in the expected error rates."""
        return [one for one in self.utterances if is_short(one)]

    @property
    def heard_of_short(self) -> tuple[Transcribed, ...]:
        """What asrprof made of it."""
        ids = {one.id for one in self.short}
        return tuple(one for one in self.heard if one.clip_id in ids)


@pytest.fixture(scope="module", params=MODELS)
def run(request: pytest.FixtureRequest, real_weights: Path, real_speech: Path) -> _Run:
    """Transcribed once by asrprof and by plain code, which must agree."""
    folder = real_weights / request.param
    utterances = few(real_speech)
    with threads(len(os.sched_getaffinity(0))):
        return _Run(request.param, folder, utterances, check_texts(folder, utterances))


@pytest.mark.e2e
@pytest.mark.timeout(1800)
def test_error_rates_are_jiwers_and_in_the_expected_range(run: _Run) -> None:
    assert len(run.heard) == (43 if ALL else 25)
    for heard in (run.heard, run.heard_of_short):
        for normaliser in (ENGLISH, WHISPER_ENGLISH):
            quality, _ = score(heard, seed=42, normaliser=normaliser)
            assert quality.wer == jiwer_wer(heard, normaliser)
            assert quality.wer_low is not None
            assert quality.wer_high is not None
            assert quality.wer_low < quality.wer < quality.wer_high
    quality, _ = score(run.heard_of_short, seed=42, normaliser=WHISPER_ENGLISH)
    assert quality.scored == 25
    assert quality.wer == pytest.approx(EXPECTED_WER[run.name], abs=0.005)


@pytest.mark.e2e
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("run", QUICK_MODELS, indirect=True)
def test_faster_whisper_makes_the_same_errors(
    run: _Run, conversions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASRPROF_CACHE", str(conversions))
    heard = transcribe(load(run.folder, engine="faster-whisper"), run.short)
    theirs, _ = score(heard, seed=42)
    ours, _ = score(run.heard_of_short, seed=42)
    assert theirs.scored == ours.scored == 25
    assert theirs.wer == pytest.approx(ours.wer, abs=0.005)
