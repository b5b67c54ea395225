"""PocketSphinx: real words from real speech, and the same words every time."""

from __future__ import annotations

import json

import pytest

from runner.clips.audio import read_audio
from runner.clips.builtin import read_builtin
from runner.config import Variant
from runner.engines.base import Unmeasurable
from runner.errors import Refused
from runner.flops import workload_flops
from runner.load import load_engine
from runner.measure.quality import Transcribed, score
from tests.engines.loading import request


@pytest.fixture(scope="module")
def engine():
    return load_engine(request("pocketsphinx", weights="pretrained"))


@pytest.mark.e2e
def test_real_words(engine, real_speech):
    rows = [json.loads(line) for line in (real_speech / "manifest.jsonl").open()]
    row = next(row for row in rows if row["id"].startswith("jfk-inaugural"))
    wave = read_audio(real_speech / row["file"], row["id"])
    (first,) = engine.transcribe([wave]).texts
    heard = Transcribed(
        clip_id="jfk", reference=row["text"], hypothesis=first, audio_seconds=row["seconds"]
    )
    quality, _ = score([heard], seed=1)
    assert quality.wer is not None
    assert quality.wer < 0.4


@pytest.mark.e2e
def test_every_clip_is_heard_as_by_a_fresh_decoder(engine):
    waves = [utterance.audio for utterance in read_builtin(3).utterances]
    fresh = [
        load_engine(request("pocketsphinx", weights="pretrained")).transcribe([wave]).texts[0]
        for wave in waves
    ]
    assert any(fresh)
    assert engine.transcribe([*waves, *reversed(waves)]).texts == (*fresh, *reversed(fresh))


def test_what_it_cannot_do_is_refused():
    with pytest.raises(Refused, match="CPU"):
        load_engine(request("pocketsphinx", weights="pretrained", device="cuda"))
    with pytest.raises(Refused, match="b16"):
        variant = Variant(name="b16", precision="bf16")
        load_engine(request("pocketsphinx", weights="pretrained", variant=variant))


def test_it_has_no_operation_count(engine):
    with pytest.raises(Unmeasurable):
        workload_flops(engine.workload(samples=16000, batch=1, decoder_calls=None))
