"""The committed small models load offline, are whole and hear the built-in speech."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import jiwer
import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import (
    AutoModelForCTC,
    AutoModelForSpeechSeq2Seq,
    AutoProcessor,
    ParakeetForCTC,
    ParakeetProcessor,
    Wav2Vec2ForCTC,
    Wav2Vec2Processor,
    WhisperForConditionalGeneration,
    WhisperProcessor,
)

from runner.clips.pack import pack
from tools.training.corpus import CORPUS_VERSION
from tools.training.evaluate import built_in_speech
from tools.training.train_small import CHECKPOINTS
from tools.training.whisper import WINDOW_S

MODELS = {
    "small-parakeet-ctc": (AutoModelForCTC, ParakeetForCTC, ParakeetProcessor),
    "small-wav2vec2-ctc": (AutoModelForCTC, Wav2Vec2ForCTC, Wav2Vec2Processor),
    "small-whisper": (
        AutoModelForSpeechSeq2Seq,
        WhisperForConditionalGeneration,
        WhisperProcessor,
    ),
}
names = pytest.mark.parametrize("name", MODELS)


@dataclass(frozen=True)
class Loaded:
    model: Any
    processor: Any


@cache
def load(name: str) -> Loaded:
    auto_model, model_class, processor_class = MODELS[name]
    folder = CHECKPOINTS / name
    model = auto_model.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
    processor = AutoProcessor.from_pretrained(folder, local_files_only=True)
    assert type(model) is model_class
    assert type(processor) is processor_class
    return Loaded(model.eval(), processor)


def record(name: str) -> dict[str, Any]:
    return json.loads((CHECKPOINTS / name / "training.json").read_text(encoding="utf-8"))


def transcribe(name: str, waveforms: np.ndarray) -> list[str]:
    loaded = load(name)
    inputs = loaded.processor(list(waveforms), sampling_rate=16_000, return_tensors="pt")
    with torch.inference_mode():
        if name == "small-whisper":
            ids = loaded.model.generate(inputs["input_features"])
        else:
            ids = loaded.model(inputs[loaded.model.main_input_name]).logits.argmax(-1)
    return loaded.processor.batch_decode(ids, skip_special_tokens=name != "small-wav2vec2-ctc")


@names
def test_folder_is_small_and_in_half_precision(name: str) -> None:
    files = list((CHECKPOINTS / name).iterdir())
    assert sum(file.stat().st_size for file in files) < 7_000_000
    tensors = load_file(CHECKPOINTS / name / "model.safetensors")
    kinds = {tensor.dtype for tensor in tensors.values() if tensor.is_floating_point()}
    assert kinds == {torch.float16}


@names
def test_size_is_the_declared_one_and_every_weight_is_finite(name: str) -> None:
    model = load(name).model
    assert sum(one.numel() for one in model.parameters()) == record(name)["parameters"]
    assert 1_000_000 < record(name)["parameters"] < 3_000_000
    assert all(torch.isfinite(one).all() for one in model.state_dict().values())


@names
def test_training_record_fits_the_corpus_and_the_promise(name: str) -> None:
    training = record(name)
    assert training["corpus_version"] == CORPUS_VERSION
    rates = training["word_error_rate"]
    assert set(rates) == {
        "single", "held_out_voices", "clips_5_s", "clips_15_s", "clips_30_s", "clips_60_s",
    }  # fmt: skip
    assert rates.pop("held_out_voices") < 0.30
    assert max(rates.values()) < (0.15 if name == "small-whisper" else 0.08)


@names
def test_transcribes_a_clip_nearly_right(name: str) -> None:
    clips = pack(built_in_speech(), audio_seconds=15, seed=1).clips[:2]
    texts = transcribe(name, np.stack([clip.audio for clip in clips]))
    assert jiwer.wer([clip.reference for clip in clips], [text.strip() for text in texts]) < 0.25


def test_whisper_keeps_its_generation_settings_when_loaded() -> None:
    """Marked as made from the model's config, transformers would make them anew on loading."""
    settings = json.loads((CHECKPOINTS / "small-whisper" / "generation_config.json").read_text())
    assert not settings.get("_from_model_config", False)
    assert load("small-whisper").model.generation_config.is_multilingual


def test_whisper_is_prompted_like_a_published_one() -> None:
    loaded = load("small-whisper")
    tokenizer, generation = loaded.processor.tokenizer, loaded.model.generation_config
    prompt = ["<|startoftranscript|>", "<|en|>", "<|transcribe|>", "<|notimestamps|>"]
    start, english, transcribe_id, no_timestamps = tokenizer.convert_tokens_to_ids(prompt)
    assert generation.decoder_start_token_id == start
    assert generation.lang_to_id["<|en|>"] == english
    assert generation.task_to_id["transcribe"] == transcribe_id
    assert generation.no_timestamps_token_id == no_timestamps
    assert (generation.language, generation.task) == ("en", "transcribe")
    end = tokenizer.convert_tokens_to_ids("<|endoftext|>")
    assert generation.eos_token_id == generation.pad_token_id == tokenizer.pad_token_id == end
    assert tokenizer("hi").input_ids[:4] == [start, english, transcribe_id, no_timestamps]
    assert loaded.processor.feature_extractor.n_samples == WINDOW_S * 16_000
    features = loaded.processor(np.zeros(16_000, np.float32), sampling_rate=16_000)
    frames = np.asarray(features["input_features"]).shape[-1]
    assert frames == 2 * loaded.model.config.max_source_positions


@pytest.mark.parametrize("name", ["small-parakeet-ctc", "small-wav2vec2-ctc"])
def test_a_batch_gives_the_same_as_single_clips(name: str) -> None:
    packed = pack(built_in_speech(), audio_seconds=5, seed=1).clips[:3]
    clips = np.stack([clip.audio for clip in packed])
    batched = transcribe(name, clips)
    assert batched == [transcribe(name, clip[np.newaxis])[0] for clip in clips]
