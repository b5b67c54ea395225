"""Noise and silence: rows, the view, and stores of the schema before there were any."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from store import NoiseLevel, Result, Store, StoreError
from tests.store.older import older_store, schema_of
from tests.store.test_store_load import OLDER, load_level, without_joules


def noise_level(**known: Any) -> NoiseLevel:
    """A condition with nothing but what is named."""
    given: dict[str, Any] = {field.name: None for field in fields(NoiseLevel)}
    given |= {"condition": "noise", "clips": 20, "audio_s": 95.5, "scored": 20}
    return NoiseLevel(**given | known)


def test_conditions_come_back_in_their_order(store: Store, job_id: int, full: Result) -> None:
    levels = (
        noise_level(condition="clean", wer=0.05, wer_low=0.02, wer_high=0.09, headline="WER"),
        noise_level(noise="white", snr_db=-5.0, wer=1.2, insertions=17),
        noise_level(condition="silence", scored=0, invented=4, invented_per_minute=3.5),
    )
    number = store.write_result(job_id, replace(full, noise_levels=levels))
    assert store.result(number).result.noise_levels == levels
    clean, noisy, silence = store.noise_board(job_id)
    assert (clean.model, clean.level, clean.wer_high) == (full.model, 0, 0.09)
    assert (noisy.noise, noisy.snr_db, noisy.insertions) == ("white", -5.0, 17)
    assert (silence.condition, silence.invented_per_minute) == ("silence", 3.5)
    other = store.write_result(job_id, replace(full, case_key="b", noise_levels=levels[:1]))
    assert len(store.noise_board()) == 4
    assert [row.result_id for row in store.noise_board(result_id=other)] == [other]
    assert store.noise_board(job_id + 1) == ()


def test_the_reason_that_there_are_none_is_kept(store: Store, job_id: int, full: Result) -> None:
    number = store.write_result(job_id, replace(full, robustness_reason="random weights"))
    assert store.result(number).result.robustness_reason == "random weights"


def test_another_condition_is_refused(store: Store, job_id: int, full: Result) -> None:
    wrong = replace(full, noise_levels=(noise_level(condition="loud"),))
    with pytest.raises(StoreError, match="CHECK constraint"):
        store.write_result(job_id, wrong)


@pytest.fixture
def schema_11(tmp_path: Path, store: Store, store_path: Path, job_id: int, full: Result) -> Path:
    """A store as schema 11 has it, with a result and its levels of load."""
    store.write_result(job_id, replace(full, load_levels=(load_level(wer=0.1),)))
    store.close()
    return older_store(
        store_path,
        tmp_path / "eleven.db",
        11,
        lacks=("noise_levels",),
        statement_of=lambda sql: without_joules(sql.replace("  robustness_reason TEXT,\n", "")),
        more=("CREATE VIEW load_board AS SELECT 1",),
    )


def test_a_store_of_schema_11_is_brought_up_to_date(
    schema_11: Path, store_path: Path, full: Result
) -> None:
    assert schema_of(schema_11) != schema_of(store_path)
    with Store.open(schema_11) as store:
        (row,) = store.leaderboard()
        kept = store.result(row.result_id).result
        assert kept == replace(full, load_levels=(load_level(wer=0.1, energy_reason=OLDER),))
        assert [level.wer for level in store.load_board()] == [0.1]
        assert store.noise_board() == ()
        another = replace(full, case_key="another", noise_levels=(noise_level(),))
        assert store.write_result(row.job_id, another) > row.result_id
        assert len(store.noise_board()) == 1
    assert schema_of(schema_11) == schema_of(store_path)
