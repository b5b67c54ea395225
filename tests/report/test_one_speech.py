"""Figures of other speech are never judged together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from report.one_speech import of_one_speech, what_is_left_out
from report.page import build_page
from report.recommend import recommend
from report.regression import compare_results, compare_studies
from report.render.markdown import render_markdown
from report.scaling import saturations
from report.scenarios import load_scenarios
from report.study import Study
from runner.cli.app import main
from store import Store
from tests.report.synthetic import WAV2VEC2, WHISPER, Grid, write_study

SMALL = Grid(
    laws=(WHISPER[0], WAV2VEC2), devices=("cpu",), lengths=(5.0, 15.0), batches=(1, 4), variants=()
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """asrprof's own speech first, in which there is hardly an error, then a folder of calls."""
    easy = tuple(replace(law, wer=0.0) for law in (*WHISPER[1:3], WAV2VEC2))
    write_study(tmp_path / "s.db", replace(SMALL, laws=easy), name="demo")
    write_study(tmp_path / "s.db", SMALL, name="mine", folder="/home/me/calls")
    return tmp_path / "s.db"


def test_a_choice_is_among_the_speech_that_was_measured_last(path: Path) -> None:
    with Store.open_to_read(path) as store:
        study = Study.read(store)
        chosen = [recommend(scenario, study).choice for scenario in load_scenarios()]
    assert study.data == "calls"
    assert study.models == ("whisper-tiny", "wav2vec2-base-960h")
    assert [(one.data, one.results) for one in study.other_data] == [("builtin", 12)]
    assert {choice.row.data for choice in chosen if choice is not None} == {"/home/me/calls"}
    said = what_is_left_out(study.other_data)
    assert said is not None
    assert "12 results of builtin" in said and "`--where data:builtin`" in said


def test_the_other_speech_is_a_filter_away(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["recommend", "--store", str(path), "--where", "data:builtin"]) == 0
    out = capfd.readouterr().out
    assert "whisper-base on cpu" in out and "whisper-tiny" not in out
    assert "Left out" not in out
    assert main(["recommend", "--store", str(path)]) == 0
    out = " ".join(capfd.readouterr().out.split())
    assert "whisper-tiny on cpu" in out and "whisper-base" not in out
    assert "Of the speech of calls. Left out" in out


def test_the_report_says_what_it_is_of(path: Path) -> None:
    with Store.open_to_read(path) as store:
        page = build_page(Study.read(store), load_scenarios())
    assert ("speech", "calls") in page.facts
    text = render_markdown(page)
    assert "12 results of builtin" in text
    assert "whisper-base" not in text


def test_no_law_goes_through_points_of_other_speech(tmp_path: Path) -> None:
    """The same model has one batch size of each speech: no batch size can saturate it."""
    path = tmp_path / "s.db"
    write_study(path, replace(SMALL, batches=(1, 4)), name="demo")
    write_study(path, replace(SMALL, batches=(8,)), name="mine", folder="/home/me/calls")
    with Store.open_to_read(path) as store:
        assert saturations(Study.read(store).ok) == []
        both = Study(store.path, store.study.rows(), store.study.environments(), store.study)
        assert {case.model for case in both.cases} == {
            f"{model} ({data})"
            for model in ("whisper-tiny", "wav2vec2-base-960h")
            for data in ("builtin", "calls")
        }


def test_a_comparison_pairs_the_same_speech(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "b.db"
    write_study(other, replace(SMALL, factor=1.1), name="mine", folder="/mnt/calls")
    with Store.open_to_read(path) as a, Store.open_to_read(other) as b:
        # The same folder by another path, on another machine: what is paired is of one speech.
        found = compare_studies(Study.read(a), Study.read(b))
        assert len(found.pairs) == 8
        assert {pair.other_work for pair in found.pairs} == {None}
        demo = Study.read(a, where="data = 'builtin'")
        found = compare_studies(demo, Study.read(b))
        assert {pair.other_work for pair in found.pairs} == {"speech of builtin against calls"}
        assert not any(pair.latency.significant for pair in found.pairs)
        numbers = [row.result_id for row in a.study.rows() if row.model.endswith("960h")]
        (first, *_) = compare_results(a, [numbers[0], numbers[-1]]).pairs
        assert "builtin" in first.a.title and "calls" in first.b.title


def test_nothing_is_left_out_of_one_speech(path: Path) -> None:
    with Store.open_to_read(path) as store:
        rows = store.study.rows(where="data = 'builtin'")
    assert of_one_speech(rows) == (rows, ())
    assert of_one_speech([]) == ([], ())
    assert what_is_left_out(()) is None


def test_results_has_a_column_where_there_are_several(
    path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    assert main(["results", "--store", str(path)]) == 0
    table = capfd.readouterr().out
    assert any("data" in line.split() for line in table.splitlines()[:3])
    assert table.count(" calls ") == 8 and table.count(" builtin ") >= 12
    assert main(["results", "--store", str(path), "--where", "data:calls"]) == 0
    assert "builtin" not in capfd.readouterr().out
