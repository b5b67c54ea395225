"""The quality pass: every utterance once, neighbours in length together, time shared out."""

from __future__ import annotations

import numpy as np
import pytest

from runner.clips.clip import SAMPLE_RATE, Clip
from runner.clips.sound import Held
from runner.engines.base import Transcription
from runner.measure.utterances import LONG_S, beyond_window, transcribe_utterances


def utterance(seconds: float, **more) -> Clip:
    return Clip(
        id=f"u{seconds:g}",
        sound=Held(np.zeros(round(seconds * SAMPLE_RATE), dtype=np.float32)),
        reference="a",
        utterance_ids=(f"u{seconds:g}",),
        speech_seconds=seconds,
        **more,
    )


class Echo:
    """Says how long each waveform is; a batch takes a second for each."""

    window_s = 30.0

    def __init__(self) -> None:
        self.batches: list[list[float]] = []
        self.now = 0.0

    def transcribe(self, batch):
        lengths = [len(audio) / SAMPLE_RATE for audio in batch]
        self.batches.append(lengths)
        self.now += 2.0 + sum(lengths)
        return Transcription(
            texts=tuple(f"{seconds:g}" for seconds in lengths),
            at_limit=tuple(seconds > 8 for seconds in lengths),
        )

    def synchronize(self) -> None:
        pass


def test_every_utterance_is_transcribed_once_beside_its_neighbours_in_length():
    echo, shares = Echo(), []
    utterances = [utterance(s) for s in (7, 5, 9)]
    heard = transcribe_utterances(
        echo, utterances, 2, clock=lambda: echo.now, progress=shares.append
    )
    assert echo.batches == [[9, 7], [5]]
    assert [(one.clip_id, one.hypothesis) for one in heard] == [
        ("u7", "7"),
        ("u5", "5"),
        ("u9", "9"),
    ]
    assert [one.at_limit for one in heard] == [False, False, True]
    assert [one.seconds for one in heard] == [9.0, 7.0, 9.0], "a batch's time, by its utterances"
    assert shares == [pytest.approx(16 / 21), 1.0]


def test_a_long_recording_pads_no_other():
    echo = Echo()
    utterances = [utterance(s) for s in (3, LONG_S + 1, 2, 4 * LONG_S)]
    transcribe_utterances(echo, utterances, 4, clock=lambda: echo.now, progress=lambda _: None)
    assert echo.batches == [[4 * LONG_S], [LONG_S + 1], [3, 2]]


def test_what_the_source_says_of_an_utterance_travels():
    echo = Echo()
    one = utterance(2, speaker="ada", recording="r1")
    (heard,) = transcribe_utterances(
        echo, [one], 1, clock=lambda: echo.now, progress=lambda _: None
    )
    assert (heard.speaker, heard.recording, heard.audio_seconds) == ("ada", "r1", 2.0)


def test_utterances_beyond_the_window_are_counted():
    echo = Echo()
    utterances = [utterance(s) for s in (29, 30, 30.5, 72)]
    assert beyond_window(echo, utterances) == 2
    echo.window_s = None
    assert beyond_window(echo, utterances) == 0
