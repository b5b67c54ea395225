"""Clips of mixed lengths, as they come and sorted: what the model is handed, text, comparison."""

from __future__ import annotations

import numpy as np
import pytest

from runner.case import run_case
from runner.clips import prepare, prepare_utterances
from runner.clips.batches import batches
from runner.config import Benchmark, Variant
from runner.errors import NoEffect, Refused
from runner.grid import expand
from runner.load import load_engine
from runner.measure.latency import Cycle
from runner.measure.padding import measure_padding, prove_batching
from runner.task import CaseTask, Utterances
from tests.engines.loading import request

BATCHING = [{"name": "mixed", "batching": "mixed"}, {"name": "sorted", "batching": "sorted"}]
SORTED = Variant(name="sorted", batching="sorted")


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    benchmark = Benchmark.model_validate({"name": "x", "models": ["small-whisper"]})
    data = benchmark.data.model_copy(update={"cache": str(tmp_path_factory.mktemp("cache"))})
    return prepare(data, audio_seconds=6, seed=1, mixed=True)


def cycles(clips, size: int, count: int) -> tuple[Cycle, Cycle]:
    """The same clips as they come and sorted."""
    return tuple(
        Cycle(tuple(batches(clips.clips, size, count, by_length=by_length)))
        for by_length in (False, True)
    )


def test_clips_are_whole_of_different_lengths_and_kept_so_by_the_cache(clips):
    lengths = {len(clip.audio) for clip in clips.clips}
    assert len(lengths) > len(clips.clips) / 2
    assert max(lengths) <= 6 * 16_000
    for clip in clips.clips:
        assert clip.seconds == clip.speech_seconds
        assert np.any(clip.audio[-1600:])


@pytest.mark.parametrize("name", ["small-parakeet-ctc", "small-wav2vec2-ctc", "small-whisper"])
def test_the_text_of_a_padded_batch_is_nearly_that_of_each_clip_alone(load, clips, name):
    engine = load(name)
    waves = [clip.audio for clip in clips.clips[:6]]
    together = engine.transcribe(waves).texts
    alone = [engine.transcribe([wave]).texts[0] for wave in waves]
    same = sum(a == b for a, b in zip(together, alone, strict=True))
    # One model was trained on padding without a mask, and takes it in.
    assert same >= (4 if "wav2vec2" in name else 6)


def test_what_a_ctc_model_is_handed_is_the_longest_of_each_batch(load, clips):
    engine = load("small-wav2vec2-ctc")
    mixed, by_length = cycles(clips, 3, 3)
    found = {kind: measure_padding(engine, c) for kind, c in (("m", mixed), ("s", by_length))}
    for kind, cycle in (("m", mixed), ("s", by_length)):
        expected = sum(len(batch) * max(map(len, batch)) for batch in cycle.waveforms)
        assert found[kind].input_samples == expected
    assert found["m"].speech_samples == found["s"].speech_samples
    proof, figures = prove_batching(engine, SORTED, by_length, mixed)
    shares = {figure.name: figure.value for figure in figures}
    assert 0 <= shares["padding_share"] < shares["unsorted_padding_share"] < 1
    assert "sorted" in proof.found


def test_a_whisper_is_handed_windows_in_any_order_and_saves_decoder_passes(load, clips):
    engine = load("small-whisper")
    mixed, by_length = cycles(clips, 4, 6)
    proof, figures = prove_batching(engine, SORTED, by_length, mixed)
    shares = {figure.name: figure.value for figure in figures}
    assert shares["padding_share"] == shares["unsorted_padding_share"] > 0.5
    assert "windows of one length in any order" in proof.found
    assert measure_padding(engine, mixed).idle_share > shares["idle_decoder_share"]


@pytest.mark.parametrize(
    ("size", "count", "words"),
    [(1, 4, "one clip has no padding"), (4, 1, "raise limits.cycle_batches")],
)
def test_sorting_that_changes_nothing_is_no_result(load, clips, size, count, words):
    mixed, by_length = cycles(clips, size, count)
    with pytest.raises(NoEffect, match=words):
        prove_batching(load("small-parakeet-ctc"), SORTED, by_length, mixed)


def test_pocketsphinx_pads_nothing():
    with pytest.raises(Refused, match="clip by clip"):
        load_engine(request("pocketsphinx", weights="pretrained", variant=SORTED))
    load_engine(
        request("pocketsphinx", weights="pretrained", variant=Variant(name="m", batching="mixed"))
    )


def test_sorted_is_compared_with_mixed_over_the_same_utterances(clips, tmp_path):
    benchmark = Benchmark.model_validate(
        {
            "name": "x",
            "models": ["small-parakeet-ctc"],
            "variants": ["fp32", *BATCHING],
            "audio_seconds": [6],
            "batch_sizes": [4],
            "measures": ["latency", "flops", "quality", "comparison"],
            "limits": {
                "warmup_seconds": 0.1, "min_seconds": 0, "min_iterations": 1, "threads": 1,
                "cycle_batches": 3, "comparison_rounds": 4, "quality_utterances": 10,
            },
        }
    )  # fmt: skip
    data = benchmark.data.model_copy(update={"cache": str(tmp_path)})
    utterances = prepare_utterances(data, seed=1, limit=benchmark.limits.quality_utterances)
    plain, *cases = expand(benchmark)
    assert benchmark.baseline_of(plain.variant) is None
    mixed, by_length = (
        run_case(
            CaseTask(
                case=case,
                clips=clips.path,
                utterances=Utterances(utterances.path, utterances.fingerprint),
                measures=frozenset(benchmark.measures),
                limits=benchmark.limits,
                seed=1,
                trace=None,
                baseline=benchmark.baseline_of(case.variant),
            ),
            lambda message: None,
        )
        for case in cases
    )
    assert (mixed.state, by_length.state) == ("ok", "ok"), (mixed.reason, by_length.reason)
    assert mixed.comparison is None
    assert by_length.comparison.baseline == "mixed"
    assert by_length.comparison.clips == 10, (
        "utterances of the quality pass, not clips of the cycle"
    )
    # Real audio, whatever the padding; and the same clips in both, in the order of the set.
    assert mixed.latency.audio_s == pytest.approx(by_length.latency.audio_s)
    assert [t.clip_id for t in mixed.transcripts] == [t.clip_id for t in by_length.transcripts]
    totals = [
        next(reading.flops for reading in result.flops if reading.stage == "total")
        for result in (mixed, by_length)
    ]
    assert totals[1] < totals[0]


def test_batching_goes_without_streaming():
    with pytest.raises(ValueError, match="chunks are of one length"):
        Variant.model_validate({"name": "x", "batching": "mixed", "chunk_seconds": 2.0})
