"""Quality is taken once for all cases that share it: over lengths, batch sizes, resumes, deaths."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runner.config import Limits, Model, Variant
from runner.grid import Case
from runner.taken import TakenQuality
from runner.tally import Tally
from runner.task import CaseTask, Utterances
from store import Quality, Store
from tests.checkpoints import save_ctc
from tests.test_session import QUICK, results_written, running, wait_for

FP32, BF16 = Variant(name="fp32"), Variant(name="bf16", precision="bf16")


@pytest.fixture
def config(tmp_path: Path) -> Callable[..., Path]:
    """Writes a config of three lengths and two batch sizes for a small local checkpoint."""
    save_ctc(tmp_path / "model")

    def make(**changes: Any) -> Path:
        document = {
            "name": "shared",
            "models": [str(tmp_path / "model")],
            "audio_seconds": [5, 10, 15],
            "batch_sizes": [2, 1],
            "measures": ["latency", "quality"],
            "limits": {**QUICK, "quality_utterances": 6},
            **changes,
        }
        path = tmp_path / "config.json"
        path.write_text(json.dumps(document))
        return path

    return make


def store_rows(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(folder / "results" / "asrprof.db") as connection:
        return connection.execute(sql).fetchall()


def passes(printed: str) -> list[str]:
    """Cases that were seen to run the quality pass, in their order."""
    events = [json.loads(line) for line in printed.splitlines()]
    found = [
        event["case"]["key"]
        for event in events
        if event["event"] == "CaseProgress" and event["what"] == "quality"
    ]
    return list(dict.fromkeys(found))


@pytest.mark.e2e
def test_one_pass_serves_every_length_and_batch_size(config, tmp_path, run_asrprof):
    done = run_asrprof("--config", str(config()), "--events")
    assert done.returncode == 0, done.stderr
    assert len(passes(done.stdout)) == 1
    assert store_rows(tmp_path, "select count(*) from results") == [(6,)]
    assert store_rows(tmp_path, "select count(*), min(quality_batch_size) from qualities") == [
        (1, 2)
    ]
    figures = "wer, wer_low, scored, quality_of, quality_id, quality_key, normaliser"
    (shared,) = store_rows(tmp_path, f"select distinct {figures} from results")
    assert shared[2:4] == (6, "utterances")
    with Store.open(tmp_path / "results" / "asrprof.db", readonly=True) as store:
        found = [store.result(row.result_id).result for row in store.leaderboard()]
    assert {result.transcripts for result in found} == {found[0].transcripts}
    assert len(found[0].transcripts) == 6
    assert all(result.speech.mode == "continuous" for result in found)
    assert all(result.speech.of_any == 0 for result in found)


@pytest.mark.e2e
def test_resume_goes_on_with_the_record_that_is_there(config, tmp_path, run_asrprof):
    path = config(limits={**QUICK, "quality_utterances": 6, "min_seconds": 1})
    with running(path) as process:
        wait_for(lambda: results_written(tmp_path) >= 1)
        process.kill()
        process.wait()
    before = store_rows(tmp_path, "select id, key, wer from qualities")
    assert len(before) == 1
    done = run_asrprof("--config", str(path), "--resume", "--events")
    assert done.returncode == 0, done.stderr
    assert passes(done.stdout) == [], "the pass was not run again"
    assert store_rows(tmp_path, "select id, key, wer from qualities") == before
    assert store_rows(
        tmp_path, "select count(*), count(distinct quality_id), min(wer) = max(wer) from results"
    ) == [(6, 1, 1)]


@pytest.mark.e2e
def test_every_variant_has_its_own_and_texts_are_compared_without_another_pass(
    config, tmp_path, run_asrprof
):
    path = config(
        audio_seconds=[5, 15],
        batch_sizes=[1],
        variants=["fp32", "bf16"],
        measures=["latency", "quality", "quality_batch", "comparison"],
    )
    done = run_asrprof("--config", str(path), "--events")
    assert done.returncode == 0, done.stderr
    assert [key.split("|")[4] for key in passes(done.stdout)] == ["fp32", "bf16"]
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert not [e for e in events if e.get("what") == "baseline's texts"]
    compared = store_rows(
        tmp_path, "select compared_clips, same_text from results where variant = 'bf16'"
    )
    assert [clips for clips, _ in compared] == [6, 6]
    assert compared[0] == compared[1]


@pytest.mark.e2e
def test_texts_that_padding_changes_are_counted_at_the_cases_batch_size(
    config, tmp_path, run_asrprof
):
    path = config(
        audio_seconds=[5], batch_sizes=[1, 4], measures=["latency", "quality", "quality_batch"]
    )
    assert run_asrprof("--config", str(path), "--quiet").returncode == 0
    found = store_rows(
        tmp_path,
        "select batch_size, value, note from figures join results on results.id = result_id "
        "where name = 'quality_batch_differing'",
    )
    ((batch_size, value, note),) = found
    assert batch_size == 4, "the record is of batches of 1, so there is nothing to repeat there"
    assert 0 <= value <= 6
    assert note == ("utterances of 6 whose text is another in batches of 4 than in batches of 1")


@pytest.mark.e2e
def test_packed_clips_are_said_to_be_packed(config, tmp_path, run_asrprof):
    path = config(
        audio_seconds=[15], batch_sizes=[1], data={"source": "builtin", "clips": "packed"}
    )
    done = run_asrprof("--config", str(path))
    assert done.returncode == 0, done.stderr
    ((mode, of_any, of),) = store_rows(
        tmp_path, "select clips_mode, clips_of_any, quality_of from results"
    )
    assert (mode, of) == ("packed", "utterances")
    assert of_any > 0
    assert "packed" in done.stdout
    (message,) = store_rows(
        tmp_path, "select message from events where kind = 'remark' and message like '%packed%'"
    )
    assert "stop early" in message[0]


def task(variant: Variant = FP32, seconds: float = 5.0, **changes: Any) -> CaseTask:
    case = Case(Model(name="small-wav2vec2-ctc", weights="pretrained"), "cpu", variant, seconds, 1)
    made = CaseTask(
        case=case,
        clips=Path("clips.json"),
        measures=frozenset({"latency", "quality"}),
        limits=Limits(),
        seed=42,
        trace=None,
        utterances=Utterances(Path("utterances.json"), "f" * 64),
    )
    return replace(made, **changes)


def test_the_key_knows_neither_length_nor_batch_size():
    assert task(seconds=5).quality_key() == task(seconds=30).quality_key()
    assert task().quality_key() != task(BF16).quality_key()
    assert task().quality_key(BF16) == task(BF16).quality_key()
    other = task(utterances=Utterances(Path("utterances.json"), "0" * 64))
    assert other.quality_key() != task().quality_key()
    assert task(utterances=None).quality_key() is None


def test_a_variant_gets_its_own_record_and_its_baselines():
    ours, theirs = (
        TakenQuality(Quality.unjudged("utterances", name), (("u", name),)) for name in "ab"
    )
    tally = Tally(taken={task(BF16).quality_key(): ours, task().quality_key(): theirs})
    found = tally.with_taken(task(BF16, baseline=FP32))
    assert (found.taken, found.baseline_taken) == (ours, theirs)
    assert tally.with_taken(task()).baseline_taken is None


def test_a_pass_that_ends_its_process_is_not_tried_by_the_others():
    tally = Tally(latest_pass="quality")
    died = task().outcome("oom", "killed by SIGKILL", started_at="now", wall_s=1.0)
    tally.take(task(), died)
    taken = tally.with_taken(task(seconds=30)).taken
    assert taken is not None
    assert taken.texts == ()
    assert taken.quality.wer is None
    assert "killed by SIGKILL" in taken.quality.reason
    assert "5 s x 1" in taken.quality.reason


@pytest.mark.parametrize("latest", ["latency", "energy"])
def test_a_case_that_ends_in_another_pass_leaves_the_record_to_the_next(latest):
    tally = Tally(latest_pass=latest)
    tally.take(task(), task().outcome("failed", "crashed", started_at="now", wall_s=1.0))
    assert tally.with_taken(task(seconds=30)).taken is None
