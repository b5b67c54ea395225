"""Real Whispers on real speech in noise, and on silence: a whole run, in short."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.config import Benchmark
from runner.session import Session
from store import NoiseRow, Store
from tests.weights.whisper import QUICK_MODELS

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(3600)]

UTTERANCES = 8


@pytest.fixture(scope="module")
def rows(
    real_weights: Path, real_speech: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[NoiseRow]]:
    """Of each model, from one job."""
    folder = tmp_path_factory.mktemp("robustness")
    benchmark = Benchmark.model_validate(
        {
            "name": "robustness",
            "models": [str(real_weights / name) for name in QUICK_MODELS],
            "audio_seconds": [10],
            "data": {
                "source": "folder",
                "path": str(real_speech),
                "cache": str(folder / "cache"),
            },
            "measures": ["latency", "quality", "robustness"],
            "robustness": {"snr_db": [20, -5], "noises": ["white"]},
            "limits": {
                "warmup_seconds": 0.5,
                "warmup_iterations": 1,
                "min_iterations": 1,
                "min_seconds": 0,
                "cycle_batches": 1,
                "quality_utterances": UTTERANCES,
                "quality_longest_seconds": 20,
                "case_seconds": 3600,
            },
        }
    )
    with Store.open(folder / "a.db") as store:
        outcome = Session(benchmark, lambda _: None).run(store)
        assert outcome.failed == 0
        found: dict[str, list[NoiseRow]] = {name: [] for name in QUICK_MODELS}
        for row in store.noise_board():
            found[Path(row.model).name].append(row)
            result = store.result(row.result_id).result
            assert result.quality is not None
            if row.condition == "clean":
                # The same utterances and texts as those of the quality record.
                assert (row.wer, row.scored) == (result.quality.wer, result.quality.scored)
    return found


@pytest.mark.parametrize("model", QUICK_MODELS)
def test_noise_costs_words(rows: dict[str, list[NoiseRow]], model: str) -> None:
    clean, faint, loud = rows[model][:3]
    assert [row.condition for row in (clean, faint, loud)] == ["clean", "noise", "noise"]
    assert (faint.snr_db, loud.snr_db) == (20, -5)
    assert clean.wer is not None and faint.wer is not None and loud.wer is not None
    assert clean.scored == faint.scored == loud.scored == UTTERANCES
    # A few words of some hundred: chance may move the faint noise by so much, not the loud one.
    assert clean.wer < 0.35 and faint.wer < clean.wer + 0.15
    assert loud.wer > clean.wer + 0.1
    assert loud.wer_low is not None and loud.wer_high is not None
    assert loud.wer_low < loud.wer < loud.wer_high


@pytest.mark.parametrize("model", QUICK_MODELS)
def test_what_is_made_up_of_silence_is_counted(rows: dict[str, list[NoiseRow]], model: str) -> None:
    silence, faint = rows[model][3:]
    assert (silence.condition, silence.clips, silence.audio_s) == ("silence", 6, 68)
    assert (faint.condition, faint.noise, faint.clips, faint.audio_s) == (
        *("faint noise", "white", 18),
        pytest.approx(204),
    )
    for row in (silence, faint):
        assert row.invented is not None and row.invented_per_minute is not None
        assert row.invented_per_minute == pytest.approx(row.invented / (row.audio_s / 60))
        assert (row.invented > 0) == (row.example is not None)
        assert row.wer is None
    # Whispers write of silence: that these do is why there is the measure.
    assert (silence.invented or 0) + (faint.invented or 0) > 0
