"""Streaming: how a clip is cut, what a listener waits for, what the text loses."""

from __future__ import annotations

import numpy as np
import pytest

from runner.clips.builtin import read_builtin
from runner.config import Variant
from runner.engines.base import Unmeasurable
from runner.engines.chunks import Chunks
from runner.errors import NoEffect, Refused
from runner.flops import workload_flops
from runner.measure.quality import Transcribed, score
from runner.variants.streaming import _Transcribed

SECOND = 16_000


def test_a_clip_is_cut_with_its_context():
    wave = np.arange(1, 11, dtype=np.float32)
    chunks = Chunks(size=4, left=2, right=1)
    found = [window[0].tolist() for window in chunks.windows([wave])]
    assert found == [
        [0, 0, 1, 2, 3, 4, 5],
        [3, 4, 5, 6, 7, 8, 9],
        [7, 8, 9, 10, 0, 0, 0],
    ]
    assert chunks.count(10) == 3
    assert chunks.count(8) == 2


def test_only_a_chunks_own_frames_are_kept():
    chunks = Chunks(size=40, left=20, right=20)
    frames = np.arange(16).reshape(2, 8)
    assert chunks.kept(frames).tolist() == [[2, 3, 4, 5], [10, 11, 12, 13]]


def test_a_listener_waits_for_sound_look_ahead_and_computing():
    chunks = Chunks.of_seconds(1.0, 0.0, 0.5)
    # Chunk n can be worked on n + 1.5 s after the beginning, but for the last, cut by the end.
    said = [["", "a"], ["th", "a b"], ["this is", "a b"]]
    heard = _Transcribed(chunks, 3 * SECOND, seconds=[0.1, 0.1, 0.2], said=said)
    assert heard.first_text_s == pytest.approx([2.6, 1.6])
    assert heard.first_word_s == pytest.approx([3.2, 2.6]), "a word is whole when another begins"
    assert heard.last_lag_s == pytest.approx(0.2)
    # Computing is slower than speech: the delay adds up.
    slow = _Transcribed(chunks, 3 * SECOND, seconds=[2.0, 2.0, 2.0], said=[[""], [""], ["so it"]])
    assert slow.first_text_s == slow.first_word_s == pytest.approx([1.5 + 6.0])
    assert slow.last_lag_s == pytest.approx(4.5)
    silent = _Transcribed(chunks, SECOND, seconds=[0.1], said=[[" "]])
    assert silent.first_text_s == silent.first_word_s == []


@pytest.mark.parametrize("name", ["small-parakeet-ctc", "small-wav2vec2-ctc", "small-whisper"])
def test_one_chunk_that_holds_the_clip_is_offline(load, speech, baseline, name):
    seconds = len(speech[0]) / SECOND
    engine = load(name, chunk_seconds=seconds)
    assert engine.transcribe(speech).texts == baseline(name)


def test_look_ahead_and_context_save_words(load):
    utterances = read_builtin(24).utterances
    longest = max(len(each.audio) for each in utterances)
    waves = [np.pad(each.audio, (0, longest - len(each.audio))) for each in utterances]

    def wer(**parts: float) -> float:
        texts = load("small-parakeet-ctc", **parts).transcribe(waves).texts
        heard = [
            Transcribed(
                clip_id=each.id, reference=each.text, hypothesis=text, audio_seconds=each.seconds
            )
            for each, text in zip(utterances, texts, strict=True)
        ]
        return score(heard, seed=1)[0].wer

    offline = wer()
    bare = wer(chunk_seconds=0.64)
    wide = wer(chunk_seconds=0.64, left_seconds=1.28, right_seconds=0.64)
    assert bare > offline + 0.1
    assert offline - 0.01 <= wide < bare - 0.1


def test_it_is_proven_and_timed(load, speech):
    engine = load("small-parakeet-ctc", chunk_seconds=0.5, left_seconds=1.0, right_seconds=0.25)
    count = -(-len(speech[0]) // 8000)
    _, proof = engine.verify(speech[:2])
    assert proof.requested == "0.5 s, left 1 s, right 0.25 s"
    assert proof.found == f"{count} encoder passes for {count} chunks"
    assert engine.figures() == ()
    # Of every batch that is timed, not of the one that was proven with alone.
    listened = []
    engine.transcribe, transcribe = (
        lambda b: (listened.append(b), transcribe(b))[1],
        engine.transcribe,
    )
    engine.observe([speech[:2], speech[2:]])
    engine.transcribe = transcribe
    assert listened == 3 * [speech[:2], speech[2:]]
    figures = {figure.name: figure.value for figure in engine.figures()}
    assert 0 < figures["chunk_s"] <= figures["chunk_p95_s"]
    assert figures["real_time_factor"] < 1
    assert 0.75 < figures["first_text_s"] < figures["first_word_s"] < len(speech[0]) / SECOND
    assert 0 < figures["final_lag_s"] < 1
    outcome = engine.transcribe(speech[:2])
    assert outcome.windows == 2 * count
    readings = workload_flops(engine.workload(samples=len(speech[0]), batch=1, decoder_calls=None))
    offline = workload_flops(
        load("small-parakeet-ctc").workload(samples=len(speech[0]), batch=1, decoder_calls=None)
    )
    # 1.75 s are heard for each half second.
    assert 2.5 < readings[0].flops / offline[0].flops < 5


def test_a_whisper_decodes_each_chunk_by_itself(load, speech):
    engine = load("small-whisper", chunk_seconds=1.5)
    outcome = engine.transcribe(speech[:2])
    count = -(-len(speech[0]) // 24_000)
    assert outcome.windows == 2 * count
    assert outcome.prefills == count
    assert all(outcome.texts)
    with pytest.raises(Unmeasurable, match="chunk"):
        workload_flops(engine.workload(samples=80_000, batch=1, decoder_calls=9))


def test_a_clip_that_is_heard_as_a_whole_is_no_result(load, speech):
    engine = load("small-wav2vec2-ctc", chunk_seconds=1.0)
    engine.chunks = None
    with pytest.raises(NoEffect, match="1 encoder passes for 3 chunks"):
        engine.verify(speech[:1])


def test_what_does_not_fit_is_refused(load):
    with pytest.raises(Refused, match="whisper streams without left_seconds"):
        load("small-whisper", chunk_seconds=2.0, left_seconds=1.0)
    with pytest.raises(ValueError, match='need "chunk_seconds"'):
        Variant(name="x", left_seconds=1.0)
