"""A variant alone says how a checkpoint decodes, whatever its own settings ask for."""

from __future__ import annotations

from collections import Counter

import pytest
from transformers import GenerationConfig

from runner.config import Variant
from runner.engines.hooks import hooked
from runner.engines.search_settings import set_aside
from runner.flops import workload_flops
from runner.load import load_engine
from tests.checkpoints import save_moonshine
from tests.engines.loading import request
from tests.engines.small_whisper import save_whisper

SEARCHES = {
    "beams": {"num_beams": 4, "length_penalty": 0.5},
    "samples": {"do_sample": True, "temperature": 3.0, "top_k": 5},
    "contrastive": {"penalty_alpha": 0.6, "top_k": 4},
    "penalties": {"repetition_penalty": 5.0, "no_repeat_ngram_size": 2},
    "length": {"min_length": 12, "forced_eos_token_id": 3},
    "words": {"bad_words_ids": [[1], [2], [3], [4]], "sequence_bias": [[[7], 50.0]]},
    "cache": {"use_cache": False},
    "drafts": {"prompt_lookup_num_tokens": 4},
}


def rows(engine, batch) -> Counter[int]:
    """Rows of the decoder's passes."""
    seen: Counter[int] = Counter()

    def passed(module, arguments, keywords, output) -> None:
        seen[output[0].shape[0]] += 1

    with hooked([engine.model.get_decoder()], passed, before=False):
        engine.transcribe(batch)
    return seen


@pytest.mark.parametrize("search", SEARCHES)
def test_fp32_is_the_same_search_for_every_checkpoint(tmp_path, speech_like, search):
    greedy = load_engine(request(str(save_whisper(tmp_path / "greedy")), weights="pretrained"))
    own = load_engine(
        request(str(save_whisper(tmp_path / "own", **SEARCHES[search])), weights="pretrained")
    )
    batch = speech_like(1, 2)
    first, second = own.transcribe(batch), greedy.transcribe(batch)
    assert first == second == own.transcribe(batch)
    assert rows(own, batch) == rows(greedy, batch)
    work = [e.workload(samples=16_000, batch=2, decoder_calls=5) for e in (own, greedy)]
    assert workload_flops(work[0]) == workload_flops(work[1])
    if search == "cache":
        assert own.remarks == ()
    else:
        (remark,) = own.remarks
        named = set(SEARCHES[search]) - ({"top_k"} if search == "contrastive" else set())
        assert all(f"{name} " in remark for name in named)


def test_a_variants_beams_are_its_own(tmp_path, speech_like):
    folder = str(save_whisper(tmp_path, num_beams=4, early_stopping=True))
    two = load_engine(request(folder, weights="pretrained", variant=Variant(name="b", beams=2)))
    assert set(rows(two, speech_like(1))) == {2}
    assert two.workload(samples=16_000, batch=1, decoder_calls=5).beams == 2


def test_a_moonshine_searches_no_other_way(tmp_path, speech_like):
    folder = save_moonshine(tmp_path)
    plain = load_engine(request(str(folder), weights="pretrained")).transcribe(speech_like(1))
    settings = GenerationConfig.from_pretrained(folder)
    settings.num_beams, settings.repetition_penalty = 3, 4.0
    settings.save_pretrained(folder)
    engine = load_engine(request(str(folder), weights="pretrained"))
    assert engine.transcribe(speech_like(1)) == plain
    assert "num_beams 3, repetition_penalty 4.0" in engine.remarks[0]


def test_what_changes_no_text_is_not_told():
    plain = {"num_beams": 1, "do_sample": False, "temperature": 0.7, "length_penalty": 2.0}
    assert set_aside(GenerationConfig(**plain, max_length=448, use_cache=False)) is None
    asked = GenerationConfig(num_beams=5, length_penalty=2.0)
    assert set_aside(asked, beams=5) is not None
    assert "num_beams" not in set_aside(asked, beams=5)
