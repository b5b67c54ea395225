"""Word errors where the texts of two windows meet."""

from __future__ import annotations

from runner.measure.quality import Transcribed
from runner.measure.seams import SeamErrors, seam_figures

SAID = "a b c d e f g h i j k l m n o p"


def at(text: str, *seams: int) -> SeamErrors:
    return SeamErrors.of(SAID, text, seams, "words")


def test_a_text_without_errors_has_none_at_its_seams():
    assert at(SAID, 8) == SeamErrors(1, 0, 0)


def test_missing_words_count_in_full_where_they_are_missing_at_a_seam():
    assert at("a b c d e f m n o p", 6) == SeamErrors(1, 6, 0)
    # Three words further on it still is one at the seam, four further no more.
    assert at("a b c d e f m n o p", 3) == SeamErrors(1, 6, 0)
    assert at("a b c d e f m n o p", 2) == SeamErrors(1, 0, 0)


def test_other_words_and_words_too_many():
    assert at("a b c d e X g h i j k l m n o p", 8) == SeamErrors(1, 0, 1)
    assert at("a b c d X f g h i j k l m n o p", 8) == SeamErrors(1, 0, 0)
    assert at("a b c d e f g h h h i j k l m n o p", 8) == SeamErrors(1, 0, 2)


def test_an_error_at_two_seams_counts_once():
    assert at("a b c d e f X h i j k l m n o p", 6, 8) == SeamErrors(2, 0, 1)


def test_seams_are_found_again_in_normalised_text():
    said, heard = "he paid twenty five dollars and left at once", "He paid $25, and left."
    found = SeamErrors.of(said, heard, (3,), "asrprof/english-2")
    assert found.seams == 1
    assert found.lost == 2


def one(text: str, seams: tuple[int, ...] | None) -> Transcribed:
    return Transcribed(
        clip_id=text, reference=SAID, hypothesis=text, audio_seconds=40.0, seams=seams
    )


def test_figures_are_of_all_utterances_that_were_cut():
    cut = [one("a b c d e f m n o p", (6,)), one(f"{SAID} q", (4, 15)), one("a", ())]
    figures = {figure.name: figure for figure in seam_figures([*cut, one("a", None)], "words")}
    assert {name: figure.value for name, figure in figures.items()} == {
        "seams": 3,
        "seam_words_lost": 6,
        "seam_other_errors": 1,
    }
    assert figures["seam_words_lost"].note == "within 3 words of 3 seams in 2 utterances"


def test_there_are_no_figures_where_nothing_was_cut():
    assert seam_figures([one("a", ()), one("b", None)], "words") == ()
