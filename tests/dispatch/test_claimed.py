"""What a runner does with a job that a dispatcher has claimed for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner import isolation
from runner.config_file import parse_benchmark
from runner.errors import UserError
from runner.events import no_sink
from runner.grid import expand
from runner.ledger import StoreLedger
from runner.session import Session
from store import JobRequest, Result, Store, process_owner

CONFIG = json.dumps(
    {"name": "quick", "models": ["pocketsphinx"], "audio_seconds": [5], "batch_sizes": [1, 2]}
)


def test_a_later_attempt_refuses_other_speech(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASRPROF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(isolation, "prepare", lambda: None)
    benchmark = parse_benchmark(CONFIG, "quick")
    case, _ = expand(benchmark)
    row = Result(
        case_key=case.key,
        model="pocketsphinx",
        engine="pocketsphinx",
        weights="pretrained",
        revision=None,
        device="cpu",
        variant="fp32",
        audio_seconds=5.0,
        batch_size=1,
        seed=0,
        state="ok",
        reason=None,
        started_at="2026-01-01T00:00:00.000000Z",
        wall_s=1.0,
        clips_fingerprint="others",
    )
    with Store.open(tmp_path / "store.db") as store:
        job = store.queue.add(
            store.add_benchmark("quick", CONFIG), JobRequest(target="local"), cases_total=2
        )
        store.attempts.claim(process_owner(), 60, targets={"local"})
        store.write_result(job, row)
        with pytest.raises(UserError, match="queue the benchmark anew"):
            Session(benchmark, no_sink).run_claimed(StoreLedger(store, job), 1)
        ended = store.job(job)
        assert ended.state == "failed"
        assert "the speech has changed" in (ended.reason or "")
        assert ended.cases_done == 1
