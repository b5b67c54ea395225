"""The tab Results, driven by keys: its table, whatever is in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.tui.big_store import CASES
from store import Store
from tests.tui.conftest import OpenApp, settle, shown, until
from tests.tui.data import HOSTILE, Clock, add_job
from tests.tui.records import result
from tests.tui.results import SIZES, results, status, write
from tui.messages import ShowResults
from tui.screens.result_detail import PARTS
from tui.views.results import ResultsView


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
        assert ("lat. ms" if size[0] == 80 else "latency ms") in shown(app)


@pytest.mark.parametrize(
    ("right", "key", "largest_first"), [(6, "rtfx", True), (5, "latency_ms", False)]
)
async def test_sorting_by_the_current_column_the_best_first_and_back(
    laws: Path, open_app: OpenApp, right: int, key: str, largest_first: bool
) -> None:
    async with open_app(laws, readonly=True) as (app, pilot):
        table = (await results(app, pilot)).table.table
        await pilot.press(*["right"] * right)
        assert table.current_column.key == key
        for descending in (largest_first, not largest_first):
            await pilot.press("s")
            await settle(app, pilot)
            rows = table.seen(table.ids[:20])
            figures = [value for row in rows if (value := row.value(key)) is not None]
            assert len(figures) == 20
            assert figures == sorted(figures, reverse=descending)
            assert f"by {table.current_column.label}" in status(app)
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


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("modle:tiny", "no column 'modle': did you mean model"),
        ("wer <", "filter: incomplete input"),
        ("wer < (1", "incomplete input"),
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


async def test_a_filter_that_nothing_fits_and_a_wrong_one_say_so(
    filled: Path, open_app: OpenApp
) -> None:
    async with open_app(filled, readonly=True) as (app, pilot):
        view = await results(app, pilot)
        await pilot.press("slash")
        await settle(app, pilot)
        assert "Apply esc Leave" in shown(app).splitlines()[-1]
        await pilot.press("escape")
        await write(app, pilot, "nothing-like-it")
        assert "No result fits the filter" in shown(app)
        await write(app, pilot, "werr<3")
        assert view.filter.styles.text_style.underline
        assert "what is shown is as it was before" in status(app)
        await write(app, pilot, "")
        assert not view.filter.styles.text_style.underline
        assert "No result fits" not in shown(app)


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
                assert cells["energy_j"](row)[0].startswith("≈") == (
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
        app.post_message(ShowResults(1))
        await settle(app, pilot)
        view = app.view
        assert isinstance(view, ResultsView)
        assert view.filter.value == "job=1"
        assert {row.job_id for row in view.table.table.seen(view.table.table.ids)} == {1}


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
        assert "no result here has a word error rate" in shown(app)


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
