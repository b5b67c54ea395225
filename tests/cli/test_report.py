"""`asrprof report`: its files, and what a user gets wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from report.content import Card, Cards, Page, Section
from report.render.markdown import render_markdown
from store import Store
from tests.cli.conftest import Ran
from tests.report.old_store import write_old
from tests.report.synthetic import Grid, write_study
from tui.report_command import make_report


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


def test_pages_of_an_earlier_report_are_named(asrprof: Callable[..., Ran], path: Path) -> None:
    old = path.parent / "asrprof-report" / "report.pdf"
    old.parent.mkdir()
    old.touch()
    ran = asrprof("report", "--store", str(path), "-f", "md")
    assert ran.err == f"warning: {old}: of an earlier report, not written anew\n"
    assert asrprof("report", "--store", str(path), "-f", "md", "-f", "pdf").err == ""


def test_the_terminal_ui_writes_the_formats_that_are_there(path: Path) -> None:
    folder = path.parent / "asrprof-report"
    assert make_report(path) == folder.resolve() / "report.html"
    assert {file.name for file in folder.iterdir()} == {"report.html", "figures"}
    (folder / "report.md").write_text("old")
    make_report(path, "batch_size = 8")
    assert "- where: batch\\_size = 8" in (folder / "report.md").read_text(encoding="utf-8")


def test_a_command_in_markdown_can_be_copied() -> None:
    command = "asrprof run job:1 --set 'audio_seconds=[5.0]' --set 'models=[\"a*b\"]'"
    card = Card("t", "a", "q", "h", facts=(("to settle it", command), ("n", "a_b")))
    page = Page("t", "s", (), (Section("r", "R", (Cards((card,)),)),))
    text = render_markdown(page)
    assert f"- to settle it: `{command}`\n" in text
    assert "- n: a\\_b\n" in text


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
    asrprof: Callable[..., Ran], tmp_path: Path
) -> None:
    path = tmp_path / "old.db"
    write_old(path, Grid(laws=Grid().laws[:2], batches=(1, 8), clips=5, rounds=3))
    assert asrprof("report", "--store", str(path), "-f", "md").code == 0
    text = (tmp_path / "asrprof-report" / "report.md").read_text(encoding="utf-8")
    assert "5 packed clips of 60 s" in text
    with Store.open(path, readonly=True) as store:
        assert {row.quality_of for row in store.study.rows() if row.wer} == {"packed clips"}


@pytest.mark.e2e
def test_cases_that_stopped_early_are_chosen_only_if_asked_for(
    asrprof: Callable[..., Ran], tmp_path: Path
) -> None:
    path = tmp_path / "early.db"
    write_study(path, Grid(laws=Grid().laws[:2], batches=(1, 8), rounds=3, missing=0.2))
    report = tmp_path / "asrprof-report" / "report.md"
    for option, chosen in ((), False), (("--with-stopped-early",), True):
        assert asrprof("report", "--store", str(path), "-f", "md", *option).code == 0
        text = report.read_text(encoding="utf-8")
        assert ("### High-throughput production: whisper-" in text) is chosen
        assert ("that stopped early" in text.split("## What was measured")[0]) is not chosen
        assert "wer-by-rtfx.svg" in text if chosen else "wer-by-rtfx.svg" not in text


@pytest.mark.e2e
@pytest.mark.parametrize("nothing", [("--job", "99"), ("--where", "device = 'abacus'")])
def test_a_report_on_nothing_leaves_the_last_one_as_it_is(
    asrprof: Callable[..., Ran], path: Path, nothing: tuple[str, str]
) -> None:
    assert asrprof("report", "--format", "md").code == 0
    folder = path.parent / "asrprof-report"
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    assert before
    ran = asrprof("report", "--format", "md", *nothing)
    assert (ran.code, ran.out) == (2, "")
    assert "no result is of this kind: choose another --where or --job" in ran.err
    assert before == {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--store", "none.db"), "none.db: no such store"),
        (("--where", "speed >"), "--where 'speed >': incomplete input"),
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
