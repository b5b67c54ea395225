"""The demo as the README runs it, and what asrprof itself costs."""

from __future__ import annotations

import re
import resource
import time
from pathlib import Path

import pytest

from store import Store

pytestmark = pytest.mark.e2e


@pytest.mark.timed
@pytest.mark.timeout(900)
def test_the_demo_shows_what_it_promises(tmp_path: Path, run_asrprof):
    started = time.monotonic()
    done = run_asrprof("demo", module="runner.cli", timeout=700)
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - started < 600, "promised: about three minutes on two idle cores"
    with Store.open(tmp_path / "results" / "asrprof.db", readonly=True) as store:
        found = [store.result(row.result_id) for row in store.leaderboard()]
    by_model = {stored.result.model: stored for stored in found}
    assert all(stored.result.state == "ok" for stored in found)
    small = [s.result.quality.wer for m, s in by_model.items() if m.startswith("small-")]
    assert len(small) == 3
    assert min(small) < 0.15
    assert by_model["pocketsphinx"].result.quality.wer > 0
    for name in ("openai/whisper-tiny", "facebook/wav2vec2-base-960h"):
        result = by_model[name].result
        assert result.weights == "random"
        assert result.quality.wer is None
        assert result.quality.reason == "random weights"
        assert by_model[name].flops > by_model[name].encoder_flops > 0 or result.engine == "ctc"
    for stored in found:
        result = stored.result
        latency = result.latency
        if latency.interval_reason is None:  # A slow machine does not reach four rounds.
            assert latency.low_s <= latency.median_s <= latency.high_s
        assert result.memory.rss_bytes > 0
        assert stored.energy_j is None or result.energy_primary is not None
        assert stored.energy_j is not None or result.energy_reason
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    report = run_asrprof("report", module="runner.cli", timeout=100)
    assert report.returncode == 0, report.stderr
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert spent.ru_utime - before.ru_utime < 20, "promised: under 20 s on a quiet machine"
    folder = tmp_path / "results" / "asrprof-report"
    assert (folder / "report.pdf").read_bytes().startswith(b"%PDF")
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.count("<svg") >= 7
    shown = done.stdout
    for words in ("RTFx", "energy", "GFLOP", "WER", "random weights", "synthesised"):
        assert words in shown


@pytest.mark.timed
@pytest.mark.timeout(500)
def test_asrprof_costs_at_most_two_per_cent(run_asrprof):
    done = run_asrprof("--rounds", "30", module="benchmarks.overhead", timeout=400)
    ratio = float(re.search(r"ratio of\s+medians\s+([\d.]+)", done.stdout).group(1))
    assert done.returncode == 0, done.stdout + done.stderr
    assert 0.9 < ratio <= 1.02
