"""What a recommendation admits: what chance cannot tell from it, and what is better elsewhere."""

from __future__ import annotations

import json
import shlex
import sqlite3
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from report import rivals
from report.content import Card, Table
from report.recommend import Recommendation, recommend
from report.regression import compare_results
from report.rivals import Doubts
from report.scenarios import load_scenarios
from report.sections.brief import brief
from report.sections.recommendations import card_of
from report.sections.tables import study_tables
from report.settle import settling
from report.study import Study
from store import Store
from tests.report.demo_like import write_demo_like
from tests.report.synthetic import Grid, Law, write_study

ALIKE = (
    Law("lab/alpha", "ctc", 1, 0.010, 0.0, 1.0, 0.10, 0.0),
    Law("lab/beta", "ctc", 1, 0.010, 0.0, 1.0, 0.10, 0.0),
    Law("lab/gamma", "ctc", 1, 0.040, 0.0, 1.0, 0.60, 0.0),
)
"""Two that cost the same, and one that is worse in everything."""

SMALL = Grid(
    laws=ALIKE,
    devices=("cpu",),
    lengths=(5.0,),
    batches=(1,),
    variants=(),
    out_of_memory=False,
    noise=0.05,
    rounds=6,
    by_chance=True,
)


def found_in(path: Path) -> dict[str, Recommendation]:
    with Store.open(path, readonly=True) as store:
        study = Study.read(store)
        return {one.name: recommend(one, study) for one in load_scenarios()}


def facts(card: Card) -> dict[str, str]:
    return dict(card.facts)


@pytest.fixture(scope="module")
def demo_like(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("doubts") / "asrprof.db"
    write_demo_like(path)
    return path


def test_throughput_and_latency_are_judged_at_different_points(demo_like: Path) -> None:
    found = found_in(demo_like)
    points = {name: one.choice.point for name, one in found.items() if one.choice}
    # Three of the four models with a WER were measured at 15 s: more than half.
    assert points["production"] == points["balanced"] == points["quality"] == (15.0, 4)
    assert points["edge"] == points["real-time"] == (5.0, 1)


def test_a_faster_model_whose_errors_may_be_in_bounds_is_named(demo_like: Path) -> None:
    production = found_in(demo_like)["production"]
    assert production.choice is not None
    assert production.choice.model == "small-whisper"
    (rival,) = production.doubts.left_out
    assert rival.case.model == "small-parakeet-ctc"
    # 50 + 60 * 1.5 ms against 50 + 60 * 2.5 ms.
    assert rival.against.startswith("1.43 times as fast, ")
    assert not production.doubts.certain
    card = card_of(production)
    assert "small-parakeet-ctc on cpu, 15 s × 4 (1.43 times" in facts(card)["may qualify"]


def test_what_is_shaky_stands_in_the_card(demo_like: Path, tmp_path: Path) -> None:
    path = tmp_path / "shaky.db"
    path.write_bytes(demo_like.read_bytes())
    with sqlite3.connect(path) as connection:
        connection.execute(
            "update results set stable = 0, stable_reason = 'drift +13 %', threads = 1, "
            "energy_label = 'estimated'"
        )
    edge = card_of(found_in(path)["edge"])
    notes = " ".join(edge.notes)
    assert "The latency of the choice was not stable: drift +13 %." in edge.notes
    assert "It ran on 1 thread of 16 logical CPUs." in edge.notes
    assert "Its WER is of 20 utterances, which is little speech." in edge.notes
    assert "Energy is only estimated by a model, not measured." in edge.notes
    assert "says nothing about real speech" in notes
    assert facts(edge)["latency"].startswith("~")
    assert facts(edge)["energy for an hour of audio"].endswith(", estimated")


def test_the_command_names_the_choice_and_its_rivals(demo_like: Path) -> None:
    production = found_in(demo_like)["production"]
    command = settling(production)
    assert command is not None
    words = shlex.split(command)
    assert words[:3] == ["asrprof", "run", "job:3"]
    settings = dict(word.split("=", 1) for word in words[4::2])
    assert json.loads(settings["models"]) == ["small-whisper", "small-parakeet-ctc"]
    assert json.loads(settings["audio_seconds"]) == [15.0]
    assert settings["limits.quality_utterances"] == "null"


def test_another_length_that_is_better_is_named_as_other_work(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    write_study(path, SMALL)
    longer = Grid(**{**vars(SMALL), "laws": ALIKE[:1], "lengths": (60.0,), "batches": (8,)})
    write_study(path, longer, name="longer")
    production = found_in(path)["production"]
    assert production.audio_seconds == 5.0  # One of three models is not most.
    rival = production.doubts.elsewhere
    assert rival is not None
    assert rival.case.point == (60.0, 8)
    # A second of audio takes 20 ms at 5 s x 1, and 10.1 ms at 60 s x 8.
    assert rival.against.startswith("2.0 times as fast with clips of 60 s, which is other work")
    assert "1 of 3 models" in rival.against
    assert "elsewhere" in facts(card_of(production))
    # A person who waits for an answer is not helped by longer clips.
    assert found_in(path)["real-time"].doubts.elsewhere is None


def test_what_is_far_apart_is_certain(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    write_study(path, Grid(**{**vars(SMALL), "laws": ALIKE[1:], "clips": 60}))
    for found in found_in(path).values():
        assert found.choice is not None
        assert found.choice.model == "beta"
        assert found.doubts.certain
        assert facts(card_of(found))["within chance"] == "no other configuration"


def test_what_two_alone_would_tell_apart_is_said_as_the_comparison_says_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rivals, "NAMED", 8)
    path = tmp_path / "store.db"
    slower = (Law(f"lab/slower-{n}", "ctc", 1, 0.0106, 0.0, 1.0, 0.12, 0.0) for n in range(8))
    laws = (Law("lab/first", "ctc", 1, 0.010, 0.0, 1.0, 0.10, 0.0), *slower)
    write_study(path, Grid(**{**vars(SMALL), "laws": laws, "clips": 60}))
    found = found_in(path)["real-time"]
    assert found.choice is not None
    told = {"time": 0, "words": 0, "neither": 0}
    with Store.open(path, readonly=True) as store:
        for rival in found.doubts.alike:
            ids = [found.choice.row.result_id, rival.case.row.result_id]
            (pair,) = compare_results(store, ids).pairs
            assert ("the choice is better" in rival.alone) == pair.latency.significant
            assert pair.wer is not None
            assert ("errors" in rival.against + rival.alone) == pair.wer.significant
            told["time"] += pair.latency.significant
            told["words"] += "errors" in rival.alone
            told["neither"] += not rival.alone
    assert min(told.values()) > 0, told  # Each was seen.
    apart = tuple(rival for rival in found.doubts.alike if rival.alone)
    card = card_of(replace(found, doubts=Doubts(alike=apart)))
    assert f"; compared alone: {apart[0].alone})" in facts(card)["within chance"]


def test_the_brief_ends_with_a_sentence_to_quote(demo_like: Path) -> None:
    with Store.open(demo_like, readonly=True) as store:
        (bullets,) = brief(Study.read(store)).blocks
    lead, text = bullets.items[-1]  # type: ignore[union-attr]
    assert lead == "To quote."
    assert text.startswith(
        "Of 4 models at 5 s × 1, small-whisper on cpu (Intel(R) Xeon(R) CPU @ 2.20GHz) made the "
        "fewest errors (WER 2.0 %, 20 utterances); small-parakeet-ctc on cpu was 1.1 times as fast"
    )
    assert text.endswith("(the speech is synthetic).")


def test_the_table_of_errors_marks_all_that_are_not_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    write_study(path, SMALL)
    with Store.open(path, readonly=True) as store:
        blocks = study_tables(Study.read(store)).blocks
    (table,) = (b for b in blocks if isinstance(b, Table) and b.caption == "Word error rate")
    marked = {table.rows[row][0] for row, _ in table.best}
    assert marked == {"alpha", "beta"}
    assert any("chance cannot tell" in note for note in table.notes)


@pytest.mark.e2e
@pytest.mark.timeout(3600)
def test_two_that_are_alike_are_rarely_told_apart(tmp_path: Path) -> None:
    certain: Counter[str] = Counter()
    repeats = 200
    for seed in range(repeats):
        path = tmp_path / f"{seed}.db"
        write_study(path, Grid(**{**vars(SMALL), "seed": seed}))
        for name, found in found_in(path).items():
            assert found.choice is not None
            assert found.choice.model != "gamma"
            certain[name] += found.doubts.certain
        path.unlink()
    assert max(certain.values()) < 0.05 * repeats, certain


PLANTED = (
    Law("lab/swift", "ctc", 1, 0.010, 0.0, 1.0, 0.086, 0.0),
    Law("lab/careful", "ctc", 1, 0.030, 0.0, 1.0, 0.050, 0.0),
    Law("lab/poor", "ctc", 1, 0.060, 0.0, 1.0, 0.400, 0.0),
)
"""One whose errors are between 1.5 and 2 times those of the best, and one that is worse in all."""

BEST = {
    "production": "swift",  # Its errors are allowed: at most twice the best.
    "edge": "swift",
    "real-time": "swift",
    "balanced": "careful",  # 1.5 times is what it allows.
    "quality": "careful",
}


@pytest.mark.e2e
@pytest.mark.timeout(3600)
def test_the_planted_best_is_chosen_in_each_scenario(tmp_path: Path) -> None:
    right: Counter[str] = Counter()
    certain_and_wrong: Counter[str] = Counter()
    repeats = 200
    for seed in range(repeats):
        path = tmp_path / f"{seed}.db"
        write_study(path, Grid(**{**vars(SMALL), "laws": PLANTED, "clips": 200, "seed": seed}))
        for name, found in found_in(path).items():
            assert found.choice is not None
            assert found.choice.model != "poor"
            chosen = found.choice.model == BEST[name]
            right[name] += chosen
            certain_and_wrong[name] += found.doubts.certain and not chosen
        path.unlink()
    assert right.keys() == BEST.keys()
    assert min(right.values()) >= 0.9 * repeats, right
    assert max(certain_and_wrong.values()) < 0.05 * repeats, certain_and_wrong
