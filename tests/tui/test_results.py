"""The tab Results, driven by keys."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from store import Store
from tests.tui.conftest import OpenApp, settle, shown, until
from tests.tui.data import HOSTILE, Clock, add_job
from tests.tui.records import result
from tui.app import AsrprofApp
from tui.bench.big_store import CASES, make_big_store
from tui.screens.result_detail import PARTS
from tui.views.results import ResultsView

SIZES = [(80, 24), (120, 40), (200, 60)]


@pytest.fixture(scope="session")
def laws(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of a grid whose figures follow known laws."""
    path = tmp_path_factory.mktemp("laws") / "asrprof.db"
    make_big_store(path, results=2 * CASES, samples=8)
    return path


async def results(app: AsrprofApp, pilot: Pilot[None]) -> ResultsView:
    await pilot.press("5")
    await settle(app, pilot)
    assert isinstance(app.view, ResultsView)
    return app.view


async def write(app: AsrprofApp, pilot: Pilot[None], words: str) -> None:
    """Writes a filter as a user would."""
    await pilot.press("slash")
    app.view.query_one("#results-filter", Input).value = words
    await pilot.press("enter")
    await settle(app, pilot)


def status(app: AsrprofApp) -> str:
    return shown(app).splitlines()[-2]


# The table


@pytest.mark.parametrize("size", SIZES)
async def test_the_table_shows_the_newest_first(
    laws: Path, open_app: OpenApp, size: tuple[int, int]
) -> None:
    async with open_app(laws, size=size, readonly=True) as (app, pilot):
        view = await results(app, pilot)
        assert view.table.table.current_id == 2 * CASES
        assert f"{2 * CASES:,} results, the newest first" in status(app)
        lines = shown(app).splitlines()
        assert sum("pocketsphinx" in line for line in lines) > size[1] - 12
        assert "latency ms" in shown(app)


async def test_sorting_by_the_current_column_and_back(laws: Path, open_app: OpenApp) -> None:
    async with open_app(laws, readonly=True) as (app, pilot):
        table = (await results(app, pilot)).table.table
        await pilot.press(*["right"] * 6)
        assert table.current_column.key == "rtfx"
        for descending in (True, False):
            await pilot.press("s")
            await settle(app, pilot)
            rows = table.seen(table.ids[:20])
            figures = [row.rtfx for row in rows if row.rtfx is not None]
            assert len(figures) == 20
            assert figures == sorted(figures, reverse=descending)
            assert "by RTFx" in status(app)
            assert table.cursor == 0


async def test_words_and_sql_filter_the_table(laws: Path, open_app: OpenApp) -> None:
    async with open_app(laws, readonly=True) as (app, pilot):
        view = await results(app, pilot)
        await write(app, pilot, "pocketsphinx device:cuda")
        assert len(view.table.table.ids) == 2 * CASES // 16
        assert app.focused is view.table.table
        await write(app, pilot, "model = 'pocketsphinx' and batch_size in (1, 32)")
        assert len(view.table.table.ids) == 2 * CASES // 8 // 3
        await pilot.press("escape")
        await settle(app, pilot)
        assert len(view.table.table.ids) == 2 * CASES


async def test_the_last_word_is_completed(laws: Path, open_app: OpenApp) -> None:
    async with open_app(laws, readonly=True) as (app, pilot):
        view = await results(app, pilot)
        await pilot.press("slash")
        await settle(app, pilot)
        for typed, whole in (("pock", "pocketsphinx"), (" dev", "device"), (":cu", "cuda")):
            view.filter.insert_text_at_cursor(typed)
            await until(lambda w=whole: view.filter._suggestion.endswith(w), pilot)  # type: ignore[misc]
            await pilot.press("right")
        await pilot.press("enter")
        await settle(app, pilot)
        assert view.filter.value == "pocketsphinx device:cuda"
        assert len(view.table.table.ids) == 2 * CASES // 16


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("modle:tiny", "no column 'modle': did you mean model"),
        ("wer <", "filter: incomplete input"),
        ("wer < 1 2", 'near "2": syntax error'),
        ("wer < 'a' or nonsense(1)", "no such function: nonsense"),
    ],
)
async def test_a_bad_filter_says_why_and_changes_nothing(
    laws: Path, open_app: OpenApp, words: str, said: str
) -> None:
    async with open_app(laws, readonly=True) as (app, pilot):
        view = await results(app, pilot)
        await write(app, pilot, words)
        assert said in status(app)
        assert len(view.table.table.ids) == 2 * CASES
        await write(app, pilot, "pocketsphinx")
        assert said not in status(app)


async def test_failures_are_signs_and_reasons(filled: Path, open_app: OpenApp) -> None:
    async with open_app(filled) as (app, pilot):
        view = await results(app, pilot)
        await write(app, pilot, "-state:ok")
        assert len(view.table.table.ids) == 1
        line = next(line for line in shown(app).splitlines() if "whisper-tiny r" in line)
        assert line.split()[0] == app.glyphs.warn
        assert "oom: killed by the kernel" in status(app)


async def test_a_missing_figure_has_its_reason(filled: Path, open_app: OpenApp) -> None:
    async with open_app(filled) as (app, pilot):
        table = (await results(app, pilot)).table.table
        await write(app, pilot, "whisper-tiny state:ok")
        await pilot.press(*["right"] * [c.key for c in table.columns].index("wer"))
        await settle(app, pilot)
        assert table.current is not None
        assert table.current.wer is None
        assert "WER %: random weights" in status(app)


async def test_labels_stay_honest(filled: Path, open_app: OpenApp) -> None:
    async with open_app(filled, size=(160, 40)) as (app, pilot):
        table = (await results(app, pilot)).table.table
        cells = {column.key: column.cell for column in table.columns}
        rows = table.seen(table.ids)
        assert rows
        for row in rows:
            if row.energy_j is not None:
                assert cells["energy_j"](row)[0].startswith("e") == (
                    row.energy_label == "estimated"
                )
            assert cells["model"](row)[0].endswith(" r") == (row.weights == "random")
            if row.latency_ms is not None:
                assert cells["latency_ms"](row)[0].startswith("~") == (not row.stable)


async def test_columns_can_be_chosen(laws: Path, open_app: OpenApp) -> None:
    async with open_app(laws, readonly=True) as (app, pilot):
        table = (await results(app, pilot)).table.table
        assert "variant" in [column.key for column in table.columns]
        await pilot.press("v", "down", "space", "down", "down", "down", "down", "space", "enter")
        await settle(app, pilot)
        keys = [column.key for column in table.columns]
        assert "variant" not in keys
        assert keys[-1] == "latency_low_ms"
        assert keys[0] == "model"


async def test_groups_count_and_lead_to_their_results(laws: Path, open_app: OpenApp) -> None:
    async with open_app(laws, readonly=True) as (app, pilot):
        view = await results(app, pilot)
        await pilot.press("b", "down", "space", "enter")  # model
        await settle(app, pilot)
        groups = view.table.groups_table
        assert len(groups.ids) == 8
        assert "8 groups" in status(app)
        assert "mixed labels" in shown(app)
        await pilot.press("end", "enter")
        await settle(app, pilot)
        assert view.filter.value == 'model="pocketsphinx"'
        assert len(view.table.table.ids) == 2 * CASES // 8
        assert app.focused is view.table.table


async def test_new_results_appear_at_the_top_and_elsewhere_the_view_stays(
    filled: Path, open_app: OpenApp
) -> None:
    async with open_app(filled) as (app, pilot):
        view = await results(app, pilot)
        table = view.table.table
        before = list(table.ids)
        clock = Clock()
        with Store.open(filled, clock=clock) as store:
            add_job(store, clock, "second", "running", [result("brand-new")], target="elsewhere")
        await until(lambda: len(table.ids) == len(before) + 1, pilot)
        await settle(app, pilot)
        assert "brand-new" in shown(app).splitlines()[4]
        await pilot.press("down", "down")
        current = table.current_id
        with Store.open(filled, clock=clock) as store:
            add_job(store, clock, "third", "running", [result("newer-yet")], target="far away")
        await until(lambda: len(table.ids) == len(before) + 2, pilot)
        assert table.current_id == current


async def test_deleted_results_disappear(filled: Path, open_app: OpenApp) -> None:
    async with open_app(filled) as (app, pilot):
        table = (await results(app, pilot)).table.table
        before = len(table.ids)
        with Store.open(filled) as store:
            job = next(job for job in store.jobs() if job.benchmark == "demo")
            store.queue.remove(job.id, with_results=True)
        await until(lambda: len(table.ids) == before - job.cases_done, pilot)


async def test_the_results_of_a_job(filled: Path, open_app: OpenApp) -> None:
    async with open_app(filled) as (app, pilot):
        await app.show_results(1)
        await settle(app, pilot)
        view = app.view
        assert isinstance(view, ResultsView)
        assert view.filter.value == "job=1"
        assert {row.job_id for row in view.table.table.seen(view.table.table.ids)} == {1}


# Charts


@pytest.mark.parametrize("size", SIZES)
async def test_every_chart_shows_its_axes_and_series(
    laws: Path, open_app: OpenApp, size: tuple[int, int]
) -> None:
    async with open_app(laws, size=size, readonly=True) as (app, pilot):
        await results(app, pilot)
        await pilot.press("right_square_bracket")
        await settle(app, pilot)
        for title in (
            "Latency by batch size",
            "Latency by length",
            "Real-time factor",
            "Energy by length",
            "Word error rate",
        ):
            text = shown(app)
            assert title in text
            assert "(log)" in text
            assert "pocketsphinx" in text
            await pilot.press("n")
            await settle(app, pilot)


async def test_a_point_says_what_it_is_and_opens(laws: Path, open_app: OpenApp) -> None:
    async with open_app(laws, readonly=True) as (app, pilot):
        await results(app, pilot)
        await pilot.press("right_square_bracket")
        await settle(app, pilot)
        await pilot.press("right", "right")
        await settle(app, pilot)
        assert "hubert-large-ls960-ft" in status(app)
        assert "batch size 2" in status(app)
        await pilot.press("enter")
        await settle(app, pilot)
        assert "facebook/hubert-large-ls960-ft  cpu fp32  5 s x 2" in shown(app)


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
        assert "no latency among these results" in shown(app)


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
        await app.show_result(1)
        await settle(app, pilot)
        await pilot.press("left_square_bracket", "left_square_bracket")
        await settle(app, pilot)
        assert "the quick brown fox→fog jumps over -the- lazy dog" in shown(app)


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
        await app.show_result(999)
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
        app.screen.query_one(Input).value = "some.json"
        await pilot.press("enter")
        await until((tmp_path / "some.json").exists, pilot)
        await settle(app, pilot)
        found = json.loads((tmp_path / "some.json").read_text(encoding="utf-8"))
        assert [row["result_id"] for row in found] == list(view.table.marked)


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
        ('for last; do :; done; echo "page-of-$last"', "the report is page-of-model LIKE"),
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


# Whatever the data


@pytest.mark.e2e
async def test_hostile_names_are_text_everywhere(hostile: Path, open_app: OpenApp) -> None:
    async with open_app(hostile) as (app, pilot):
        view = await results(app, pilot)

        async def look(*keys: str) -> str:
            await pilot.press(*keys)
            await settle(app, pilot)
            text = shown(app)
            assert "\x1b" not in text
            assert "\u202e" not in text
            assert len(text.splitlines()) == 40
            return text

        text = await look()
        assert "[/]" in text
        assert "model[v3]" in text
        for _ in range(len(HOSTILE)):
            await look("down")
        await look("b", "down", "space", "enter")  # Groups.
        await look("enter")
        view.filter.value = ""
        await look("escape")
        await look("space", "space", "space", "c")
        await look("down", "right")
        await look("left_square_bracket")
        for _ in range(5):
            await look("right", "down")
            await look("n")
        await look("left_square_bracket")
        table = view.table.table
        for number in list(table.ids):
            view.show_result(number)
            for _ in PARTS:
                await look("right_square_bracket")
            await look("escape")
        await look("y")
        assert "\x1b" not in app.clipboard


async def test_an_empty_store(store_path: Path, open_app: OpenApp) -> None:
    async with open_app(store_path) as (app, pilot):
        await results(app, pilot)
        assert "0 results" in status(app)
        for key in ("s", "space", "enter", "y", "c", "pagedown"):
            await pilot.press(key)
            await settle(app, pilot)
        await pilot.press("right_square_bracket")
        await settle(app, pilot)
        assert "no latency among these results" in shown(app)


async def test_no_store_at_all(store_path: Path, open_app: OpenApp) -> None:
    async with open_app(store_path, readonly=True) as (app, pilot):
        await results(app, pilot)
        await pilot.press("right_square_bracket", "right_square_bracket")
        await settle(app, pilot)
        assert "Nothing to compare yet" in shown(app)


async def test_ascii_only(laws: Path, open_app: OpenApp) -> None:
    async with open_app(laws, ascii=True, readonly=True) as (app, pilot):
        await results(app, pilot)
        for _ in range(3):
            text = "\n".join(shown(app).splitlines()[1:-1])
            assert text.isascii(), [letter for letter in text if not letter.isascii()]
            await pilot.press("right_square_bracket")
            await settle(app, pilot)


def test_the_grid_has_as_many_cases_as_it_says() -> None:
    assert CASES == 8 * 4 * 7 * 6
