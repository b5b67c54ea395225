"""Temperature fallback: which texts fail, what is decoded again, what of it is counted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from runner.clips import prepare
from runner.clips.clip import SAMPLE_RATE
from runner.config import Data, Variant
from runner.engines.base import Engine, Unmeasurable
from runner.engines.fallback import (
    TEMPERATURES,
    Criterion,
    Fallback,
    WindowText,
    window_compression_ratio,
)
from runner.engines.whisper_fallback import TokenScores
from runner.errors import NoEffect, Refused
from runner.flops import workload_flops
from runner.load import load_engine
from tests.engines.loading import request

LOOP = "4, 5, " * 60
ENGINES = ["whisper", "faster-whisper"]
NOTHING_PASSES = Criterion(mean_log_probability=0.1)
"""No probability is above 1."""


pytestmark = pytest.mark.usefixtures("kept_conversions")


def load(engine: str = "whisper", name: str = "small-whisper", **parts) -> Engine:
    """A trained model; ``whisper`` is transformers."""
    if engine == "faster-whisper":
        pytest.importorskip("faster_whisper")
    variant = Variant.model_validate({"name": "tried", **parts})
    chosen = engine if engine != "whisper" else None
    return load_engine(request(name, weights="pretrained", variant=variant, engine=chosen))


def window(text: str = "fine", probability: float = -0.2, tokens: int = 3) -> WindowText:
    return WindowText(text, tokens, at_limit=False, mean_log_probability=probability)


class Decoder:
    """Gives each window the texts it was told to, one a temperature."""

    def __init__(self, **texts: Sequence[WindowText]) -> None:
        self.texts = {int(name.strip("w")): list(given) for name, given in texts.items()}
        self.asked: list[tuple[tuple[int, ...], float]] = []

    def __call__(self, indices: Sequence[int], temperature: float):
        self.asked.append((tuple(indices), temperature))
        found = [self.texts[index].pop(0) for index in indices]
        return found, max(one.tokens for one in found)


@pytest.mark.parametrize(
    ("text", "probability", "fails"),
    [
        ("a text like any other", -0.3, False),
        (LOOP, -0.01, True),
        ("a text like any other", -1.01, True),
        ("a text like any other", -1.0, False),
        ("", -0.5, False),
    ],
)
def test_what_fails(text, probability, fails):
    assert Criterion().fails(window(text, probability)) is fails
    assert (Criterion().compression_ratio, Criterion().mean_log_probability) == (2.4, -1.0)


def test_the_compression_ratio_is_of_text_without_its_ends():
    assert window_compression_ratio(LOOP) > 15
    assert window_compression_ratio("  one two ") == window_compression_ratio("one two") < 1
    assert window_compression_ratio("") == 0


def test_only_what_fails_is_decoded_again_at_rising_temperatures():
    fallback = Fallback(seed=1)
    decoder = Decoder(
        w1=[window(LOOP, tokens=90), window("heard at last", tokens=4)],
        w2=[window("heard", tokens=2)],
    )
    first = [window("good", tokens=5), window(LOOP, tokens=99), window("odd", -3.0, tokens=7)]
    settled = fallback.settle(first, decoder)
    assert decoder.asked == [((1, 2), 0.2), ((1,), 0.4)]
    assert [one.text for one in settled.windows] == ["good", "heard at last", "heard"]
    assert settled.tokens == (5 + 99 + 7) + (90 + 2) + 4
    assert (settled.passes, settled.rounds) == (90 + 4, 2)


def test_the_last_attempt_counts_where_none_passes():
    tries = [window(f"attempt {number}", -2.0 - number) for number in range(5)]
    decoder = Decoder(w0=tries)
    settled = Fallback(seed=1).settle([window("first", -1.5)], decoder)
    assert settled.windows[0].text == "attempt 4"
    assert [temperature for _, temperature in decoder.asked] == list(TEMPERATURES)
    assert TEMPERATURES == (0.2, 0.4, 0.6, 0.8, 1.0)


def test_nothing_is_decoded_again_where_all_passes():
    settled = Fallback(seed=1).settle([window(), window()], Decoder())
    assert (settled.tokens, settled.passes, settled.rounds) == (6, 0, 0)


def test_figures_are_of_the_timed_batches_alone():
    fallback = Fallback(seed=1)
    assert fallback.figures() == ()
    with pytest.raises(Unmeasurable, match="not known yet"):
        fallback.check_countable()
    fallback.settle([window(LOOP)], Decoder(w0=[window(LOOP), window(LOOP), window()]))
    batches = [[window(LOOP), window()], [window(), window()]]

    def transcribe(batch):
        fallback.settle(batch, Decoder(w0=[window(LOOP), window()]))

    fallback.count(transcribe, batches)
    retries, highest = fallback.figures()
    assert (retries.name, retries.value) == ("fallback_retries", 1)
    assert retries.note == "windows decoded again, of 4 in the timed batches"
    assert (highest.name, highest.value) == ("fallback_temperature_max", 0.4)
    with pytest.raises(Unmeasurable, match="1 windows of the timed batches are decoded again"):
        fallback.check_countable()
    fallback.count(transcribe, batches[1:])
    assert [figure.value for figure in fallback.figures()] == [0, 0]
    fallback.check_countable()


def test_probabilities_are_of_the_chosen_tokens_before_the_temperature():
    logits = torch.tensor([[2.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    plain = TokenScores()
    assert plain(torch.tensor([[7], [7]]), logits) is logits
    plain(torch.tensor([[7, 0], [7, 1]]), logits)
    found = plain.finish(torch.tensor([[0, 1], [1, 2]]))
    likely = [math.log(math.exp(top) / (math.exp(top) + 2)) for top in (2, 1)]
    unlikely = [math.log(1 / (math.exp(top) + 2)) for top in (2, 1)]
    expected = torch.tensor([[likely[0], unlikely[0]], [unlikely[1], likely[1]]])
    assert torch.allclose(found, expected)


@pytest.mark.parametrize("temperature", [0.5, 1.0])
def test_samples_follow_the_softmax_of_the_temperature(temperature):
    logits = torch.tensor([[1.0, 0.0, -1.0]])
    scores = TokenScores(temperature=temperature, noise=torch.Generator().manual_seed(5))
    draws = 4000
    picked = torch.zeros(3)
    for _ in range(draws):
        picked[scores(torch.tensor([[0]]), logits).argmax()] += 1
    expected = (logits[0] / temperature).softmax(dim=0)
    assert torch.allclose(picked / draws, expected, atol=0.03)


@pytest.mark.e2e
@pytest.mark.parametrize("engine", ENGINES)
def test_texts_that_pass_are_the_same(speech, engine):
    plain, tried = load(engine), load(engine, fallback=True)
    expected, found = plain.transcribe(speech), tried.transcribe(speech)
    assert found == expected, "texts, tokens, passes, prefills and limits"
    assert found.prefills == 1
    tried.observe([speech[:4], speech[4:]])
    retries, highest = tried.figures()[-2:]
    assert (retries.value, highest.value) == (0, 0)
    assert retries.note == "windows decoded again, of 8 in the timed batches"
    assert _flops(tried) == _flops(plain)


def _flops(engine: Engine):
    return workload_flops(engine.workload(samples=80_000, batch=2, decoder_calls=9))


@pytest.mark.parametrize("engine", ENGINES)
def test_the_model_holds_its_texts_of_clear_speech_for_likely(speech, engine):
    tried = load(engine, fallback=True)
    seen: list[WindowText] = []
    settle = tried.fallback.settle

    def watched(windows, again):
        seen.extend(windows)
        return settle(windows, again)

    tried.fallback.settle = watched
    heard = tried.transcribe(speech[:4])
    assert len(seen) == 4
    assert all(-0.3 < one.mean_log_probability < 0 for one in seen)
    assert sum(one.tokens for one in seen) == heard.tokens


def test_both_engines_find_the_same_probabilities(speech):
    found = []
    for engine in ENGINES:
        tried = load(engine, fallback=True)
        seen: list[WindowText] = []
        tried.fallback.settle = lambda windows, again, seen=seen, own=tried.fallback: (
            seen.extend(windows) or Fallback.settle(own, windows, again)
        )
        # Whole windows: on shorter clips their padding is not the same.
        tried.transcribe([wave_of_a_window(speech)])
        found.append(seen[0])
    assert found[0].text.strip() == found[1].text.strip()
    assert found[0].mean_log_probability == pytest.approx(found[1].mean_log_probability, abs=2e-3)


def wave_of_a_window(speech):
    """Speech that fills the small model's window."""
    window_samples = load().window
    whole = np.concatenate(speech)
    assert len(whole) >= window_samples
    return whole[:window_samples]


@pytest.mark.parametrize("engine", ENGINES)
def test_all_decoding_is_counted(speech, engine):
    plain, tried = load(engine), load(engine, fallback=True)
    once = plain.transcribe(speech[:3])
    tried.fallback.criterion = NOTHING_PASSES
    tried.fallback.temperatures = (0.01, 0.02)
    passes = []
    if engine == "whisper":
        tried.model.get_decoder().register_forward_hook(lambda *_: passes.append(1))
    heard = tried.transcribe(speech[:3])
    # So cold a sample is the most likely text again.
    assert heard.texts == once.texts
    assert heard.tokens == 3 * once.tokens
    assert heard.decoder_calls == 3 * once.decoder_calls
    assert heard.prefills == 3
    assert heard.at_limit == once.at_limit
    if engine == "whisper":
        assert len(passes) == heard.decoder_calls
    tried.observe([speech[:3]])
    retries, highest = tried.figures()[-2:]
    assert (retries.value, highest.value) == (3, 0.02)
    with pytest.raises(Unmeasurable, match="3 windows of the timed batches are decoded again"):
        _flops(tried)


@pytest.mark.parametrize(
    "parts",
    [
        {},
        pytest.param({"cache": "static"}, marks=pytest.mark.e2e),
        pytest.param({"cache": "off"}, marks=pytest.mark.e2e),
    ],
    ids=str,
)
def test_samples_are_seeded_and_do_not_depend_on_neighbours(speech, parts):
    tried = load(fallback=True, **parts)
    tried.fallback.criterion = NOTHING_PASSES
    tried.fallback.temperatures = (1.0, 3.0)
    texts = tried.transcribe(speech[:3]).texts
    assert tried.transcribe(speech[:3]).texts == texts
    assert tried.transcribe(speech[1:2]).texts == texts[1:2]
    tried.fallback.seed += 1
    assert tried.transcribe(speech[:3]).texts != texts
    tried.fallback.criterion = Criterion()
    assert tried.transcribe(speech[:3]).texts == load().transcribe(speech[:3]).texts


@pytest.mark.parametrize("engine", ENGINES)
def test_only_failing_windows_reach_the_decoder_again(speech, engine):
    """The encoder of transformers runs once; CTranslate2 must encode what is a part of a batch."""
    tried = load(engine, fallback=True)
    expected = load(engine).transcribe(speech[:3])
    worst = expected.texts[1]
    tried.fallback.criterion = SimpleNamespace(fails=lambda one: one.text.strip() == worst)
    tried.fallback.temperatures = (0.01, 0.02)
    encoded = []
    if engine == "whisper":
        tried.encoder.register_forward_hook(lambda *_: encoded.append(1))
    heard = tried.transcribe(speech[:3])
    alone = load(engine).transcribe(speech[1:2])
    assert heard.texts == expected.texts
    assert heard.tokens == expected.tokens + 2 * alone.tokens
    assert heard.decoder_calls == expected.decoder_calls + 2 * alone.decoder_calls
    if engine == "whisper":
        assert encoded == [1]


@pytest.mark.parametrize("engine", ENGINES)
def test_the_proof_states_the_settings(speech, engine):
    tried = load(engine, fallback=True)
    before = tried.transcribe(speech[:2])
    *_, proof = tried.verify(speech[:2])
    assert (proof.technique, proof.requested) == ("fallback", "True")
    assert proof.found.startswith(
        "again above a compression ratio of 2.4 or below a mean log probability of -1 a token, at "
        "0.2, 0.4, 0.6, 0.8, 1; texts made to fail: 1, decoded 2 times, in "
    )
    assert tried.fallback.criterion == Criterion()
    assert tuple(tried.fallback.temperatures) == TEMPERATURES
    assert tried.transcribe(speech[:2]) == before


def test_where_nothing_is_judged_there_is_no_result(speech):
    tried = load(fallback=True)
    tried.fallback = None
    with pytest.raises(NoEffect, match="fallback True did not take effect: no text is judged"):
        tried.verify(speech[:1])


@pytest.mark.parametrize("engine", ENGINES)
def test_where_nothing_fails_that_must_there_is_no_result(speech, engine, monkeypatch):
    tried = load(engine, fallback=True)
    monkeypatch.setattr(tried.fallback, "_failing", lambda windows, which: [])
    with pytest.raises(NoEffect, match=r"fallback (True )?did not take effect") as caught:
        tried.verify(speech[:1])
    assert "\n" not in str(caught.value)


def test_a_stream_falls_back_chunk_by_chunk(speech):
    tried = load(fallback=True, chunk_seconds=2.0)
    chunks = math.ceil(len(speech[0]) / (2 * SAMPLE_RATE))
    *_, proof = tried.verify(speech[:1])
    found = {one.technique: one.found for one in tried.verify(speech[:1])}["fallback"]
    assert f"texts made to fail: {chunks}, decoded {2 * chunks} times" in found
    assert proof.technique in {"fallback", "chunk_seconds"}


@pytest.mark.parametrize(
    ("engine", "name", "parts", "words"),
    [
        ("whisper", "small-whisper", {"beams": 2}, 'needs one beam, or "engine": "faster-whisper"'),
        ("whisper", "small-wav2vec2-ctc", {}, "fallback True does not fit ctc"),
        ("whisper", "pocketsphinx", {}, "fallback True does not fit pocketsphinx: it has no "),
    ],
)
def test_what_cannot_have_it_is_refused(engine, name, parts, words):
    with pytest.raises(Refused, match=words) as caught:
        load(engine, name, fallback=True, **parts)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("engine", [None, "faster-whisper"])
def test_random_weights_are_refused(engine):
    variant = Variant(name="tried", fallback=True)
    with pytest.raises(Refused, match='use "pretrained" ones') as caught:
        load_engine(request("openai/whisper-tiny", variant=variant, engine=engine))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"assistant": "self"}, 'goes without "assistant": samples take no drafts'),
        ({"prompt_lookup": 3}, 'goes without "prompt_lookup": samples take no drafts'),
        ({"cache": "static", "compile_decoder": "default"}, 'goes without "compile_decoder"'),
    ],
)
def test_configs(parts, words):
    with pytest.raises(ValueError, match=words):
        Variant.model_validate({"name": "x", "fallback": True, **parts})


def test_it_is_off_unless_it_is_named():
    assert Variant(name="plain").fallback is False
    assert "fallback" not in Variant(name="plain").parts
    assert Variant(name="x", fallback=True).parts == {"fallback": True}


def test_beams_come_before_samples_in_faster_whisper(speech):
    tried = load("faster-whisper", fallback=True, beams=2)
    assert tried.transcribe(speech[:2]) == load("faster-whisper", beams=2).transcribe(speech[:2])
    assert [one.technique for one in tried.verify(speech[:1])] == ["precision", "beams", "fallback"]


@pytest.mark.e2e
def test_a_real_model_no_longer_repeats_itself(
    real_weights: Path, real_speech: Path, tmp_path: Path
) -> None:
    """whisper-base goes on counting ("6, 7, 6, 7") to its length limit on one of these clips."""
    data = Data(source="folder", path=str(real_speech), cache=str(tmp_path))
    clips = prepare(data, audio_seconds=5, seed=42).clips
    waves = {one.utterance_ids[0]: one.audio for one in clips if one.origin == "speaker"}
    passing = [waves["fsdd-0-jackson-7"], waves["fsdd-6-jackson-13"]]
    looping = waves["fsdd-0-nicolas-7"]
    base = str(real_weights / "whisper-base")
    plain, tried = load(name=base), load(name=base, fallback=True)
    stuck = plain.transcribe([looping])
    assert stuck.at_limit == (True,)
    assert stuck.tokens == plain.longest
    assert window_compression_ratio(stuck.texts[0]) > 2.4
    heard = tried.transcribe([looping])
    assert heard.at_limit == (False,)
    assert window_compression_ratio(heard.texts[0]) <= 2.4
    assert heard.prefills > 1
    assert heard.tokens > stuck.tokens
    assert tried.transcribe(passing) == plain.transcribe(passing)
