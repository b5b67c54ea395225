"""Long audio: where it is cut, and how the texts of its windows are put together."""

from __future__ import annotations

import numpy as np
import pytest

from runner.clips.builtin import read_builtin
from runner.clips.clip import SAMPLE_RATE
from runner.engines.base import Unmeasurable
from runner.engines.long_form import WAYS, Overlap, Sequential, Vad, Windows, cut, merge, pack
from runner.engines.token_budget import fixed_tokens


def wave(samples: int) -> np.ndarray:
    return np.arange(samples, dtype=np.float32)


@pytest.mark.parametrize(("samples", "count"), [(0, 1), (1, 1), (10, 1), (11, 2), (30, 3)])
def test_windows_of_a_clip(samples, count):
    found = cut([wave(samples)], 10)
    assert Windows().count(samples, 10) == len(found.windows) == count
    assert np.array_equal(np.concatenate(found.windows), wave(samples))


def test_texts_go_back_to_their_clips():
    found = cut([wave(25), wave(10), wave(11)], 10)
    assert [len(window) for window in found.windows] == [10, 10, 5, 10, 10, 1]
    assert found.counts == (3, 1, 2)
    joined = found.join([" a b", "c ", "d", "e", "f", ""])
    assert [one.text for one in joined] == ["a b c d", "e", "f "]
    assert [one.seams for one in joined] == [(2, 3), (), (1,)]
    assert found.in_any([False, True, False, False, False, False]) == (True, False, False)


def test_a_clip_without_a_window_is_taken_in_one_piece():
    found = cut([wave(25)], None, Overlap())
    assert (len(found.windows), found.counts) == (1, (1,))
    assert found.join([" said "])[0].text == "said"


@pytest.mark.parametrize(
    ("samples", "spans"),
    [
        (20, [(0, 20)]),
        (30, [(0, 30)]),
        (31, [(0, 30), (20, 31)]),
        (50, [(0, 30), (20, 50)]),
        (51, [(0, 30), (20, 50), (40, 51)]),
    ],
)
def test_windows_that_overlap_share_a_third(samples, spans):
    assert Overlap().spans(wave(samples), 30) == spans
    assert Overlap().count(samples, 30) == len(spans)


@pytest.mark.parametrize("way", [Sequential(), Vad()], ids=["sequential", "vad"])
def test_work_that_depends_on_what_is_said_is_not_counted(way):
    with pytest.raises(Unmeasurable, match=f"long_form {way.name}: what is said decides"):
        way.count(100, 30)


def test_every_way_has_its_name():
    assert list(WAYS) == ["windows", "sequential", "overlap", "vad"]
    assert all(way().name == name for name, way in WAYS.items())


@pytest.mark.parametrize(
    ("left", "right", "whole"),
    [
        ("one two three four", "three four five six", "one two three four five six"),
        # Both ends are cut through a word, and heard wrong.
        ("the quick brown fox jum", "own fox jumps over", "the quick brown fox jumps over"),
        ("He said, well then.", "Well, then he left.", "He said, well, then he left."),
        ("one two", "eight", "one two eight"),
        ("", "one", "one"),
        ("one", "", "one"),
        ("今天天气很好我们", "气很好我们去公园", "今天天气很好我们去公园"),
    ],
)
def test_texts_meet_in_what_both_say(left, right, whole):
    assert "".join(merge(left, right, 40)) == whole


def test_texts_meet_only_where_both_can_hear():
    """The same words said twice, far from the seam, are not taken for what is shared."""
    left = "over the hill and far away we went to sea that day"
    right = "sea that day and over the hill and far away"
    assert "".join(merge(left, right, 12)) == f"{left} and over the hill and far away"


ENDED_EARLY = (
    "Then being asked where all thy beauty lies, where all the treasure of thy lusty days, to say "
    "within thine own deep sunken eyes were an all-eating shame, and thriftless praise."
)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        # A run of five letters in the middle of both, of fourteen, of a whole word at the end.
        (ENDED_EARLY, "He should notice the condition of the body, and the marks of violence."),
        (ENDED_EARLY, "Within thine own bud buriest thy content, and makest waste in niggarding."),
        ("One of the poets was asked for praise.", "Much more praise deserved the use of it."),
    ],
)
def test_texts_that_share_nothing_but_chance_lose_no_word(left, right):
    """A model that ends a text early leaves nothing that the next window could share."""
    assert "".join(merge(left, right, 250)) == f"{left} {right}"


def test_seams_of_windows_that_overlap_are_where_they_meet():
    seconds = 3 * SAMPLE_RATE
    found = Overlap().join(["one two three four", "three four five", "four five six"], seconds)
    assert found.text == "one two three four five six"
    assert found.seams == (3, 4)
    assert [len(found.text.split()[:seam]) for seam in found.seams] == [3, 4]


def test_speech_is_packed_with_its_pauses():
    assert pack([(5, 10), (12, 20), (40, 60), (61, 66)], 30) == [(5, 20), (40, 66)]
    assert pack([(0, 30), (30, 60)], 30) == [(0, 30), (30, 60)]
    assert pack([(0, 70)], 30) == [(0, 30), (30, 60), (60, 70)]
    assert pack([], 30) == []


def test_where_nobody_speaks_there_is_no_window():
    pytest.importorskip("faster_whisper")
    found = cut([np.zeros(3 * SAMPLE_RATE, np.float32)] * 2, SAMPLE_RATE, Vad())
    assert (found.windows, found.counts) == ([], (0, 0))
    nothing = found.unheard()
    assert (nothing.texts, nothing.seams, nothing.windows) == (("", ""), ((), ()), 0)


def test_windows_by_voice_activity_hold_the_speech_and_not_the_silence():
    pytest.importorskip("faster_whisper")
    speech = [one.audio for one in read_builtin(2).utterances]
    silence = np.zeros(4 * SAMPLE_RATE, np.float32)
    recording = np.concatenate([silence, speech[0], silence, speech[1], silence])
    first, second = Vad().spans(recording, max(map(len, speech[:2])) + SAMPLE_RATE)
    margin = SAMPLE_RATE
    assert len(silence) - margin < first[0] < len(silence) + margin
    assert second[0] > first[1]
    assert second[1] < len(recording) - len(silence) + margin
    assert first[1] < len(silence) + len(speech[0]) + margin < second[0] + 2 * margin


@pytest.mark.parametrize(
    ("seconds", "cap", "tokens"), [(2.1, None, 7), (2.1, 4, 4), (2.1, 9, 7), (99, None, 20)]
)
def test_a_fixed_number_of_tokens(seconds, cap, tokens):
    assert fixed_tokens(3.0, seconds, 20, cap) == tokens
