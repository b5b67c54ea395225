"""Variants against their baseline, as `asrprof results` prints them."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

from store import Store
from tests.cli.test_show import Run
from tests.report.synthetic import FACTORS, WER_LOSS, WHISPER, Grid, results_of, write_study

INT8 = Grid(laws=WHISPER[:2], devices=("cpu",), lengths=(30.0,), batches=(1,), clips=20)
ROW = re.compile(r"  int8 +x(\S+) \[(\S+), (\S+)\] +(\S+) > (\S+) +\+(\S+) *\[\S+, \S+\]")


def test_speed_up_and_words_lost_are_those_of_the_law(asrprof: Run, tmp_path: Path) -> None:
    write_study(tmp_path / "store.db", INT8)
    out = asrprof("results", "--store", "store.db").out
    assert "whisper-tiny on cpu, 30 s × 1" in out
    rows = [[float(part) for part in row.groups()] for row in ROW.finditer(out)]
    assert len(rows) == len(INT8.laws)
    for law, (faster, low, high, wer, other, points) in zip(INT8.laws, rows, strict=True):
        assert low < faster < high
        assert math.isclose(faster, 1 / FACTORS["int8"], rel_tol=0.03)
        assert math.isclose(wer, 100 * law.wer, abs_tol=0.2)
        assert math.isclose(points, 100 * WER_LOSS["int8"], abs_tol=0.5)
        assert math.isclose(other - wer, points, abs_tol=0.11)
    assert "2 comparisons; the intervals allow for their number" in out
    assert "paired over the same 20 clips" in out


def test_without_an_interval_none_is_spoken_of(asrprof: Run, tmp_path: Path) -> None:
    """Two batches each, and no transcripts."""
    grid = replace(INT8, laws=WHISPER[:1], rounds=1, quality=False)
    results = [replace(result, samples=result.samples[:2]) for result in results_of(grid)]
    path = tmp_path / "store.db"
    write_study(path, replace(grid, laws=()))
    with Store.open(path) as store:
        for result in results:
            store.write_result(1, result)
    out = asrprof("results", "--store", "store.db").out
    assert "int8" in out
    assert "no interval: " in out
    assert "95 % intervals" not in out
    assert "WER -: no clip was scored on both sides" in out
