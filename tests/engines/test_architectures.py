"""The published configurations build models of the published size."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from runner.catalogue.models import CATALOGUE
from runner.engines.architectures import PUBLISHED, feature_extractor, published_config
from runner.errors import UserError

MILLIONS = {
    "openai/whisper-tiny": 37.8,
    "openai/whisper-tiny.en": 37.8,
    "openai/whisper-base": 72.6,
    "openai/whisper-base.en": 72.6,
    "openai/whisper-small": 241.7,
    "openai/whisper-small.en": 241.7,
    "openai/whisper-medium": 763.9,
    "openai/whisper-medium.en": 763.9,
    "openai/whisper-large-v2": 1543.3,
    "openai/whisper-large-v3": 1543.5,
    "openai/whisper-large-v3-turbo": 808.9,
    "UsefulSensors/moonshine-tiny": 27.1,
    "UsefulSensors/moonshine-base": 61.5,
    "UsefulSensors/moonshine-streaming-tiny": 44.1,
    "UsefulSensors/moonshine-streaming-small": 140.1,
    "UsefulSensors/moonshine-streaming-medium": 265.9,
    "CohereLabs/cohere-transcribe-03-2026": 2065.6,
    "facebook/wav2vec2-base-960h": 94.4,
    "facebook/wav2vec2-large-960h": 315.5,
    "facebook/wav2vec2-large-960h-lv60": 315.5,
    "facebook/wav2vec2-large-960h-lv60-self": 315.5,
    "facebook/hubert-large-ls960-ft": 315.5,
    "facebook/wav2vec2-conformer-rel-pos-large-960h-ft": 618.6,
    "facebook/wav2vec2-conformer-rope-large-960h-ft": 593.4,
    "facebook/hubert-xlarge-ls960-ft": 962.5,
    "facebook/data2vec-audio-base-960h": 93.2,
    "patrickvonplaten/wavlm-libri-clean-100h-base-plus": 94.4,
    "patrickvonplaten/wavlm-libri-clean-100h-large": 315.5,
    "facebook/w2v-bert-2.0": 580.5,
    "Qwen/Qwen3-ASR-0.6B-hf": 782.4,
    "Qwen/Qwen3-ASR-1.7B-hf": 2038.1,
    "mistralai/Voxtral-Mini-3B-2507": 4676.3,
    "mistralai/Voxtral-Small-24B-2507": 24261.8,
    "ibm-granite/granite-speech-3.3-2b": 3009.2,
    "ibm-granite/granite-speech-3.3-8b": 8648.6,
    "nvidia/canary-1b-v2": 962.2,
    "kyutai/stt-1b-en_fr-trfs": 1068.5,
    "kyutai/stt-2.6b-en-trfs": 2696.4,
    "mistralai/Voxtral-Mini-4B-Realtime-2602": 4429.7,
    "nvidia/parakeet-tdt-0.6b-v3": 627.0,
    "nvidia/parakeet-rnnt-0.6b": 616.7,
    "nvidia/nemotron-speech-streaming-en-0.6b": 618.1,
    "nvidia/parakeet-ctc-0.6b": 608.8,
    "nvidia/parakeet-ctc-1.1b": 1062.5,
}


def test_every_published_name_has_a_size() -> None:
    assert set(PUBLISHED) == set(MILLIONS)


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameter_count_is_the_published_one(name: str) -> None:
    from runner.flops.models import build

    parameters = sum(p.numel() for p in build(published_config(name)).parameters())
    assert round(parameters / 1e6, 1) == MILLIONS[name]


@pytest.mark.parametrize(
    ("name", "millions"),
    [
        # Chen et al. 2022, WavLM, table I (without a head).
        ("patrickvonplaten/wavlm-libri-clean-100h-base-plus", 94.70),
        ("patrickvonplaten/wavlm-libri-clean-100h-large", 316.62),
        # Model card and announcement of w2v-BERT 2.0.
        ("facebook/w2v-bert-2.0", 580),
    ],
)
def test_parameters_are_within_half_a_per_cent_of_the_publishers(
    name: str, millions: float
) -> None:
    assert MILLIONS[name] == pytest.approx(millions, rel=0.005)


@pytest.mark.parametrize("name", sorted({*PUBLISHED} & {*CATALOGUE}))
def test_the_front_end_takes_the_sample_rate_that_is_listed(name: str) -> None:
    assert feature_extractor(name).sampling_rate == CATALOGUE[name].sample_rate_hz


def test_special_tokens_are_those_of_the_tokenizers() -> None:
    multilingual = published_config("openai/whisper-large-v3")
    english = published_config("openai/whisper-base.en")
    assert (multilingual.vocab_size, multilingual.num_mel_bins) == (51_866, 128)
    assert multilingual.decoder_start_token_id == 50_258
    assert multilingual.eos_token_id == multilingual.pad_token_id == 50_257
    assert (english.vocab_size, english.num_mel_bins) == (51_864, 80)
    assert (english.decoder_start_token_id, english.eos_token_id) == (50_257, 50_256)
    assert published_config("nvidia/parakeet-ctc-0.6b").pad_token_id == 1024


def test_configurations_are_not_shared() -> None:
    first = published_config("openai/whisper-tiny")
    first.encoder_layers = 1
    assert published_config("openai/whisper-tiny").encoder_layers == 4


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("whisper-tiny", "openai/whisper-tiny"),
        ("openai/whisper-large-v3-trubo", "openai/whisper-large-v3-turbo"),
        ("nvidia/parakeet-ctc-1.1B", "nvidia/parakeet-ctc-1.1b"),
    ],
)
def test_unknown_name_gets_the_nearest_one(typed: str, meant: str) -> None:
    with pytest.raises(UserError, match=f"did you mean '{meant}'"):
        published_config(typed)
    with pytest.raises(UserError, match=f"did you mean '{meant}'"):
        feature_extractor(typed)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("openai/whisper-tiny", (2, 80, 3000)),
        ("openai/whisper-large-v3", (2, 128, 3000)),
        ("facebook/wav2vec2-base-960h", (2, 16_000)),
        ("facebook/wav2vec2-large-960h-lv60-self", (2, 16_000)),
        ("nvidia/parakeet-ctc-0.6b", (2, 101, 80)),
        ("CohereLabs/cohere-transcribe-03-2026", (2, 101, 128)),
        ("facebook/w2v-bert-2.0", (2, 49, 160)),
    ],
)
def test_features_have_the_shape_that_the_model_takes(name: str, shape: tuple[int, ...]) -> None:
    extract = feature_extractor(name)
    clips = [np.random.default_rng(seed).standard_normal(16_000, np.float32) for seed in (0, 1)]
    features = extract(clips, sampling_rate=16_000, return_tensors="pt")
    assert tuple(features[extract.model_input_names[0]].shape) == shape
    # An attention mask only for the models that were trained with one.
    with_mask = ("large-960h-lv60-self", "parakeet-ctc-0.6b", "w2v-bert-2.0", "03-2026")
    assert ("attention_mask" in features) == name.endswith(with_mask)


def test_importing_the_module_imports_no_transformers() -> None:
    code = (
        "import sys, runner.engines.architectures\n"
        "print([m for m in ('torch', 'transformers') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
