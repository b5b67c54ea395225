"""CTC engines: published architectures with random weights, and what a batch gives."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import Wav2Vec2ForCTC

from runner.engines.ctc import CTCEngine
from runner.engines.load import load_engine
from runner.errors import Refused
from runner.measure.stages import StageClock
from tests.checkpoints import save_ctc
from tests.engines.loading import request


@pytest.fixture(scope="module")
def base() -> CTCEngine:
    engine = load_engine(request("facebook/wav2vec2-base-960h"))
    assert isinstance(engine, CTCEngine)
    return engine


@pytest.fixture
def checkpoint(tmp_path):
    return save_ctc(tmp_path)


def test_base_has_the_published_size(base):
    assert base.parameters == pytest.approx(94.4e6, rel=0.001)
    assert base.weights_bytes == 4 * base.parameters


def test_stages_have_no_decoder(base, speech_like):
    stopwatch = StageClock(base, time.perf_counter)
    stopwatch.start()
    outcome = base.transcribe(speech_like(1), stopwatch.mark)
    assert list(stopwatch.seconds) == ["features", "transfer", "encode", "text"]
    assert outcome.tokens is None
    assert outcome.decoder_calls is None


def test_a_batch_gives_what_its_clips_give(base, speech_like):
    batch = speech_like(1, 3)
    together = base.transcribe(batch).texts
    alone = tuple(base.transcribe([wave]).texts[0] for wave in batch)
    assert together == alone


def test_waveforms_are_left_as_they_were(base, speech_like):
    batch = speech_like(1, 2)
    copies = [wave.copy() for wave in batch]
    base.transcribe(batch)
    assert all(np.array_equal(a, b) for a, b in zip(batch, copies, strict=True))


def test_a_local_folder_loads_by_its_model_type(checkpoint, speech_like):
    engine = load_engine(request(str(checkpoint), weights="pretrained"))
    assert isinstance(engine, CTCEngine)
    saved = Wav2Vec2ForCTC.from_pretrained(checkpoint)
    weight = "wav2vec2.encoder.layers.0.attention.k_proj.weight"
    assert torch.equal(
        dict(engine.model.named_parameters())[weight], dict(saved.named_parameters())[weight]
    )
    assert len(engine.transcribe(speech_like(1, 2)).texts) == 2


def test_pickled_weights_are_refused(checkpoint):
    (checkpoint / "model.safetensors").unlink()
    torch.save({}, checkpoint / "pytorch_model.bin")
    with pytest.raises(Refused, match="safetensors") as caught:
        load_engine(request(str(checkpoint), weights="pretrained"))
    assert "\n" not in str(caught.value)


def test_a_truncated_checkpoint_is_refused_in_one_line(checkpoint):
    weights = checkpoint / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(Refused, match=r"header") as caught:
        load_engine(request(str(checkpoint), weights="pretrained"))
    assert "\n" not in str(caught.value)
    assert str(checkpoint) in str(caught.value)


def test_an_encoder_without_its_head_is_no_checkpoint(checkpoint):
    """As facebook/wav2vec2-base: transformers would draw the head at random and say nothing."""
    weights = checkpoint / "model.safetensors"
    kept = {k: v for k, v in load_file(weights).items() if not k.startswith("lm_head")}
    save_file(kept, weights, metadata={"format": "pt"})
    with pytest.raises(Refused, match="lm_head"):
        load_engine(request(str(checkpoint), weights="pretrained"))


def test_an_architecture_without_an_engine_is_refused(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(Refused, match='model_type "bert"'):
        load_engine(request(str(tmp_path), weights="pretrained"))
