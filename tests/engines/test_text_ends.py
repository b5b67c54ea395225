"""Which texts the decoder's length limit ended: all that were open there, and no others."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import (
    MoonshineConfig,
    MoonshineForConditionalGeneration,
    Wav2Vec2FeatureExtractor,
)

from runner.clips.builtin import read_builtin
from runner.config import Variant
from runner.engines.base import Engine
from runner.engines.text_ends import text_ends
from runner.engines.vocabulary import piece_tokenizer
from runner.load import load_engine
from tests.engines.loading import request

pytestmark = pytest.mark.usefixtures("kept_conversions")


@pytest.fixture(scope="module")
def waves():
    """Four utterances at their natural lengths."""
    return [utterance.audio for utterance in read_builtin(4).utterances]


def load(name: str = "small-whisper", *, engine: str | None = None, **parts) -> Engine:
    variant = Variant.model_validate({"name": "tried", **parts})
    return load_engine(request(name, weights="pretrained", variant=variant, engine=engine))


def limit_to(engine: Engine, tokens: int) -> None:
    """Gives a Whisper fewer positions, prompt not counted, as a smaller checkpoint would have."""
    if engine.family == "faster-whisper":
        engine.longest = tokens
    else:
        engine.model.config.max_target_positions = tokens + engine.prompt
        # generate() adds the prompt to the length it is given.
        engine.model.generation_config.max_length = tokens


def test_where_each_row_ends():
    end, pad = 9, 0
    ends = text_ends(torch.tensor([[1, 9, 0, 0], [1, 2, 3, 9], [1, 2, 3, 4], [9, 9, 9, 9]]), end)
    assert ends.tokens == (2, 4, 4, 1)
    assert ends.at_limit == (False, False, True, False)
    several = text_ends(torch.tensor([[1, 8, pad], [1, 2, 9], [1, 2, 3]]), [8, 9])
    assert several.tokens == (2, 3, 3)
    assert several.at_limit == (False, False, True)


WHISPERS = [
    {},
    {"beams": 2},
    {"cache": "static"},
    {"assistant": "self", "draft_tokens": 3},
    {"prompt_lookup": 3},
    {"engine": "faster-whisper"},
    {"engine": "faster-whisper", "beams": 2},
]


@pytest.mark.e2e
@pytest.mark.parametrize("parts", WHISPERS, ids=str)
def test_just_the_texts_that_are_still_open_at_the_limit_are_at_it(waves, parts):
    engine = load(**parts)
    alone = [engine.transcribe([wave]) for wave in waves]
    assert engine.transcribe(waves).at_limit == (False,) * len(waves)
    lengths = [each.tokens for each in alone]
    # As long as the shortest, which still ends itself; longer ones do not.
    limit = min(lengths)
    assert limit < max(lengths)
    if "beams" in parts:
        # A search that must end a token earlier may settle on another text; not one far shorter.
        limit //= 2
    limit_to(engine, limit)
    heard = engine.transcribe(waves)
    assert heard.at_limit == tuple(length > limit for length in lengths)
    assert heard.tokens == sum(min(length, limit) for length in lengths)


@pytest.mark.parametrize("engine_name", [None, "faster-whisper"])
def test_a_clip_is_at_the_limit_where_one_of_its_windows_is(waves, engine_name):
    engine = load(engine=engine_name)
    first, second = sorted(waves[:2], key=lambda wave: engine.transcribe([wave]).tokens)
    shorter, longer = (engine.transcribe([wave]).tokens for wave in (first, second))
    assert shorter < longer
    both = np.concatenate([np.pad(first, (0, engine.window - len(first))), second])
    limit_to(engine, shorter)
    heard = engine.transcribe([first, both])
    assert heard.windows == 3
    assert heard.at_limit == (False, True)


@pytest.mark.parametrize("engine_name", [None, "faster-whisper"])
def test_work_that_is_fixed_has_no_limit_to_run_into(waves, engine_name):
    engine = load(engine=engine_name)
    with engine.shortened(2):
        assert engine.transcribe(waves).at_limit is None
    assert engine.transcribe(waves).at_limit is not None


@pytest.mark.parametrize("name", ["openai/whisper-tiny", "UsefulSensors/moonshine-tiny"])
def test_random_weights_have_none(speech_like, name):
    assert load_engine(request(name)).transcribe(speech_like(1)).at_limit is None


@pytest.mark.parametrize("name", ["small-wav2vec2-ctc", "small-parakeet-ctc", "pocketsphinx"])
def test_without_a_decoder_of_tokens_there_is_none(waves, name):
    assert load(name).transcribe(waves[:1]).at_limit is None


def test_a_moonshine_that_never_says_the_end_is_at_its_publishers_limit(tmp_path, speech_like):
    config = MoonshineConfig(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=64,
        encoder_num_hidden_layers=1,
        decoder_num_hidden_layers=1,
    )
    torch.manual_seed(1)
    MoonshineForConditionalGeneration(config).save_pretrained(tmp_path)
    Wav2Vec2FeatureExtractor(do_normalize=False).save_pretrained(tmp_path)
    piece_tokenizer(64, special=64).save_pretrained(tmp_path)
    engine = load(str(tmp_path))
    heard = engine.transcribe([*speech_like(2), *speech_like(1)])
    assert heard.at_limit == (True, True)
    assert heard.tokens == 2 * 13, "6.5 tokens for each of the two seconds of the longer"
    # Whatever it says first is now the end.
    with torch.inference_mode():
        ids = engine.model.generate(torch.from_numpy(speech_like(2)[0])[None])
    engine.model.generation_config.eos_token_id = int(ids[0, 1])
    heard = engine.transcribe(speech_like(2))
    assert (heard.at_limit, heard.tokens) == ((False,), 1)
