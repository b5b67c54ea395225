"""Load in the report: the curve, the knee, what fails, and what an hour of audio costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from report.content import Bullets, Figure, Note, Section, Table
from report.load import Loaded, loaded_of, price_per_audio_hour
from report.page import build_page
from report.scenarios import Scenario, load_scenarios
from report.sections.load import load
from report.study import Study
from report.text import MISSING, number
from store import LoadLevel, Result, Store
from store.load_records import NOT_ASKED
from tests.report.synthetic import Grid, results_of
from tests.report.test_decoder import fill
from tests.report.test_load_change import level

BARE = next(iter(results_of(Grid(clips=1))))


def at(rate: float, p95_s: float, *, met: bool = True, **known: Any) -> LoadLevel:
    """A level of a queue that answers each request, with an interval of a tenth."""
    given: dict[str, Any] = {
        "rate_per_s": rate,
        "max_batch": 8,
        "requests_per_s": rate,
        "rtfx": 5.0 * rate,
        "goodput_per_s": rate,
        "latency_p50_s": p95_s / 2,
        "latency_p95_s": p95_s,
        "latency_p95_low_s": 0.9 * p95_s,
        "latency_p95_high_s": 1.1 * p95_s,
        "slo_met": met,
        "wer": 0.06,
    }
    return level(**given | known)


# In the order of a search, which tries what lies between at last.
SEARCH = (
    at(2, 0.2),
    at(4, 0.4),
    at(8, 4.0, met=False, requests_per_s=7.0, errors=9, errors_by_kind='{"timeout": 9}'),
    at(6, 1.9),
)


def loaded(*levels: LoadLevel) -> Result:
    return replace(BARE, load_levels=levels)


def section_of(path: Path, scenarios: Sequence[Scenario] = ()) -> Section | None:
    with Store.open(path, readonly=True) as store:
        return load(Study.read(store), scenarios)


def lines_of(path: Path) -> list[Loaded]:
    with Store.open(path, readonly=True) as store:
        return loaded_of(Study.read(store))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return fill(tmp_path / "store.db", [loaded(*SEARCH)])


def test_the_curve_the_knee_and_the_levels(path: Path) -> None:
    section = section_of(path)
    assert section is not None
    knee, figure, table, lost = section.blocks
    assert isinstance(knee, Bullets) and isinstance(figure, Figure)
    assert isinstance(table, Table) and isinstance(lost, Note)
    ((lead, sentence),) = knee.items
    assert "batches to 8, poisson arrivals" in lead
    # The interval at 6 reaches beyond the 2 s: it was met, but not surely.
    assert sentence == (
        "6 requests a second with 95 of 100 answers within 2,000 ms (4 surely, 8 surely not); "
        "that is 30.0 hours of audio an hour."
    )
    assert figure.name == "latency-by-rate" and "1 lines" not in figure.alt
    assert [row[1] for row in table.rows] == [
        f"{rate} a second, poisson, batches to 8" for rate in (2, 4, 6, 8)
    ]
    assert [row[2] for row in table.rows] == ["2.00", "4.00", "6.00", "7.00"]
    assert [row[4] for row in table.rows] == [
        "200 [180, 220]",
        "400 [360, 440]",
        "1,900 [1,710, 2,090]",
        "!4,000 [3,600, 4,400]",
    ]
    assert [row[6] for row in table.rows] == ["0 of 60"] * 3 + ["9 of 60"]
    assert {row[7] for row in table.rows} == {"6.0"}
    assert "cost" not in [column.title for column in table.columns]
    assert "timeout 9" in lost.text


def test_cost_is_the_machines_price_by_the_audio_that_is_answered(path: Path) -> None:
    priced = load_scenarios()[0].model_copy(update={"price_per_hour": {"cpu": 3.0}})
    section = section_of(path, [*load_scenarios(), priced])
    assert section is not None
    knee, _, table, _ = section.blocks
    assert isinstance(knee, Bullets) and isinstance(table, Table)
    assert knee.items[0][1].endswith("30.0 hours of audio an hour, at 0.100 each.")
    # The last level missed the SLO: nobody would run a service there.
    assert [row[-1] for row in table.rows] == ["0.300", "0.150", "0.100", MISSING]
    assert any("3 for an hour of the machine" in note for note in table.notes)
    elsewhere = priced.model_copy(update={"price_per_hour": {"cuda*": 3.0}})
    section = section_of(path, [elsewhere])
    assert section is not None and isinstance(table := section.blocks[2], Table)
    assert "cost" not in [column.title for column in table.columns]


def test_a_level_that_ended_early_or_missed_has_no_price() -> None:
    assert price_per_audio_hour(at(4, 0.4), 2.0) == pytest.approx(0.1)
    assert price_per_audio_hour(at(4, 0.4, met=False), 2.0) is None
    assert price_per_audio_hour(at(4, 0.4, held=False), 2.0) is None
    assert price_per_audio_hour(at(4, 0.4, rtfx=None), 2.0) is None


def test_ways_of_sending_are_lines_of_their_own_and_loops_have_no_knee(tmp_path: Path) -> None:
    loop = {"mode": "closed", "rate_per_s": None, "arrivals": None}
    levels = (
        *(at(rate, 0.1, max_batch=None) for rate in (2, 1)),
        *(at(0, 0.1, concurrency=n, requests_per_s=n, **loop) for n in (4, 1)),
        at(4, 0.1, held=False, reason="50 requests in a row have failed", max_batch=1),
    )
    path = fill(tmp_path / "store.db", [loaded(*levels)])
    found = lines_of(path)
    assert [[one.rate_per_s or one.concurrency for one in line.levels] for line in found] == [
        [1, 2],
        [1, 4],
        [4],
    ]
    knees = [line.knee for line in found]
    assert knees[0] is not None and knees[0].rate == 2 and knees[1:] == [None, None]
    section = section_of(path)
    assert section is not None and isinstance(table := section.blocks[2], Table)
    assert table.rows[-1][1].startswith("+4 a second")
    assert any("ended early, 50 requests in a row" in note for note in table.notes)


def test_copies_of_a_model_are_curves_of_their_own(tmp_path: Path) -> None:
    levels = (
        *(at(rate, 0.1, replicas=1) for rate in (1, 2)),
        *(at(rate, 0.1, replicas=2) for rate in (2, 4)),
        at(8, 4.0, met=False, replicas=2),
    )
    path = fill(tmp_path / "store.db", [loaded(*levels)])
    assert [len(line.levels) for line in lines_of(path)] == [2, 3]
    section = section_of(path)
    assert section is not None
    (table,) = [block for block in section.blocks if isinstance(block, Table)]
    assert [column.title for column in table.columns].count("streams") == 1
    column = [column.title for column in table.columns].index("streams")
    (threads,) = {line.case.row.threads for line in lines_of(path)}
    assert threads
    told = [row[column] for row in table.rows]
    assert told == [*(number(5.0 * x / threads) for x in (1, 2, 1, 2)), MISSING]
    assert table.rows[2][1].endswith("batches to 8, 2 models")
    assert any(note.startswith("Streams a thread") for note in table.notes)


def test_levels_without_answers_make_no_curve(tmp_path: Path) -> None:
    nothing = {"requests_per_s": 0.0, "latency_p95_s": None, "latency_p50_s": None, "wer": None}
    path = fill(tmp_path / "store.db", [loaded(at(4, 0.1, met=False, held=False, **nothing))])
    section = section_of(path)
    assert section is not None and isinstance(table := section.blocks[0], Table)
    assert table.rows[0][3:5] == (MISSING, f"!{MISSING}")
    assert "No p95 from fewer than 20 answers." in table.notes


def test_there_is_none_where_nothing_was_loaded(tmp_path: Path) -> None:
    assert section_of(fill(tmp_path / "store.db", [BARE])) is None


def test_joules_are_told_by_the_audio_hour_with_their_label(tmp_path: Path) -> None:
    drawn = {"energy_j": 600.0, "energy_label": "estimated", "energy_source": "codecarbon"}
    levels = (at(2, 0.2, **drawn), at(4, 0.4, energy_reason="a window of 1 s is too short"))
    section = section_of(fill(tmp_path / "store.db", [loaded(*levels)]))
    assert section is not None
    (table,) = (block for block in section.blocks if isinstance(block, Table))
    assert (table.columns[-1].title, table.columns[-1].unit) == ("energy", "J per audio hour")
    # 20 W over 10 seconds of audio a second.
    assert [row[-1] for row in table.rows] == ["≈7,200", MISSING]
    assert "≈ estimated by a model of power, not measured." in table.notes
    assert "No energy: a window of 1 s is too short." in table.notes


def test_joules_that_nobody_asked_for_are_not_spoken_of(tmp_path: Path) -> None:
    levels = [replace(one, energy_reason=NOT_ASKED) for one in SEARCH]
    section = section_of(fill(tmp_path / "store.db", [loaded(*levels)]))
    assert section is not None
    (table,) = (block for block in section.blocks if isinstance(block, Table))
    assert "energy" not in [column.title for column in table.columns]
    assert not [note for note in table.notes if "nergy" in note]


@pytest.mark.parametrize("beside", [False, True])
def test_the_levels_of_a_case_without_a_latency_are_shown(tmp_path: Path, *, beside: bool) -> None:
    untimed = replace(
        loaded(*SEARCH), model="other/model", case_key="untimed", latency=None, samples=()
    )
    path = fill(tmp_path / "store.db", [*([BARE] if beside else []), untimed])
    with Store.open(path, readonly=True) as store:
        page = build_page(Study.read(store), load_scenarios())
    section = next(one for one in page.sections if one.anchor == "load")
    table = next(block for block in section.blocks if isinstance(block, Table))
    assert len(table.rows) == len(SEARCH)
