"""`just bench-tui`, over a store that is small enough for every day."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.tui.__main__ import line, main
from benchmarks.tui.big_store import CASES, make_big_store
from benchmarks.tui.measure import Figure, measure_in_own_process
from store import Store


@pytest.mark.timed
@pytest.mark.e2e
def test_what_the_app_costs(tmp_path: Path) -> None:
    """CPU time and memory, which others on this machine cannot spoil as they do the clock's."""
    store = tmp_path / "asrprof.db"
    make_big_store(store, results=20_000, samples=5)
    figures = {figure.name: figure for figure in measure_in_own_process(store, seconds=2.0)}
    judged = [
        figure
        for name, figure in figures.items()
        if "CPU" in name or "memory" in name or "share" in name
    ]
    assert len(judged) == 6
    # A machine may be three times as slow as the one that the bounds are for; memory is no time.
    missed = [
        figure
        for figure in judged
        if figure.value > figure.bound * (1 if "memory" in figure.name else 3)
    ]
    assert missed == []
    assert sum("lag" in name or "paint" in name for name in figures) == 2
    with Store.open(store, readonly=True) as opened:
        assert opened.counts().results > 20_000 + 100  # Others did write.


def test_the_store_is_as_large_and_as_lawful_as_it_says(tmp_path: Path) -> None:
    store = tmp_path / "asrprof.db"
    make_big_store(store, results=CASES + 10, samples=3)
    with Store.open(store, readonly=True) as opened:
        counts = opened.counts()
        assert counts.results == CASES + 10
        assert counts.jobs == 2
        assert 0 < counts.failed < counts.results / 50
        (row,) = opened.leaderboard(
            where="model = 'pocketsphinx' AND device = 'cpu' AND variant = 'fp32'"
            " AND audio_seconds = 30 AND batch_size = 1 AND job_id = 1"
        )
        assert row.latency_ms == pytest.approx(1e3 * 0.12 * 32, rel=0.031)
        assert len(opened.result(row.result_id).result.samples) == 3
        # One record of words for all lengths and batch sizes of a model on a device.
        same = "model = 'pocketsphinx' AND device = 'cpu' AND variant = 'fp32' AND job_id = 1"
        rates = {row.wer for row in opened.leaderboard(where=f"{same} AND state = 'ok'")}
        assert len(rates) == 1
        assert rates.pop() == pytest.approx(0.32, rel=0.021)


@pytest.mark.parametrize(("value", "code", "word"), [(99.0, 0, "ok"), (101.0, 1, "MISS")])
def test_a_missed_bound_is_told_and_fails(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    value: float,
    code: int,
    word: str,
) -> None:
    figure = Figure("page down, CPU", value, "ms", 100)
    monkeypatch.setattr("benchmarks.tui.__main__.measure_in_own_process", lambda *_, **__: [figure])
    store = tmp_path / "asrprof.db"
    make_big_store(store, results=10, samples=1)
    assert main(["--store", str(store)]) == code
    assert capsys.readouterr().out.split()[0] == word
    assert "at most 100" in line(figure)
