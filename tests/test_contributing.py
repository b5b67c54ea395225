"""CONTRIBUTING.md: its examples, added to a copy of the code, run as they are written."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from textual.theme import BUILTIN_THEMES

from store import Query, Result, Store, filter_sql
from tests.conftest import clean_environment
from tests.packages import ROOT, SHIPPED, copy_packages
from tui.glyphs import UNICODE
from tui.results import detail
from tui.results.columns import result_columns
from tui.themes import palette

BLOCK = re.compile(r"^```(python|diff)\n(.*?)^```", re.DOTALL | re.MULTILINE)
CONFIG = {
    "name": "examples",
    "models": ["loudness", "small-wav2vec2-ctc"],
    "variants": ["fp32", {"name": "first-layer", "first_layers": 1}],
    "audio_seconds": [2],
    "batch_sizes": [1],
    "measures": ["latency", "flops", "silence"],
    "limits": {
        "warmup_seconds": 0.1,
        "min_seconds": 0.2,
        "min_iterations": 4,
        "cycle_batches": 2,
        "threads": 1,
    },
}


def add_file(tree: Path, block: str) -> Path:
    """Writes a new file; its first line names it."""
    name, _, text = block.partition("\n")
    path = tree / name.removeprefix("# ")
    assert not path.exists()
    path.write_text(text, encoding="utf-8")
    return path


def change_files(tree: Path, block: str) -> None:
    """Applies a diff without line numbers: what it takes away or keeps must stand there once."""
    for name, changes in re.findall(r"^--- (\S+)\n((?:(?!---).*\n)*)", block, re.MULTILINE):
        path = tree / name
        text = path.read_text(encoding="utf-8")
        for change in changes.split("@@\n"):
            lines = change.splitlines(keepends=True)
            before = "".join(line[1:] for line in lines if line[0] != "+")
            after = "".join(line[1:] for line in lines if line[0] != "-")
            assert text.count(before) == 1, f"CONTRIBUTING.md: {name} has not just once:\n{before}"
            text = text.replace(before, after)
        path.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code with all examples in it."""
    tree = tmp_path_factory.mktemp("tree")
    copy_packages(SHIPPED, tree)
    for language, block in BLOCK.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")):
        if language == "python":
            add_file(tree, block)
        else:
            change_files(tree, block)
    return tree


def asrprof(
    tree: Path, folder: Path, *arguments: str, columns: int = 80
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "runner.cli", *arguments],
        cwd=folder,
        env={**clean_environment(folder), "PYTHONPATH": str(tree), "COLUMNS": str(columns)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture(scope="module")
def database(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one job: a benchmark of the examples."""
    if shutil.which("taskset") is None:
        pytest.skip("no taskset, which the launcher of the example starts runners by")
    folder = tmp_path_factory.mktemp("run")
    (folder / "examples.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    added = asrprof(tree, folder, "queue", "add", "examples.json", "--target", "one-core")
    assert added.returncode == 0, added.stderr
    worked = asrprof(tree, folder, "work", "--drain")
    database = folder / "results" / "asrprof.db"
    with Store.open(database) as store:
        (job,) = store.jobs()
    assert (job.target, job.state) == ("one-core", "done"), worked.stdout + worked.stderr
    return database


@pytest.fixture(scope="module")
def results(database: Path) -> dict[tuple[str, str], Result]:
    """By model and variant."""
    with closing(sqlite3.connect(database)) as connection:
        ids = [number for (number,) in connection.execute("SELECT id FROM results")]
    with Store.open(database) as store:
        found = [store.result(number).result for number in ids]
    return {(result.model, result.variant): result for result in found}


def test_the_examples_keep_to_the_rules(tree: Path) -> None:
    for check in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *check, "--no-cache", "."],
            cwd=tree,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


@pytest.mark.e2e
def test_the_launcher_keeps_its_runner_on_one_core(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        cores = connection.execute("SELECT DISTINCT cpu_affinity FROM environments").fetchall()
    assert cores == [(1,)]


def test_the_measure_gives_its_figure(results: dict[tuple[str, str], Result]) -> None:
    measured = [result for result in results.values() if result.state == "ok"]
    assert len(measured) == 3
    for result in measured:
        assert [figure.name for figure in result.figures] == ["words_in_silence"]
    assert results["loudness", "fp32"].figures[0].value == 0


def test_the_engine_hears_speech_and_refuses_variants(
    tree: Path, results: dict[tuple[str, str], Result]
) -> None:
    result = results["loudness", "fp32"]
    assert (result.state, result.engine) == ("ok", "loudness")
    assert result.speech is not None
    assert result.speech.hypothesis_words == 2, "one word of each clip of the cycle"
    assert result.flops_reason == "loudness does not compute with tensors: no FLOPs to count"
    refused = results["loudness", "first-layer"]
    assert refused.state == "refused"
    assert refused.reason == (
        "variant first-layer: first_layers 1 does not fit loudness: it has no encoder that can be "
        "compiled or recorded by itself and no operators of PyTorch"
    )
    listed = asrprof(tree, tree, "models")
    assert "loudness" in listed.stdout, listed.stderr


def test_readers_find_the_engine_and_the_measure(tree: Path, database: Path) -> None:
    """In the table, in a result's page, in the report: none of them was told of either."""
    folder = database.parent.parent
    table = asrprof(tree, folder, "results", columns=160)
    (line,) = (line for line in table.stdout.splitlines() if "loudness  " in line)
    assert "silence" in table.stdout.splitlines()[0]
    assert line.split()[-1] == "0"
    with closing(sqlite3.connect(database)) as connection:
        ((number,),) = connection.execute(
            "SELECT id FROM results WHERE model = 'loudness' AND state = 'ok'"
        )
    shown = asrprof(tree, folder, "show", str(number)).stdout
    assert re.search(r"^silence +0 words +written of a clip of zeros", shown, re.M)
    told = asrprof(tree, folder, "report", "--out", "pages", "--format", "md")
    assert told.returncode == 0, told.stderr
    page = next((folder / "pages").rglob("*.md")).read_text(encoding="utf-8")
    assert re.search(r"loudness on cpu .*silence 0 words", page)
    with Store.open(database) as store:
        stored = store.result(number)
        scalars = store.browse.scalars()
        where = filter_sql("words_in_silence<1 model:loudness", scalars)
        found = store.browse.ids(Query(where=where, order="words_in_silence"))
        (row,) = store.browse.rows(found).values()
    assert row.result_id == number
    column = result_columns(scalars.values())[-1]
    assert (column.label, column.help) == ("silence words", "written of a clip of zeros")
    assert column.cell(row)[0] == "0"
    theme = BUILTIN_THEMES["textual-dark"].to_color_system().generate()
    console = Console(width=120, file=StringIO())
    console.print(detail.figures(stored, palette(theme), UNICODE))
    assert re.search(r"silence +0 words", console.file.getvalue())


def test_the_technique_runs_one_layer_and_counts_no_more(
    results: dict[tuple[str, str], Result],
) -> None:
    whole, short = (results["small-wav2vec2-ctc", name] for name in ("fp32", "first-layer"))
    assert "1 layers run" in [proof.found for proof in short.proofs]
    assert short.flops[0].flops is not None
    assert whole.flops[0].flops is not None
    assert short.flops[0].flops < 0.7 * whole.flops[0].flops
