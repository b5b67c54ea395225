"""Scoring in other languages: known rates, and no wrong word right by any normaliser."""

# letters that look like Latin ones are what is tested

from __future__ import annotations

from typing import get_args

import pytest

from runner.config import ENGLISH, WORDS
from runner.config.data import NormaliserName
from runner.errors import UserError
from runner.measure.normalisers import NORMALISERS, fit_for, named, normalise
from runner.measure.quality import Transcribed, score

CASES = {
    # A vowel sign and a nasal sign tell words apart.
    "Hindi": ("कितने लोग हैं", "कितना लोग है", (2, 3), (2, 13)),
    # Two of the five tones: "not new" against "wood new".
    "Thai": ("ไม่ใหม่", "ไม้ใหม่", (1, 1), (1, 7)),
    # Pointed: he wrote, it was written.
    "Arabic": ("كَتَبَ الوَلَدُ", "كُتِبَ الوَلَدُ", (1, 2), (2, 15)),
    # The dot tells the letter; so do breve, cedilla and diaeresis.
    "Turkish": ("İstanbul'da ışık söndü", "istanbul'da isik sondu", (2, 3), (5, 22)),
    # Fish and rain sound nearly alike.
    "Chinese": ("我想吃鱼。", "我 想 吃 雨", (4, 1), (1, 4)),
    # The tense is in one syllable.
    "Korean": ("나는 학교에 간다.", "나는 학교에 갔다", (1, 3), (1, 9)),
}
BY_CHARACTER = {"Thai", "Chinese"}


def judge(reference: str, hypothesis: str, normaliser: str = WORDS, **facts):
    said = Transcribed(clip_id="a", reference=reference, hypothesis=hypothesis, audio_seconds=1.0)
    return score([said], seed=1, normaliser=normaliser, **facts)[0]


@pytest.mark.parametrize("language", CASES)
def test_known_rates(language):
    reference, hypothesis, wer, cer = CASES[language]
    quality = judge(reference, hypothesis)
    assert quality.wer == pytest.approx(wer[0] / wer[1])
    assert quality.cer == pytest.approx(cer[0] / cer[1])
    assert quality.headline == ("CER" if language in BY_CHARACTER else "WER")
    assert judge(reference, reference).wer == 0.0
    assert fit_for([reference]) == WORDS


@pytest.mark.parametrize("language", CASES)
@pytest.mark.parametrize("normaliser", NORMALISERS)
def test_no_normaliser_scores_a_wrong_word_as_right(language, normaliser):
    reference, hypothesis, _, _ = CASES[language]
    quality = judge(reference, hypothesis, normaliser)
    if quality.wer is None:
        assert "takes letters or marks away" in quality.reason
        assert WORDS in quality.reason
    else:
        assert quality.wer > 0
        assert quality.cer > 0


@pytest.mark.parametrize("language", sorted(set(CASES) - {"Turkish"}))
def test_the_english_normaliser_leaves_other_scripts_alone_and_says_what_it_is(language):
    reference, hypothesis, wer, _ = CASES[language]
    quality = judge(reference, hypothesis, ENGLISH)
    assert quality.wer == pytest.approx(wer[0] / wer[1])
    assert "not Latin" in quality.remark
    assert judge("good day", "good day", ENGLISH).remark is None


def test_what_is_refused_is_what_a_normaliser_takes_away():
    turkish, hindi = CASES["Turkish"][:2], CASES["Hindi"][:2]
    assert judge(*turkish, ENGLISH).wer is None
    assert judge(*hindi, "whisper-normalizer/basic").wer is None
    assert judge(*hindi, "words").wer is None
    # A loan word in much English is no reason.
    text = "we met in a café " + "and spoke of many other things " * 4
    assert judge(text, text.replace("é", "e"), ENGLISH).wer == 0.0
    assert fit_for([text]) == ENGLISH


@pytest.mark.parametrize("apostrophe", "’ʼ＇'")
@pytest.mark.parametrize("normaliser", [ENGLISH, WORDS])
def test_typographic_apostrophes_are_apostrophes(apostrophe, normaliser):
    text = "I don't know, it's Ann's: we can't"
    assert judge(text.replace("'", apostrophe), text, normaliser).wer == 0.0


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("okay", "O.K."),
        ("OK, so", "okay so"),
        ("I left 'cause I had to", "I left because I had to"),
        ("the ½ and the rest", "the one half and the rest"),
        ("don’t stop 東京", "do not stop 東京"),
    ],
)
def test_english_in_two_spellings(text, same):
    assert normalise(text) == normalise(same)


@pytest.mark.parametrize(
    ("text", "other"),
    [("the cause", "the because"), ("がん", "かん"), ("ёлка", "елка"), ("मैं", "में"), ("م", "مّ")],
)
def test_english_keeps_different_words_apart(text, other):
    assert normalise(text) != normalise(other)


def test_the_older_names_keep_their_meaning():
    assert normalise("I don’t", "asrprof/english-1") == "i do not"
    assert normalise("I donʼt", "asrprof/english-1") == "i donʼt"
    assert normalise("the cause", "asrprof/english-1") == "the because"
    assert normalise("हैं", "words") == "ह"
    assert normalise("हैं", WORDS) == "हैं"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("می‌خواهم", "می‌خواهم"),  # with a non-joiner
        ("soft\u00adly, now", "softly now"),
        ("ไป\u200bตลาด", "ไป ตลาด"),
        ("❤\ufe0f love", "love"),
        ("น้ำ", "น้ำ"),
        ("it's 'quoted' _here_", "it's quoted here"),
        ("Ｆｕｌｌ　ｗｉｄｔｈ", "full width"),
    ],
)
def test_words_keep_what_belongs_to_them(text, words):
    assert normalise(text, WORDS) == words


@pytest.mark.parametrize("normaliser", [ENGLISH, WORDS])
@pytest.mark.parametrize(
    "text",
    [
        "seven three nine five, $3.50 and 007",
        "four hundred; minus five; a million",
        "OK: it's 'cause of the 1960s, isn't it?",
        "½ of 50% at 10:30 p.m.",
        *(case[0] for case in CASES.values()),
    ],
)
def test_a_second_time_changes_nothing(text, normaliser):
    once = normalise(text, normaliser)
    assert normalise(once, normaliser) == once


def test_names_of_a_config_are_those_there_are():
    for name in get_args(NormaliserName):
        assert not NORMALISERS[named(name)].older
    assert (named("english"), named("words")) == (ENGLISH, WORDS)
    with pytest.raises(UserError, match="no normaliser 'latin': write one of asrprof/english-2"):
        named("latin")
