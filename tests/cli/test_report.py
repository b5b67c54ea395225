"""`asrprof report`: its files, and what a user gets wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from store import Store
from store.schema import MIGRATIONS
from tests.cli.conftest import Ran
from tests.report.synthetic import Grid, write_study


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "results" / "asrprof.db"
    write_study(path, Grid(laws=Grid().laws[:2], batches=(1, 8), clips=2, rounds=3))
    return path


@pytest.mark.usefixtures("path")
def test_pages_and_drawings_lie_beside_the_store(
    asrprof: Callable[..., Ran], tmp_path: Path
) -> None:
    stale = tmp_path / "results" / "asrprof-report" / "figures" / "stale.svg"
    stale.parent.mkdir(parents=True)
    stale.touch()
    ran = asrprof("report", "--title", "A <b>title</b>")
    assert (ran.code, ran.err) == (0, "")
    names = ("report.html", "report.pdf", "report.md", "figures")
    assert ran.out.splitlines() == [f"results/asrprof-report/{name}" for name in names]
    folder = tmp_path / "results" / "asrprof-report"
    drawings = {file.name for file in (folder / "figures").iterdir()}
    assert {"speed.svg", "speed.png", "roofline.svg"} <= drawings
    assert "stale.svg" not in drawings
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert "<h1>A &lt;b&gt;title&lt;/b&gt;</h1>" in html
    markdown = (folder / "report.md").read_text(encoding="utf-8")
    for name in (line.partition("](")[2].rstrip(")") for line in markdown.splitlines()):
        assert not name.startswith("figures/") or (folder / name).is_file()


def test_formats_and_results_can_be_chosen(
    asrprof: Callable[..., Ran], path: Path, tmp_path: Path
) -> None:
    ran = asrprof(
        "report", "--store", str(path), "-f", "md", "-o", "out", "--where", "batch_size = 8"
    )
    assert ran.out.splitlines() == ["out/report.md", "out/figures"]
    text = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert "- where: batch\\_size = 8" in text
    assert "× 1 |" not in text


def test_scenarios_can_be_printed_edited_and_used(
    asrprof: Callable[..., Ran], path: Path, tmp_path: Path
) -> None:
    printed = asrprof("report", "--print-scenarios")
    scenarios = json.loads(printed.out)
    assert len(scenarios) == 5
    (tmp_path / "mine.json").write_text(json.dumps([{**scenarios[0], "title": "Mine alone"}]))
    ran = asrprof("report", "--store", str(path), "-f", "md", "--scenarios", "mine.json")
    assert ran.code == 0
    text = (path.parent / "asrprof-report" / "report.md").read_text(encoding="utf-8")
    assert "### Mine alone: whisper-" in text
    assert "Real time" not in text


def test_a_store_of_an_older_version_is_brought_up_to_date(
    asrprof: Callable[..., Ran], path: Path
) -> None:
    with Store.open(path) as store, store._database.write() as transaction:
        transaction.run("ALTER TABLE results DROP COLUMN same_text_promised")
        transaction.run(f"PRAGMA user_version = {len(MIGRATIONS) - 1}")
    assert asrprof("report", "--store", str(path), "-f", "md").code == 0
    with Store.open(path, readonly=True) as store:
        assert len(store.study.rows()) > 0


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--store", "none.db"), "none.db: no such store"),
        (("--where", "speed >"), "cannot select results with where 'speed >'"),
        (("--scenarios", "none.json"), "none.json: cannot read the scenarios"),
        (("--format", "docx"), "'docx' is not one of"),
        (("--out", "results/asrprof.db"), "results/asrprof.db/figures: cannot write the report"),
    ],
)
@pytest.mark.usefixtures("path")
def test_what_a_user_gets_wrong_is_one_line(
    asrprof: Callable[..., Ran], arguments: tuple[str, ...], problem: str
) -> None:
    ran = asrprof("report", *arguments)
    assert ran.code == 2
    assert problem in ran.err
    assert ran.err.count("\n") == 1
