"""Timed clips: how they were made, and the words that came out against those that are in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from runner.clips.clip import SAMPLE_RATE, Clip, ClipSet, Omitted, SetKind
from runner.clips.sound import Held
from runner.engines.base import Transcription
from runner.measure.latency import Cycle, Timed
from runner.measure.timed_speech import timed_speech, with_words
from store.records import Sample

TEN = "we bring five red apples from the old school today"


def clip(name: str, reference: str = TEN, *, speech: float = 3.0, origin="recording") -> Clip:
    return Clip(
        id=name,
        sound=Held(np.zeros(4 * SAMPLE_RATE, dtype=np.float32)),
        reference=reference,
        utterance_ids=(name,),
        speech_seconds=speech,
        origin=origin,
    )


def made(kind: SetKind = "continuous") -> ClipSet:
    """A set of which 40 utterances with 300 words are in clips, and two of 90 words in none."""
    omitted = Omitted(too_long=2, too_long_words=90, no_words=5)
    return ClipSet((), "", kind, 4.0, omitted, utterances=40, words=300, path=Path())


def timed(*outcomes: Transcription, seconds: tuple[float, ...]) -> Timed:
    samples = [
        Sample(kind="latency", iteration=number, batch=number % len(outcomes), seconds=value)
        for number, value in enumerate(seconds)
    ]
    return Timed(tuple(samples), outcomes)


def said(
    *texts: str, at_limit: tuple[bool, ...] | None = None, tokens: int | None = 9
) -> Transcription:
    return Transcription(texts=texts, at_limit=at_limit, tokens=tokens)


def test_origins_and_share_are_of_distinct_clips():
    a, b, c = clip("a"), clip("b", origin="utterance", speech=1.0), clip("c", origin="speaker")
    speech = timed_speech(Cycle(((a, b), (c, a))), made())
    assert speech.mode == "continuous"
    assert (speech.of_recording, speech.of_speaker, speech.of_utterance, speech.of_any) == (
        1,
        1,
        1,
        0,
    )
    assert speech.speech_share == pytest.approx((3 + 1 + 3) / 12)
    assert (speech.reference_words, speech.stopped_early) == (None, None)
    assert (speech.utterances, speech.words) == (42, 390)
    assert (speech.left_out, speech.left_out_words) == (2, 90)
    assert timed_speech(Cycle(((a,),)), made("packed")).mode == "packed"


def test_a_tenth_of_the_words_missing_is_stopped_early():
    cycle = Cycle(((clip("a"), clip("b")),))
    speech = timed_speech(cycle, made())
    nine_and_ten = said(TEN.removesuffix(" today"), TEN)
    found = with_words(speech, cycle, timed(nine_and_ten, seconds=(1.0,)))
    assert (found.reference_words, found.hypothesis_words, found.missing_words) == (20, 19, 1)
    assert found.stopped_early is False
    eighteen = said(TEN.removesuffix(" today"), TEN.removesuffix(" today"))
    found = with_words(speech, cycle, timed(eighteen, seconds=(1.0,)))
    assert (found.missing_words, found.stopped_early) == (2, True)


def test_a_loop_does_not_make_up_for_a_clip_that_ended_early():
    cycle = Cycle(((clip("a"),), (clip("b"),)))
    loop = said("four five " * 100)
    early = said("we bring")
    found = with_words(
        timed_speech(cycle, made()),
        cycle,
        timed(loop, early, seconds=(9.0, 1.0, 9.0, 1.0)),
    )
    assert found.hypothesis_words > found.reference_words
    assert (found.missing_words, found.stopped_early) == (8, True)
    assert (found.loops, found.loops_time_share) == (1, pytest.approx(0.9))


def test_the_length_limit_is_a_loop_too_and_each_clip_counts_once():
    a, b = clip("a"), clip("b")
    cycle = Cycle(((a, b), (b, a)))
    outcomes = (said(TEN, TEN, at_limit=(False, True)), said(TEN, TEN, at_limit=(True, False)))
    found = with_words(timed_speech(cycle, made()), cycle, timed(*outcomes, seconds=(1.0, 3.0)))
    assert (found.loops, found.reference_words, found.missing_words) == (1, 20, 0)
    assert found.loops_time_share == 1.0


def test_numbers_written_in_another_way_are_not_missing():
    cycle = Cycle(((clip("a", "seven three nine five"),),))
    found = with_words(
        timed_speech(cycle, made()), cycle, timed(said("7, 3, 9, 5."), seconds=(1.0,))
    )
    assert (found.reference_words, found.missing_words) == (4, 0)


def test_clips_without_a_word_say_nothing():
    cycle = Cycle(((clip("a", "…"),),))
    found = with_words(timed_speech(cycle, made()), cycle, timed(said(""), seconds=(1.0,)))
    assert found.stopped_early is None


def test_a_model_without_a_decoder_cannot_stop_early():
    cycle = Cycle(((clip("a"),),))
    found = with_words(
        timed_speech(cycle, made()),
        cycle,
        timed(said("we", tokens=None), seconds=(1.0,)),
    )
    assert (found.missing_words, found.stopped_early) == (9, None)
