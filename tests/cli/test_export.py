"""`asrprof export`: the same rows in every format."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from report.export import csv_text
from store import LEADERBOARD_COLUMNS, TABLES
from tests.cli.conftest import Ran
from tests.report.synthetic import Grid, write_study


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "store.db"
    write_study(path, Grid(laws=Grid().laws[:1], clips=2, energy=False, out_of_memory=False))
    return path


def test_the_three_formats_have_the_same_rows(
    asrprof: Callable[..., Ran], path: Path, tmp_path: Path
) -> None:
    printed = asrprof("export", "--store", str(path))
    rows = list(csv.DictReader(io.StringIO(printed.out)))
    assert tuple(rows[0]) == LEADERBOARD_COLUMNS
    assert len(rows) == 40
    for name in ("all.json", "all.parquet", "all.csv"):
        ran = asrprof("export", "--store", str(path), "--out", name)
        assert (ran.code, ran.out, ran.err) == (0, "", f"40 rows in {name}\n")
    objects = json.loads((tmp_path / "all.json").read_text())
    parquet = pq.read_table(tmp_path / "all.parquet").to_pylist()
    assert parquet == objects
    assert (tmp_path / "all.csv").read_text() == printed.out
    for row, entry in zip(rows, objects, strict=True):
        assert row["energy_j"] == "" and entry["energy_j"] is None
        assert float(row["latency_ms"]) == entry["latency_ms"]
        assert row["model"] == entry["model"]


def test_a_name_is_no_formula(asrprof: Callable[..., Ran], tmp_path: Path) -> None:
    law = replace(Grid().laws[0], model="=cmd|' /C calc'!A0")
    write_study(tmp_path / "s.db", Grid(laws=(law,), lengths=(5.0,), batches=(1,), variants=()))
    exported = asrprof("export", "--store", "s.db").out
    rows = list(csv.DictReader(io.StringIO(exported)))
    assert {row["model"] for row in rows} == {f"'{law.model}"}
    objects = json.loads(asrprof("export", "--store", "s.db", "-f", "json").out)
    assert {row["model"] for row in objects} == {law.model}


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("-1.5", "-1.5"),
        ("+50.0 %", "+50.0 %"),
        ("-0.25 pp", "-0.25 pp"),
        ("-1e-05", "-1e-05"),
        ("-", "-"),
        ("-1+1", "'-1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        (-1.5, "-1.5"),
        (None, ""),
    ],
)
def test_what_would_be_computed_is_not_what_is_a_figure(text: object, written: str) -> None:
    (row,) = csv.DictReader(io.StringIO(csv_text(["one", "two"], [(text, 'say "hi"')])))
    assert row == {"one": written, "two": 'say "hi"'}


def test_columns_without_a_figure_keep_their_type(
    asrprof: Callable[..., Ran], path: Path, tmp_path: Path
) -> None:
    asrprof("export", "results", "--store", str(path), "--out", "r.parquet")
    schema = pq.read_schema(tmp_path / "r.parquet")
    assert str(schema.field("energy_j").type) == "double"
    assert str(schema.field("trace_path").type) == "string"
    assert str(schema.field("batch_size").type) == "int64"


@pytest.mark.parametrize("table", TABLES)
def test_every_table_can_be_written(
    asrprof: Callable[..., Ran], path: Path, table: str, tmp_path: Path
) -> None:
    ran = asrprof("export", table, "--store", str(path), "--out", "t.parquet")
    assert ran.code == 0
    printed = asrprof("export", table, "--store", str(path))
    rows = list(csv.reader(io.StringIO(printed.out)))
    assert len(rows) - 1 == pq.read_table(tmp_path / "t.parquet").num_rows


def test_a_condition_chooses_results_and_what_belongs_to_them(
    asrprof: Callable[..., Ran], path: Path
) -> None:
    chosen = ("--store", str(path), "--where", "batch_size = 4 and device = 'cpu'", "-f", "json")
    results = json.loads(asrprof("export", "leaderboard", *chosen).out)
    samples = json.loads(asrprof("export", "samples", *chosen).out)
    assert {row["batch_size"] for row in results} == {4}
    assert len(samples) == 40 * len(results)
    assert {row["result_id"] for row in samples} == {row["result_id"] for row in results}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("planets",), "no table 'planets': write one of leaderboard, results, "),
        (("--out", "x.txt"), "x.txt: end its name in .csv, .json or .parquet"),
        (("-f", "parquet"), "Parquet is no text: give --out FILE.parquet"),
        (("jobs", "--where", "1"), "table jobs has no results to choose from"),
        (("--where", "speed > 1"), "no column 'speed': did you mean speedup"),
    ],
)
def test_what_a_user_gets_wrong_is_one_line(
    asrprof: Callable[..., Ran], path: Path, arguments: tuple[str, ...], problem: str
) -> None:
    ran = asrprof("export", *arguments, "--store", str(path))
    assert (ran.code, ran.out) == (2, "")
    assert problem in ran.err
    assert ran.err.count("\n") == 1
