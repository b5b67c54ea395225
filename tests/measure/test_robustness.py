"""Conditions of noise and silence, and what their figures are."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from runner.clips.clip import SAMPLE_RATE, Clip
from runner.clips.sound import Held
from runner.config import ENGLISH, WORDS, Robustness
from runner.measure.quality import Transcribed
from runner.measure.robustness import Condition, conditions, heard, invented, judge


def spoken(name: str, text: str = "one two three", seed: int = 0) -> Clip:
    audio = np.random.default_rng(seed).normal(0, 0.05, SAMPLE_RATE)
    wave = np.asarray(np.rint(audio * 32768) / 32768, dtype=np.float32)
    return Clip(name, Held(wave), text, (name,), 1.0, speaker=name)


def wrote(clip: Clip, text: str) -> Transcribed:
    return Transcribed(
        clip_id=clip.id,
        reference=clip.reference,
        hypothesis=text,
        audio_seconds=clip.speech_seconds,
        speaker=clip.speaker,
    )


def test_conditions_go_from_speech_as_it_is_to_rows_without_words() -> None:
    asked = Robustness(snr_db=[0, 20], noises=["white", "pink"])
    assert [one.title for one in conditions(asked, wordless=True)] == [
        "clean",
        *("white noise at 20 dB", "white noise at 0 dB"),
        *("pink noise at 20 dB", "pink noise at 0 dB"),
        *("silence", "faint white noise", "faint pink noise", "no words"),
    ]
    assert conditions(asked, wordless=False)[-1].kind == "faint noise"
    assert asked.passes == 4


@pytest.mark.parametrize("wrong", [{"snr_db": []}, {"snr_db": [5, 5]}, {"noises": ["brown"]}])
def test_what_cannot_be_asked_for(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Robustness.model_validate(wrong)


def test_every_model_and_run_hears_the_same() -> None:
    condition = Condition("noise", "white", 10.0)
    a, b = spoken("a"), spoken("b", seed=1)
    first = list(heard(condition, [a, b]))
    # Neither its place nor what else is heard matters: the utterance's id alone.
    (alone,) = heard(condition, [b])
    assert np.array_equal(first[1].audio, alone.audio)
    assert not np.array_equal(first[0].audio, a.audio)
    assert replace(first[0], sound=a.sound) == a
    assert list(heard(Condition("clean"), [a])) == [a]


def test_silence_and_faint_noise_are_of_several_lengths() -> None:
    silence = list(heard(Condition("silence"), []))
    assert [one.seconds for one in silence] == [1, 2, 5, 10, 20, 30]
    assert not any(one.audio.any() for one in silence)
    faint = list(heard(Condition("faint noise", "pink"), []))
    assert len(faint) == 18 and len({one.id for one in faint}) == 18
    assert len({one.audio.tobytes() for one in faint}) == 18
    again = list(heard(Condition("faint noise", "pink"), []))
    assert all(np.array_equal(x.audio, y.audio) for x, y in zip(faint, again, strict=True))


@pytest.mark.parametrize(
    ("text", "words"),
    [("", 0), ("Thank you.", 2), ("you you you you", 4), ("...", 0), ("♪", 0), ("[Music]", 0)],
)
def test_words_against_an_empty_reference_are_insertions(text: str, words: int) -> None:
    assert invented(text, ENGLISH, by_character=False) == words


def test_characters_count_where_there_are_no_spaces() -> None:
    assert invented("谢谢 观看", WORDS, by_character=True) == 4


def test_figures_of_speech_in_noise_are_those_of_the_quality_pass() -> None:
    said = [spoken(name) for name in "abcdef"]
    texts = ["one two three"] * 3 + ["one two", "one two three four", "one too three"]
    level = judge(
        Condition("noise", "pink", 5.0),
        [wrote(one, text) for one, text in zip(said, texts, strict=True)],
        seed=1,
        normaliser=ENGLISH,
        by_character=False,
    )
    assert level.wer == pytest.approx(3 / 18)
    assert (level.substitutions, level.deletions, level.insertions, level.hits) == (1, 1, 1, 16)
    assert level.wer_low is not None and level.wer_high is not None
    assert 0 <= level.wer_low < 3 / 18 < level.wer_high
    assert (level.noise, level.snr_db, level.interval_by) == ("pink", 5.0, "speaker")
    assert level.invented is None and level.example is None


def silent(seconds: float, name: str, text: str) -> Transcribed:
    return Transcribed(clip_id=name, reference="", hypothesis=text, audio_seconds=seconds)


def test_words_a_minute_where_nobody_speaks() -> None:
    texts = ["", "Thank you.", "you", "Thank you.", ""]
    level = judge(
        Condition("faint noise", "white"),
        [silent(12.0, str(place), text) for place, text in enumerate(texts)],
        seed=1,
        normaliser=ENGLISH,
        by_character=False,
    )
    assert (level.clips, level.audio_s, level.scored) == (5, 60.0, 0)
    assert (level.invented, level.clips_with_text, level.example) == (5, 3, "Thank you.")
    assert level.invented_per_minute == pytest.approx(5.0)
    assert level.invented_low is not None and level.invented_high is not None
    assert 0 <= level.invented_low < 5 < level.invented_high
    assert level.wer is None and level.reason is None


@pytest.mark.parametrize(
    ("condition", "texts", "reason"),
    [
        (Condition("silence"), ["you"] * 6, "one length is one input"),
        (Condition("faint noise", "white"), [""] * 6, "nothing was written"),
        (Condition("no words"), ["you"] * 3, "3 inputs are too few"),
    ],
)
def test_no_interval_has_its_reason(condition: Condition, texts: list[str], reason: str) -> None:
    level = judge(
        condition,
        [silent(10.0, str(place), text) for place, text in enumerate(texts)],
        seed=1,
        normaliser=ENGLISH,
        by_character=False,
    )
    assert level.invented_low is None and level.invented_high is None
    assert level.reason is not None and reason in level.reason
    words = sum(len(text.split()) for text in texts)
    assert math.isclose(level.invented_per_minute or 0, words / (len(texts) / 6))
