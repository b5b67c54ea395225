"""What the tab Results leads to: charts, comparisons, one result, files."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from textual.widgets import Input, Static

from store import Store
from tests.tui.conftest import OpenApp, settle, shown, until
from tests.tui.data import Clock, add_job
from tests.tui.records import result
from tests.tui.results import SIZES, results, status, write
from tui.messages import ShowResult
from tui.screens.result_detail import PARTS
from tui.views.results_compare import ComparePane

# Charts


@pytest.mark.e2e
@pytest.mark.parametrize("size", SIZES)
async def test_every_chart_shows_its_axes_and_series(
    laws: Path, open_app: OpenApp, size: tuple[int, int]
) -> None:
    async with open_app(laws, size=size, readonly=True) as (app, pilot):
        await results(app, pilot)
        await pilot.press("right_square_bracket")
        await settle(app, pilot)
        for title in (
            "Word error rate",
            "latency by model",
            "Latency by batch size",
            "Latency by length",
            "Real-time factor",
            "Energy by length",
            None,  # Nothing in this store was put under load.
            "WER by RTFx",
        ):
            text = shown(app)
            if title is None:
                assert "asrprof run load" in text
                await pilot.press("n")
                await settle(app, pilot)
                continue
            assert title in text
            assert ("(log)" in text) == (title != "latency by model")
            assert "pocketsphinx" in text
            await pilot.press("n")
            await settle(app, pilot)


async def test_bars_and_axes_are_of_what_is_chosen(laws: Path, open_app: OpenApp) -> None:
    async with open_app(laws, readonly=True) as (app, pilot):
        await results(app, pilot)
        await pilot.press("right_square_bracket", "n")
        await settle(app, pilot)
        app.query_one("#chart-show").focus()
        await pilot.press("right")
        await settle(app, pilot)
        assert "RTFx by model" in shown(app)
        await pilot.press("n", "n", "n", "n", "n", "n")
        await settle(app, pilot)
        before = shown(app)
        assert "WER by RTFx" in before
        app.query_one("#chart-y").focus()
        await pilot.press("right")
        await settle(app, pilot)
        assert "WER by RTFx" not in shown(app)
        assert " by RTFx" in shown(app)


async def test_a_point_says_what_it_is_and_opens(laws: Path, open_app: OpenApp) -> None:
    async with open_app(laws, readonly=True) as (app, pilot):
        await results(app, pilot)
        await pilot.press("right_square_bracket", "n", "n")
        await settle(app, pilot)
        await pilot.press("right", "right")
        await settle(app, pilot)
        assert "hubert-large-ls960-ft" in status(app)
        assert "batch size 2" in status(app)
        await pilot.press("enter")
        await settle(app, pilot)
        assert "facebook/hubert-large-ls960-ft  cpu fp32  60 s x 2" in shown(app)


async def test_the_table_has_its_own_line_below_again(laws: Path, open_app: OpenApp) -> None:
    async with open_app(laws, readonly=True) as (app, pilot):
        await results(app, pilot)
        before = status(app)
        await pilot.press("right_square_bracket")
        await settle(app, pilot)
        assert "arrows go from point to point" in status(app)
        await pilot.press("left_square_bracket")
        await settle(app, pilot)
        assert status(app) == before


async def test_axes_can_be_linear(laws: Path, open_app: OpenApp) -> None:
    async with open_app(laws, readonly=True) as (app, pilot):
        await results(app, pilot)
        await pilot.press("right_square_bracket")
        await settle(app, pilot)
        await pilot.press("L")
        await settle(app, pilot)
        assert "(log)" not in shown(app)


async def test_charts_obey_the_filter(laws: Path, open_app: OpenApp) -> None:
    async with open_app(laws, readonly=True) as (app, pilot):
        await results(app, pilot)
        await write(app, pilot, "pocketsphinx")
        await pilot.press("right_square_bracket")
        await settle(app, pilot)
        assert "pocketsphinx" in shown(app)
        assert "hubert" not in shown(app)
        await write(app, pilot, "nothing-like-it")
        assert "no result here has a word error rate" in shown(app)


# Comparing


async def test_marked_results_are_compared_with_the_first(laws: Path, open_app: OpenApp) -> None:
    async with open_app(laws, readonly=True) as (app, pilot):
        await results(app, pilot)
        await write(app, pilot, "pocketsphinx device:cpu variant:fp32 audio:5 batch<=2 job=1")
        await pilot.press("space", "space", "c")
        await settle(app, pilot)
        text = shown(app)
        assert "Compared with A" in text
        line = next(line for line in text.splitlines() if "latency ms" in line)
        # Half the batch: two to the power of -0.9, within the noise of the grid.
        ratio = float(line.partition("x ")[2].split()[0]) if "x " in line else None
        assert ratio is None or 0.5 < ratio < 0.57
        assert "significant" in line
        await pilot.press("y")


async def test_it_is_said_that_results_are_being_compared(laws: Path, open_app: OpenApp) -> None:
    async with open_app(laws, readonly=True) as (app, pilot):
        view = await results(app, pilot)
        await pilot.press("right_square_bracket", "right_square_bracket")
        await settle(app, pilot)
        assert "Nothing to compare yet" in shown(app)
        pane = view.query_one(ComparePane)
        pane.compare_results(list(view.table.table.ids)[:2])
        # At once, before anything has been read.
        assert not pane.query_one("#compare-empty").display
        assert "Comparing 2 results" in str(pane.query_one("#compare-title", Static).render())
        await settle(app, pilot)
        await until(lambda: "Compared with A" in shown(app), pilot)


async def test_two_runs_are_compared_case_by_case(laws: Path, open_app: OpenApp) -> None:
    async with open_app(laws, readonly=True) as (app, pilot):
        await results(app, pilot)
        await write(app, pilot, "model:pocketsphinx")
        await pilot.press("right_square_bracket", "right_square_bracket", "c")
        await settle(app, pilot)
        await pilot.press("space", "down", "space", "enter")
        await settle(app, pilot, seconds=120)
        text = shown(app)
        assert "Run 2 against run 1" in text
        assert "cases," in text
        assert "significant" in text


@pytest.mark.e2e
async def test_runs_that_are_chosen_from_the_table_are_shown_compared(
    laws: Path, open_app: OpenApp
) -> None:
    async with open_app(laws, readonly=True) as (app, pilot):
        view = await results(app, pilot)
        await write(app, pilot, "model:pocketsphinx")
        await pilot.press("c")
        await settle(app, pilot)
        await pilot.press("space", "down", "space", "enter")
        await settle(app, pilot, seconds=120)
        assert view.pane.id == "compare"
        assert "Run 2 against run 1" in shown(app)


async def test_runs_can_be_marked_where_results_are_grouped_by_job(
    filled: Path, open_app: OpenApp
) -> None:
    async with open_app(filled) as (app, pilot):
        view = await results(app, pilot)
        await pilot.press("b", *["down"] * 10, "space", "enter")  # job
        await settle(app, pilot)
        assert len(view.table.groups_table.ids) == 4
        await pilot.press("space", "space", "c")
        await settle(app, pilot, seconds=60)
        assert "Run 2 against run 1: 3 cases" in shown(app)


async def test_nothing_to_compare_says_how(filled: Path, open_app: OpenApp) -> None:
    async with open_app(filled) as (app, pilot):
        await results(app, pilot)
        await pilot.press("left_square_bracket")
        assert "Mark two or more results" in shown(app)


# One result


@pytest.mark.e2e
@pytest.mark.parametrize("size", SIZES)
async def test_every_part_of_a_result(
    filled: Path, open_app: OpenApp, size: tuple[int, int]
) -> None:
    expected = {
        "figures": "95 % interval",
        "stages": "decode",
        "samples": "one for each batch",
        "energy": "codecarbon",
        "operators": "aten::addmm",
        "transcripts": "fox→fog",
        "environment": "environment is not known",
    }
    async with open_app(filled, size=size) as (app, pilot):
        await results(app, pilot)
        await write(app, pilot, "small-whisper job=1")
        await pilot.press("enter")
        await settle(app, pilot)
        for key in PARTS:
            assert expected[key] in shown(app), key
            await pilot.press("right_square_bracket")
            await settle(app, pilot)
        await pilot.press("escape")
        assert app.screen.id == "_default"


async def test_word_errors_differ_without_colour(filled: Path, open_app: OpenApp) -> None:
    async with open_app(filled) as (app, pilot):
        app.post_message(ShowResult(1))
        await settle(app, pilot)
        await pilot.press("left_square_bracket", "left_square_bracket")
        await settle(app, pilot)
        assert "the quick brown fox→fog jumps over -the- lazy dog" in shown(app)


async def test_one_goes_on_to_the_next_result(filled: Path, open_app: OpenApp) -> None:
    async with open_app(filled, readonly=True) as (app, pilot):
        view = await results(app, pilot)
        first, second = view.table.table.ids[:2]
        await pilot.press("enter", "right_square_bracket")
        await until(lambda: f"Result {first} " in shown(app), pilot)
        assert "n Next result" in shown(app).splitlines()[-1]
        assert "Filter" not in shown(app).splitlines()[-1]
        await pilot.press("n")
        await until(lambda: f"Result {second} " in shown(app), pilot)
        await settle(app, pilot)
        assert "Timed in a pass of their own" in shown(app) or "No stages" in shown(app)
        await pilot.press("p")
        await until(lambda: f"Result {first} " in shown(app), pilot)
        await pilot.press("p")
        await settle(app, pilot)
        assert f"Result {first} " in shown(app)


async def test_a_result_without_figures_says_why(filled: Path, open_app: OpenApp) -> None:
    async with open_app(filled) as (app, pilot):
        await results(app, pilot)
        await write(app, pilot, "-state:ok")
        await pilot.press("enter")
        await settle(app, pilot)
        for _ in PARTS:
            await pilot.press("right_square_bracket")
            await settle(app, pilot)
            assert "Result" in shown(app)
        await pilot.press("right_square_bracket")
        assert "killed by the kernel" in shown(app)


async def test_a_result_that_is_gone_is_a_message(filled: Path, open_app: OpenApp) -> None:
    async with open_app(filled) as (app, pilot):
        app.post_message(ShowResult(999))
        await settle(app, pilot)
        assert "no result 999" in shown(app)
        await pilot.press("escape")


# Out of here


async def test_export_to_csv_and_json(filled: Path, open_app: OpenApp, tmp_path: Path) -> None:
    async with open_app(filled) as (app, pilot):
        view = await results(app, pilot)
        await write(app, pilot, "job=1")
        await pilot.press("w", "enter")
        await until((tmp_path / "results.csv").exists, pilot)
        await settle(app, pilot)
        rows = list(csv.DictReader((tmp_path / "results.csv").open(encoding="utf-8")))
        assert [int(row["result_id"]) for row in rows] == list(view.table.table.ids)
        await pilot.press("space", "space", "w")
        await settle(app, pilot)
        assert "the 2 marked results alone" in shown(app)
        app.screen.query_one(Input).value = "some.json"
        await pilot.press("enter")
        await until((tmp_path / "some.json").exists, pilot)
        await settle(app, pilot)
        found = json.loads((tmp_path / "some.json").read_text(encoding="utf-8"))
        assert [row["result_id"] for row in found] == list(view.table.marked)


async def test_a_comparison_is_written_as_it_is_named(
    store_path: Path, open_app: OpenApp, tmp_path: Path
) -> None:
    names = ('say "hi", world', "=1+1")
    clock = Clock()
    with Store.open(store_path, clock=clock) as store:
        jobs = [
            add_job(store, clock, "one", "done", [result(n, latency_s=s) for n in names])
            for s in (0.1, 0.15)
        ]
    async with open_app(store_path, readonly=True) as (app, pilot):
        view = await results(app, pilot)
        view.query_one(ComparePane).compare_runs(*jobs)
        view.open_part("compare")
        await settle(app, pilot)
        await pilot.press("w", "enter")
        await until((tmp_path / "comparison.csv").exists, pilot)
        await settle(app, pilot)
        rows = list(csv.DictReader((tmp_path / "comparison.csv").open(encoding="utf-8")))
        assert {row["model"] for row in rows} == {'say "hi", world', "'=1+1"}
        assert {row["latency"] for row in rows} == {"+50.0 %"}  # A figure, no formula.
        await pilot.press("y")
        pasted = list(csv.DictReader(app.clipboard.splitlines(), delimiter="\t"))
        assert pasted == rows


async def test_export_of_a_chart_and_what_is_refused(
    filled: Path, open_app: OpenApp, tmp_path: Path
) -> None:
    async with open_app(filled) as (app, pilot):
        await results(app, pilot)
        await pilot.press("right_square_bracket")
        await settle(app, pilot)
        await pilot.press("w")
        file = app.screen.query_one(Input)
        for name, said in (
            ("chart.exe", "must end in"),
            ("nowhere/chart.svg", "there is no folder"),
            ("", "write a file name"),
        ):
            file.value = name
            await pilot.press("enter")
            await pilot.pause()
            assert said in shown(app)
        (tmp_path / "chart.svg").write_text("mine", encoding="utf-8")
        file.value = "chart.svg"
        await pilot.press("enter")
        await pilot.pause()
        assert "is there already" in shown(app)
        assert (tmp_path / "chart.svg").read_text(encoding="utf-8") == "mine"
        await pilot.press("enter")
        await settle(app, pilot)
        assert "<svg" in (tmp_path / "chart.svg").read_text(encoding="utf-8")


async def test_copying_gives_what_is_marked(filled: Path, open_app: OpenApp) -> None:
    async with open_app(filled) as (app, pilot):
        await results(app, pilot)
        await write(app, pilot, "job=1")
        await pilot.press("space", "space", "y")
        await settle(app, pilot)
        lines = app.clipboard.splitlines()
        assert lines[0].split("\t")[:3] == ["model", "device", "variant"]
        assert len(lines) == 3


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo asrprof: error: no such command >&2; exit 2", "no such command"),
        ('for last; do :; done; echo "$last" > "$0.asked"', "report.html"),
    ],
)
async def test_the_report_is_made_by_its_command(
    filled: Path,
    open_app: OpenApp,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    script: str,
    said: str,
) -> None:
    """By one that stands in for it: what it is asked and how its end is told."""
    command = tmp_path / "command"
    command.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    command.chmod(0o755)
    async with open_app(filled) as (app, pilot):
        await results(app, pilot)
        await write(app, pilot, "model:whisper")
        monkeypatch.setattr("sys.executable", str(command))
        await pilot.press("R")
        await settle(app, pilot)
        assert said in shown(app)
    asked = tmp_path / "command.asked"
    if asked.exists():
        assert asked.read_text(encoding="utf-8").startswith("model LIKE '%whisper%'")
    assert asked.exists() is ("asked" in script)


async def test_the_keys_that_the_status_line_names_go_there(laws: Path, open_app: OpenApp) -> None:
    async with open_app(laws, readonly=True) as (app, pilot):
        await results(app, pilot)
        await pilot.press("right_square_bracket")
        await settle(app, pilot)
        assert "shift+tab to the choices" in status(app)
        await pilot.press("shift+tab")
        await pilot.pause()
        assert app.focused is not None
        assert app.focused.id is not None
        assert app.focused.id.startswith("chart-")
