"""CTC engines: published architectures with random weights, and what a batch gives."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    SeamlessM4TFeatureExtractor,
    Wav2Vec2BertConfig,
    Wav2Vec2BertForCTC,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForCTC,
    WavLMConfig,
    WavLMForCTC,
)

from runner.config import Variant
from runner.engines.ctc import CTCEngine
from runner.errors import Refused
from runner.flops.count import workload_flops
from runner.load import load_engine
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


SIZES = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "vocab_size": 8,
    "pad_token_id": 0,
    "initializer_range": 0.5,
}
POSITIONS = {"num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 2}


def save_wavlm(folder):
    config = WavLMConfig(**SIZES, **POSITIONS, conv_dim=(8,) * 7, feat_extract_norm="layer")
    return save_ctc(
        folder, WavLMForCTC(config), Wav2Vec2FeatureExtractor(return_attention_mask=True)
    )


def save_bert(folder, **changes):
    config = Wav2Vec2BertConfig(**SIZES, output_hidden_size=16, **changes)
    return save_ctc(folder, Wav2Vec2BertForCTC(config), SeamlessM4TFeatureExtractor())


@pytest.mark.parametrize(
    ("save", "samples_a_frame"),
    [
        (save_wavlm, 320),
        (save_bert, 320),
        (lambda folder: save_bert(folder, add_adapter=True), 640),
    ],
    ids=["wavlm", "w2v-bert", "w2v-bert with adapter"],
)
def test_other_encoders_run_as_ctc_models(tmp_path, speech_like, save, samples_a_frame):
    """Clips of mixed lengths say what they say alone; FLOPs and padding follow the input."""
    torch.manual_seed(3)
    engine = load_engine(request(str(save(tmp_path)), weights="pretrained"))
    assert isinstance(engine, CTCEngine)
    clips = [speech_like(seconds, seed=7)[0] for seconds in (1.0, 2.0, 1.51)]
    together = engine.transcribe(clips)
    assert all(together.texts)
    alone = tuple(engine.transcribe([clip]).texts[0] for clip in clips)
    if samples_a_frame == 320:
        assert together.texts == alone
    else:  # The adapter's convolutions read on into the padding, and its attention spreads it.
        assert together.texts[1] == alone[1]
    assert together.input_samples == pytest.approx(3 * 32_000, rel=0.01)
    frames = engine._frames(clips[1:2], lambda _: None)
    assert frames.shape[1] == pytest.approx(32_000 / samples_a_frame, rel=0.02)
    work = engine.workload(samples=32_000, batch=2, decoder_calls=None)
    assert [reading.stage for reading in workload_flops(work)] == ["encoder", "total"]
    assert all(reading.flops for reading in workload_flops(work))


@pytest.mark.parametrize("method", ["int8-dynamic", "int8-weight-only", "int8-dynamic-torch"])
def test_wavlm_is_quantised_where_its_layers_are_called(tmp_path, speech_like, method):
    """Its projections of attention are weights that a function of PyTorch takes."""
    variant = Variant(name="small", quantization=method)
    engine = load_engine(request(str(save_wavlm(tmp_path)), weights="pretrained", variant=variant))
    clips = speech_like(1)
    assert len(engine.transcribe(clips).texts) == 1
    proof = next(one for one in engine.verify(clips) if one.technique == "quantization")
    # Of each layer two of the feed-forward and the gate, the projection of features, the head.
    assert proof.found.startswith(f"{2 * 3 + 2} of {2 * 7 + 2} linear layers hold int8")
