"""Report, terminal UI and the query of the docs speak of the same results."""

from __future__ import annotations

import re
import shlex
import sqlite3
from pathlib import Path

import pytest

from report.alike import Entry, common_lengths, common_point
from report.figures.scaling import joined
from report.sections.costs import front_table
from report.study import Study, front_candidates
from store import Store
from tests.report.demo_like import write_demo_like
from tests.report.synthetic import Grid, Law, write_study
from tui.results.plots import fixed_values, make_plot
from tui.results.points import Choices

DOCS = Path(__file__).parents[2] / "docs" / "store.md"


@pytest.fixture(scope="module")
def demo_like(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "asrprof.db"
    write_demo_like(path)
    return path


def entries(*found: tuple[str, str, float, int]) -> list[Entry]:
    return [Entry(model, (model, place), (length, batch)) for model, place, length, batch in found]


def test_the_point_is_that_of_most_models_then_of_most_configurations_then_the_largest() -> None:
    assert common_point([]) is None
    few = entries(("a", "cpu", 30, 8), ("a", "cuda", 30, 8), ("a", "cpu", 5, 1), ("b", "cpu", 5, 1))
    assert common_point(few) == (5, 1)
    equal = entries(
        ("a", "cpu", 5, 1), ("a", "cpu", 5, 8), ("a", "cpu", 30, 1), ("a", "cpu", 30, 4)
    )
    assert common_point(equal) == (30, 4)
    assert common_point([*equal, *entries(("a", "cuda", 5, 8))]) == (5, 8)


def test_lengths_are_those_of_more_than_half_of_the_models() -> None:
    assert common_lengths([]) == []
    models = [(name, "cpu", 5.0, 1) for name in "abcd"]
    longer = [(name, "cpu", 15.0, 4) for name in "abc"]
    longest = [(name, "cpu", 60.0, 4) for name in "ab"]
    assert common_lengths(entries(*models, *longer, *longest)) == [5.0, 15.0]
    # No length is shared by more than half: that of most.
    assert common_lengths(entries(("a", "x", 1, 1), ("b", "x", 2, 1), ("b", "x", 3, 1))) == [3]


def of_report(path: Path) -> set[tuple[str, str, str, float, int]]:
    with Store.open(path, readonly=True) as store:
        study = Study.read(store)
        table = front_table(study)
        names = {case.title: case for case in front_candidates(study)}
    assert table is not None
    front = [names[f"{row[0]}, {row[1]}"] for row in table.rows]
    return {(c.row.model, c.row.device, c.row.variant, *c.point) for c in front}


def of_terminal(path: Path) -> set[tuple[str, str, str, float, int]]:
    with Store.open(path, readonly=True) as store:
        rows = store.browse.newest()
    plot = make_plot(rows, Choices("wer-rtfx"))
    ids = {point.id for point in plot.front}
    return {
        (row.model, row.device, row.variant, row.audio_seconds, row.batch_size)
        for row in rows
        if row.result_id in ids
    }


def of_docs(path: Path) -> set[tuple[str, str, str, float, int]]:
    blocks = re.findall(r"^```bash\n(.*?)^```", DOCS.read_text(), re.S | re.M)
    (query,) = (shlex.split(block)[2] for block in blocks if "alike" in block)
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    found = connection.execute(query).fetchall()
    names = ("model", "device", "variant", "audio_seconds", "batch_size")
    return {tuple(row[name] for name in names) for row in found}  # type: ignore[misc]


def test_all_three_name_the_same_front_of_the_demo(demo_like: Path) -> None:
    expected = {
        ("small-parakeet-ctc", "cpu", "fp32", 5.0, 1),
        ("small-whisper", "cpu", "fp32", 5.0, 1),
    }
    # wav2vec 2.0 takes 90 ms and makes more errors than Whisper in 62 ms.
    assert of_report(demo_like) == of_terminal(demo_like) == of_docs(demo_like) == expected


def test_all_three_name_the_same_front_of_a_full_grid(study_path: Path) -> None:
    front = of_report(study_path)
    # The largest point that every configuration has: medium ran out of memory at 60 s x 16.
    assert {(length, batch) for *_, length, batch in front} == {(60.0, 8)}
    assert {model for model, *_ in front} == {
        "facebook/wav2vec2-base-960h",
        *(f"openai/whisper-{size}" for size in ("tiny", "base", "small", "medium")),
    }
    assert of_terminal(study_path) == front
    assert of_docs(study_path) == front


def test_another_engine_is_another_series(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    for engine, seconds in (("whisper", 0.02), ("onnx", 0.01)):
        law = Law("openai/whisper-tiny", engine, 1, seconds, 0.0, 1.0, 0.10, 0.0)
        grid = Grid(laws=(law,), devices=("cpu",), variants=(), out_of_memory=False, rounds=4)
        write_study(path, grid, name=engine)
    with Store.open(path, readonly=True) as store:
        plot = make_plot(store.browse.newest(), Choices("wer-rtfx"))
    assert {series.label for series in plot.series} == {"whisper-tiny", "whisper-tiny onnx"}
    assert len(plot.front) == 1
    assert len(of_report(path)) == len(of_docs(path)) == 1


def test_charts_begin_at_the_reports_length_and_batch(demo_like: Path) -> None:
    with Store.open(demo_like, readonly=True) as store:
        rows = store.browse.newest()
        bars = Study.read(store)
        assert bars.common_point(bars.baseline) == (5.0, 1)
    assert fixed_values(rows, Choices("wer-rtfx")) == {"audio_seconds": "5", "batch_size": "1"}
    assert fixed_values(rows, Choices("latency-batch")) == {"audio_seconds": "5"}
    assert fixed_values(rows, Choices("latency-length")) == {"batch_size": "1"}
    longer = Choices("wer-rtfx", audio_seconds="15")
    # Only batch 4 was measured at that length.
    assert fixed_values(rows, longer) == {"audio_seconds": "15", "batch_size": "4"}
    quickest = Choices("wer-rtfx", batch_size="any")
    assert make_plot(rows, quickest).title.endswith("5 s of audio, each at its quickest batch size")


def test_a_line_of_memory_joins_one_length_alone(study_path: Path) -> None:
    with Store.open(study_path, readonly=True) as store:
        study = Study.read(store)
    here = [case for case in study.baseline if case.place == "cpu"]
    lines = joined(here)
    assert sum(len(line) for _, line in lines) == len(here)
    for model, line in lines:
        assert {case.model for case in line} == {model}
        assert len({case.row.audio_seconds for case in line}) == 1
        assert [case.row.batch_size for case in line] == [1, 4, 8, 16]
