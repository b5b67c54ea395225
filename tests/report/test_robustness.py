"""Noise and silence in the report: the chart, both tables, and what does not compare."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from report.content import Figure, Section, Table, Text
from report.page import build_page
from report.render.html import render_html
from report.scenarios import load_scenarios
from report.study import Study
from store import NoiseLevel, Result, Store
from tests.report.synthetic import Grid, results_of
from tests.report.test_decoder import fill

BARE = next(iter(results_of(Grid(clips=1))))


def level(condition: str, **known: Any) -> NoiseLevel:
    given: dict[str, Any] = {field.name: None for field in fields(NoiseLevel)}
    given |= {"condition": condition, "clips": 20, "audio_s": 90.0, "scored": 20}
    return NoiseLevel(**given | {"headline": "WER", "normaliser": "asrprof/english-2"} | known)


def listened(model: str, loss: float, **known: Any) -> Result:
    """A result whose rate is 5 % and grows by ``loss`` at each step of noise."""
    steps = (("clean", None, None), ("noise", "white", 20.0), ("noise", "white", 0.0))
    rates = [
        level(
            condition,
            noise=noise,
            snr_db=snr,
            wer=0.05 + loss * step,
            wer_low=0.04 + loss * step,
            wer_high=0.07 + loss * step,
            **known,
        )
        for step, (condition, noise, snr) in enumerate(steps)
    ]
    quiet = level(
        "silence",
        clips=6,
        audio_s=68.0,
        scored=0,
        invented=7,
        invented_per_minute=7 / (68 / 60),
        clips_with_text=3,
        example="Thank you.",
    )
    return replace(BARE, case_key=model, model=model, noise_levels=(*rates, quiet))


def section_of(path: Path) -> Section | None:
    with Store.open(path, readonly=True) as store:
        page = build_page(Study.read(store), load_scenarios())
        assert render_html(page)
    return next((found for found in page.sections if found.anchor == "robustness"), None)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


def test_a_line_a_model_and_both_tables(path: Path) -> None:
    section = section_of(fill(path, [listened("a/one", 0.1), listened("b/two", 0.2)]))
    assert section is not None
    figure, rates, made_up = section.blocks
    assert isinstance(figure, Figure) and isinstance(rates, Table) and isinstance(made_up, Table)
    assert figure.name == "error-rate-by-noise" and "2 in all" in figure.alt
    assert [column.title for column in rates.columns[1:]] == [
        "as it is",
        "white 20 dB",
        "white 0 dB",
    ]
    assert [row[0] for row in rates.rows] == ["one on cpu", "two on cpu"]
    assert rates.rows[1][1:] == ("5.0 [4.00, 7.00]", "25.0 [24.0, 27.0]", "45.0 [44.0, 47.0]")
    assert "20 utterances by asrprof/english-2" in rates.notes[0]
    assert made_up.rows[0][1:] == ("digital silence", "68", "3 of 6", "6.18", "Thank you.")


@pytest.mark.e2e
@pytest.mark.parametrize(
    "other", [{"normaliser": "asrprof/words-2"}, {"audio_s": 91.0}, {"headline": "CER", "cer": 0.1}]
)
def test_rates_that_do_not_compare_are_in_no_chart_together(
    path: Path, other: dict[str, Any]
) -> None:
    results = [listened("a/one", 0.1), listened("b/two", 0.2), listened("c/three", 0.3, **other)]
    section = section_of(fill(path, results))
    assert section is not None
    figure, text, rates, made_up = section.blocks
    assert isinstance(figure, Figure) and isinstance(text, Text)
    assert isinstance(rates, Table) and isinstance(made_up, Table)
    assert "2 in all" in figure.alt
    assert text.text.startswith("1 case not in the figure")
    assert [row[0] for row in rates.rows] == ["one on cpu", "two on cpu"]
    # What is made up of silence is each model's own.
    assert len(made_up.rows) == 3


def test_there_is_none_where_nothing_was_measured(path: Path) -> None:
    assert section_of(fill(path, [BARE])) is None
