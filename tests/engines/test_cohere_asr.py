"""Cohere Transcribe: the publishers' prompt and front end, and texts of plain transformers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import CohereAsrForConditionalGeneration, CohereAsrProcessor

from runner.engines import cohere_asr
from runner.engines.architectures import feature_extractor, published_config
from runner.engines.cohere_asr import CohereASREngine
from runner.errors import Refused
from runner.flops import count_flops
from runner.flops.models import COHERE_WINDOW, build
from runner.load import load_engine
from tests.engines.loading import noise, request
from tests.seq2seq_checkpoints import save_cohere_asr
from tests.test_counting import shallow

NAME = "CohereLabs/cohere-transcribe-03-2026"
SECONDS = (2, 0.6, 0.1, 1.3)
"""A full window, and less."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_cohere_asr(tmp_path_factory.mktemp("cohere"))


@pytest.fixture(scope="module")
def clips() -> list[np.ndarray]:
    return noise(SECONDS)


def load(folder: Path, language: str | None = None) -> CohereASREngine:
    engine = load_engine(request(str(folder), weights="pretrained", language=language))
    assert isinstance(engine, CohereASREngine)
    return engine


def publishers_texts(folder: Path, clips: list[np.ndarray], language: str) -> list[str]:
    """By the code of the model card, but for the number of tokens that the small decoder has."""
    processor = CohereAsrProcessor.from_pretrained(folder)
    model = CohereAsrForConditionalGeneration.from_pretrained(folder)
    inputs = processor(clips, sampling_rate=16_000, return_tensors="pt", language=language)
    index = inputs.pop("audio_chunk_index")
    outputs = model.generate(**inputs, max_new_tokens=54)
    texts: list[str] = processor.decode(
        outputs, skip_special_tokens=True, audio_chunk_index=index, language=language
    )
    return [text.strip() for text in texts]


@pytest.mark.parametrize("language", ["en", "de"])
def test_texts_are_those_of_plain_transformers_alone_and_in_a_batch(folder, clips, language):
    engine = load(folder, language)
    together = engine.transcribe(clips)
    assert list(together.texts) == publishers_texts(folder, clips, language)
    alone = [engine.transcribe([clip]).texts[0] for clip in clips]
    assert alone == [publishers_texts(folder, [clip], language)[0] for clip in clips]
    # A mask keeps the padding out.
    assert alone == list(together.texts)
    assert set(together.at_limit or ()) == {False, True}, "no text, or every text, ends by itself"
    assert engine.language.by == "config"


def test_a_language_changes_the_text_and_english_is_usual(folder, clips):
    german, usual = load(folder, "de"), load(folder)
    assert german.transcribe(clips).texts != usual.transcribe(clips).texts
    assert usual.transcribe(clips).texts == load(folder, "en").transcribe(clips).texts
    assert (usual.language.code, usual.language.by) == ("en", "default")


def test_features_and_masks_are_the_publishers(folder, clips):
    engine = load(folder)
    processor = CohereAsrProcessor.from_pretrained(folder)
    inputs = processor(clips, sampling_rate=16_000, return_tensors="pt", language="en")
    assert torch.equal(engine.features(clips), inputs["input_features"])
    assert torch.equal(engine.masks(clips)["attention_mask"], inputs["attention_mask"])
    beginnings = engine.beginnings(len(clips))
    assert torch.equal(beginnings["decoder_input_ids"], inputs["decoder_input_ids"])


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ("is", 'does not support "is", only ar, de, el, en, es, fr, it, ja, ko, nl, pl, pt, vi'),
        ("detect", 'leave out "language": "detect"'),
        ("fr", r"its tokenizer has no <\|fr\|>: copy tokenizer.json"),
    ],
)
def test_a_language_that_it_lacks_is_refused(folder, asked, why):
    with pytest.raises(Refused, match=why):
        load(folder, asked)


def test_the_published_prompt_has_the_tokens_of_the_processor(folder):
    engine = load(folder)
    processor = CohereAsrProcessor.from_pretrained(folder)
    assert list(engine.prompt_ids) == processor.get_decoder_prompt_ids("en")
    # handy-computer/transcribe.cpp, docs/porting/families/cohere.md: transformers' own prompt.
    published = [13764, 7, 4, 16, 62, 62, 5, 9, 11, 13]
    assert list(cohere_asr._PUBLISHED) == published
    assert published_config(NAME).decoder_start_token_id == published[0]


def test_a_checkpoint_that_begins_otherwise_is_told_so_by_generate(folder, clips):
    engine = load(folder)
    engine.model.generation_config.decoder_start_token_id = 7
    engine.settle()
    ids: list[list[int]] = []
    engine.texts_of = lambda generated: ids.extend(generated.tolist()) or [""]
    engine.transcribe(clips[:1])
    assert engine.prompt_ids[0] == 7
    inputs = engine.masks(clips[:1]) | engine.beginnings(1)
    inputs["decoder_input_ids"] = inputs["decoder_input_ids"][:, 1:]
    with torch.no_grad():
        whole = engine.model.generate(engine.features(clips[:1]), **inputs)
    assert whole[0, : engine.prompt].tolist() == list(engine.prompt_ids)
    assert whole[0, engine.prompt :].tolist() == ids[0]


def test_random_weights_do_exactly_the_stated_work(monkeypatch):
    # One narrow layer of the published architecture: its tokens are what is looked at.
    monkeypatch.setattr(cohere_asr, "published_config", shallow)
    engine = load_engine(request(NAME))
    assert isinstance(engine, CohereASREngine)
    outcome = engine.transcribe([np.zeros(32_000, np.float32)] * 2)
    assert (outcome.decoder_calls, outcome.tokens) == (2 * 2, 2 * 2 * 2)
    assert outcome.at_limit is None
    assert outcome.input_samples == 2 * 32_000
    assert engine.window == COHERE_WINDOW == feature_extractor(NAME).max_audio_clip_s * 16_000
    assert (engine.prompt, engine.longest) == (10, 1014)


def test_the_published_weights_are_as_many():
    model = build(published_config(NAME))
    # The header of its model.safetensors (as handy-computer/transcribe.cpp recorded it) has 2,104
    # tensors of floats, a filter bank and a window among them, and 48 of integers.
    floats = [each.dtype.is_floating_point for each in model.state_dict().values()]
    assert (sum(floats) + 2, len(floats) - sum(floats)) == (2104, 48)
    # A file of them in bfloat16, the embeddings written once, has 4.10 GB.
    head = model.get_output_embeddings().weight.numel()
    stored = 2 * (sum(each.numel() for each in model.parameters()) - head)
    assert stored == pytest.approx(4.10e9, rel=0.005)


@pytest.mark.parametrize("seconds", [20, 40])
def test_flops_by_a_closed_form(seconds):
    """Of the published sizes; multiplications and additions count as two."""
    rows, frames = {20: (1, 2001), 40: (2, 3501)}[seconds]
    width, decoder, prompt, vocabulary, mels = 1280, 1024, 10, 16_384, 128
    readings = {
        each.stage: each.flops
        for each in count_flops(
            published_config(NAME),
            samples=seconds * 16_000,
            batch=1,
            prompt_tokens=prompt,
            tokens=2,
        )
    }
    sizes = [(frames, mels)]
    for _ in range(3):
        sizes.append(tuple((side - 1) // 2 + 1 for side in sizes[-1]))
    spots = [high * wide for high, wide in sizes[1:]]
    subsampling = spots[0] * 9 * 256 + sum((9 + 256) * 256 * each for each in spots[1:])
    length = sizes[-1][0]
    subsampling += length * sizes[-1][1] * 256 * width
    # Two feed-forwards, attention with relative positions, a convolution of nine frames.
    layer = length * (2 * 2 * 4 * width**2 + 4 * width**2 + 3 * width**2 + 9 * width)
    layer += length**2 * width * 2
    # The relative positions are projected, and held against every query.
    layer += (2 * length - 1) * (width**2 + length * width)
    encoder = rows * (subsampling + 48 * layer)
    assert readings["encoder"] == 2 * encoder

    def decoded(tokens: int, before: int) -> int:
        """A pass over so many tokens. The encoder's output is projected anew in each."""
        each = 8 * (6 * decoder**2 + 2 * 4 * decoder**2) + decoder * vocabulary
        attended = 8 * 2 * decoder * tokens * (before + tokens + length)
        return rows * (tokens * each + attended + length * width * decoder)

    keys = rows * 8 * 2 * length * decoder**2
    assert readings["prefill"] == 2 * (decoded(prompt, 0) + keys)
    assert readings["token"] == readings["decode"] == 2 * decoded(1, prompt)
