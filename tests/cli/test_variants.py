"""Variants against their baseline, as `asrprof results` prints them."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

from runner.measure.quality import unscored
from store import Comparison, Result, Scalar, Store
from tests.cli.test_show import Run
from tests.report.synthetic import FACTORS, WER_LOSS, WHISPER, Grid, results_of, write_study

INT8 = Grid(laws=WHISPER[:2], devices=("cpu",), lengths=(30.0,), batches=(1,), clips=20)
ROW = re.compile(r"  int8 +1.00 +x(\S+) \[(\S+), (\S+)\] +(\S+) → (\S+) +\+(\S+) *\[\S+, \S+\]")


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
    assert "4 intervals, which allow for their number" in out
    assert "paired over the 20 utterances of both, intervals drawn from 10 speakers" in out


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
    assert "\n95 % interval\n" not in out
    assert "intervals, which allow for their number" not in out
    assert "WER -: quality was not asked for" in out


def stored(path: Path, results: list[Result]) -> None:
    write_study(path, replace(INT8, laws=()))
    with Store.open(path) as store:
        for result in results:
            store.write_result(1, result)


def test_size_and_what_a_variant_alone_has_stand_in_eighty_columns(
    asrprof: Run, tmp_path: Path
) -> None:
    plain, int8 = list(results_of(replace(INT8, laws=WHISPER[:1])))[:2]
    assert plain.memory is not None
    small = replace(plain.memory, weights_bytes=plain.memory.weights_bytes // 4)
    own = {"acceptance": 0.62, "first_text_s": 1.2, "real_time_factor": 0.31, "compile_s": 9.0}
    figures = tuple(Scalar(name=name, value=value) for name, value in own.items())
    stored(tmp_path / "store.db", [plain, replace(int8, memory=small, figures=figures)])
    out = asrprof("results", "--store", "store.db").out.split("against baseline")[1]
    lines = out.splitlines()
    assert all(len(line) <= 80 for line in lines)
    (place,) = [n for n, line in enumerate(lines) if line.startswith("  int8")]
    assert lines[place].split()[1] == "0.25"
    assert lines[place + 1].strip() == (
        "drafts kept 62.0 %; first text after 1.20 s; real-time factor 0.310"
    )
    assert "size: bytes of the weights, by the baseline's" in out


def test_a_text_mismatch_is_shown(asrprof: Run, tmp_path: Path) -> None:
    plain, int8 = list(results_of(replace(INT8, laws=WHISPER[:1])))[:2]
    found = Comparison(
        baseline="fp32",
        rounds=5,
        baseline_s=1.0,
        variant_s=0.5,
        speedup=2.0,
        speedup_low=1.9,
        speedup_high=2.1,
        clips=20,
        same_text=18,
    )
    for promised, words in ((False, "18 of 20 same text\n"), (True, "but promised of all")):
        compared = replace(found, same_text_promised=promised)
        folder = tmp_path / str(promised)
        folder.mkdir()
        stored(folder / "store.db", [plain, replace(int8, comparison=compared)])
        out = asrprof("results", "--store", f"{promised}/store.db").out
        assert words in out
        assert ("promised: the method" in out) is promised


def test_why_words_were_not_compared_is_said_as_it_is(asrprof: Run, tmp_path: Path) -> None:
    random = [
        replace(result, quality=unscored(())[0], transcripts=())
        for result in list(results_of(replace(INT8, laws=WHISPER[:1])))[:2]
    ]
    stored(tmp_path / "store.db", random)
    assert "WER -: random weights" in asrprof("results", "--store", "store.db").out
