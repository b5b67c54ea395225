"""A whole run of the preset `robustness` on one small model, from the config to the tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.config import Benchmark
from runner.config_file import load_benchmark
from runner.session import Session
from store import Store

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]


def short(**changes: object) -> Benchmark:
    document = load_benchmark("robustness", ()).model_dump(mode="json")
    limits = {"warmup_seconds": 0.5, "min_iterations": 1, "min_seconds": 0, "cycle_batches": 1}
    document["limits"] |= limits | {"quality_utterances": 12}
    document["robustness"] = {"snr_db": [20, 0], "noises": ["white"]}
    return Benchmark.model_validate(document | {"models": ["small-wav2vec2-ctc"]} | changes)


def test_the_preset_in_short(tmp_path: Path) -> None:
    with Store.open(tmp_path / "a.db") as store:
        assert Session(short(), lambda _: None).run(store).failed == 0
        clean, faint, loud, silence, room = store.noise_board()
        result = store.result(clean.result_id)
        # Without the quality pass the speech is heard by this one, and the figures are the same.
        alone = short(measures=["latency", "robustness"])
        assert Session(alone, lambda _: None).run(store).failed == 0
        (second,) = store.leaderboard(job_id=2)
        assert store.result(second.result_id).result.robustness_reason is None
        again = store.noise_board(second.job_id)
    assert [row.condition for row in (clean, faint, loud)] == ["clean", "noise", "noise"]
    assert result.result.quality is not None
    assert clean.wer == result.result.quality.wer
    assert clean.wer is not None and faint.wer is not None and loud.wer is not None
    assert clean.wer <= faint.wer < loud.wer
    assert silence.invented is not None and room.invented is not None
    per_minute = (silence.invented + room.invented) / (272 / 60)
    assert result.scalars["invented_words_per_minute"].unit == "words/min"
    assert {figure.name: figure.value for figure in result.result.figures}[
        "invented_words_per_minute"
    ] == pytest.approx(per_minute)
    assert result.result.robustness_reason is None
    assert [(row.wer, row.invented) for row in again] == [
        (row.wer, row.invented) for row in (clean, faint, loud, silence, room)
    ]


def test_random_weights_have_a_reason_instead(tmp_path: Path) -> None:
    benchmark = short(models=[{"name": "openai/whisper-tiny", "weights": "random"}])
    with Store.open(tmp_path / "a.db") as store:
        assert Session(benchmark, lambda _: None).run(store).failed == 0
        (row,) = store.leaderboard()
        found = store.result(row.result_id).result
    assert found.robustness_reason == "random weights"
    assert found.noise_levels == ()
