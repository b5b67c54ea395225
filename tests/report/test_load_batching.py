"""Batches against one at a time in the report: by how much, and what bounds them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from report.content import Bullets, Table
from report.load_batching import Batching, batchings_of, carried_of
from report.text import MISSING
from store import LoadLevel
from tests.report.test_decoder import fill
from tests.report.test_load import at, lines_of, loaded, section_of
from tests.report.test_load_change import level

SLO_S = 2.0


def loop(clients: int, size: int, batch_s: float, *, max_batch: int, **known: Any) -> LoadLevel:
    """A closed loop whose batches of ``size`` take ``batch_s``, without waits between them."""
    rate = size / batch_s
    mean_s = clients / rate
    given: dict[str, Any] = {
        "mode": "closed",
        "rate_per_s": None,
        "arrivals": None,
        "concurrency": clients,
        "max_batch": max_batch,
        "max_wait_s": 0.01,
        "requests_per_s": rate,
        "goodput_per_s": rate if mean_s <= SLO_S else 0.0,
        "latency_mean_s": mean_s,
        "latency_mean_low_s": mean_s / 1.1,
        "latency_mean_high_s": mean_s * 1.1,
        "latency_p95_s": mean_s,
        "slo_p95_s": SLO_S,
        "slo_met": mean_s <= SLO_S,
        "service_mean_s": batch_s,
        "batch_mean": float(size),
    }
    return level(**given | known)


def blocks_of(tmp_path: Path, *levels: LoadLevel) -> tuple[Bullets, Table]:
    section = section_of(fill(tmp_path / "store.db", [loaded(*levels)]))
    assert section is not None
    (told,) = (one for one in section.blocks if isinstance(one, Bullets))
    tables = [one for one in section.blocks if isinstance(one, Table)]
    return told, tables[1]


def test_a_batch_that_costs_as_much_as_its_requests_brings_nothing(tmp_path: Path) -> None:
    told, table = blocks_of(
        tmp_path,
        loop(1, 1, 0.25, max_batch=1),
        loop(1, 1, 0.25, max_batch=8),
        loop(8, 1, 0.25, max_batch=1),
        loop(8, 8, 1.8, max_batch=8),
    )
    ((lead, sentence),) = told.items
    assert lead.endswith("batches to 8:")
    assert sentence == (
        "4.44 good answers a second at most (8 at once), one at a time 4.00 (1 at once): 1.11 "
        "times as many. A batch of 8.0 takes 7.20 times as long as one request, so that in the "
        "long run such batches give at most 1.11 times as many answers."
    )
    first, second = table.rows
    assert first[1:] == (
        *("1 at once, batches to 8", "1.00", "250", "250", "1.00", "1.00"),
        *("1.00 [0.874, 1.14]", "4.00", "4.00", "1.00"),
    )
    assert second[1:] == (
        *("8 at once, batches to 8", "8.00", "250", "1,800", "7.20", "1.11"),
        *("1.11 [0.971, 1.27]", "4.00", "4.44", "1.11"),
    )


def test_a_batch_that_costs_little_carries_its_factor(tmp_path: Path) -> None:
    told, _ = blocks_of(tmp_path, loop(8, 1, 0.25, max_batch=1), loop(8, 8, 0.5, max_batch=8))
    ((_, sentence),) = told.items
    assert "4.00 times as many. A batch of 8.0 takes 2.00 times as long" in sentence
    assert "give at most 4.00 times" in sentence
    assert "waiting" not in sentence and "SLO" not in sentence


def test_more_goodput_than_the_bound_on_answers_is_explained(tmp_path: Path) -> None:
    told, _ = blocks_of(
        tmp_path,
        # Eight clients wait 2.4 s of one at a time, and 1.6 s of batches: the SLO lies between.
        loop(8, 1, 0.3, max_batch=1, goodput_per_s=0.1),
        loop(8, 8, 1.6, max_batch=8),
    )
    ((_, sentence),) = told.items
    assert "0.100 (8 at once): 50.0 times as many." in sentence
    assert "give at most 1.50 times as many answers. Goodput shows more, because" in sentence


def test_batches_that_were_not_full_and_those_beyond_the_slo_say_so(tmp_path: Path) -> None:
    told, table = blocks_of(
        tmp_path,
        loop(2, 1, 1.5, max_batch=1, goodput_per_s=0.0),
        loop(2, 2, 2.5, max_batch=8),
    )
    ((_, sentence),) = told.items
    assert sentence.startswith("no answer within the SLO at any load, one at a time none. A batch")
    assert "Of at most 8 in a batch, 2.0 were: few were waiting." in sentence
    assert "takes 2.50 s, longer than the SLO of 2 s" in sentence
    # No ratio of nothing.
    assert table.rows[0][-1] == MISSING


def test_the_knees_are_set_against_each_other_with_what_is_sure_of_them(tmp_path: Path) -> None:
    def tried(rate: float, p95_s: float, size: int, **known: Any) -> LoadLevel:
        served = {"max_wait_s": 0.01, "batch_mean": float(size), "service_mean_s": 0.1 * size}
        return at(rate, p95_s, **served | known)

    path = fill(
        tmp_path / "store.db",
        [
            loaded(
                *(tried(rate, 0.4, 1, max_batch=1) for rate in (2, 4)),
                tried(5, 1.9, 1, max_batch=1),
                tried(6, 4.0, 1, max_batch=1, met=False),
                *(tried(rate, 0.4, 4) for rate in (2, 7)),
                tried(8, 1.9, 4),
                tried(9, 4.0, 4, met=False),
            )
        ],
    )
    (one,) = carried_of(lines_of(path))
    assert one.knees is not None and one.knees.value == pytest.approx(8 / 5)
    # From 7 surely by 6 surely not, to 9 surely not by 4 surely.
    assert one.knees.low == pytest.approx(7 / 6) and one.knees.high == pytest.approx(9 / 4)
    section = section_of(path)
    assert section is not None
    told = [block for block in section.blocks if isinstance(block, Bullets)][-1]
    assert told.items[0][1].startswith(
        "8.00 requests a second at the knee, one at a time 5.00: 1.60 [1.17, 2.25] times as many."
    )
    assert [pair.batched.rate_per_s for pair in batchings_of(lines_of(path))] == [2]


@pytest.mark.parametrize(
    "other",
    [
        {"max_batch": None},
        {"max_batch": 4},
        {"max_batch": 1, "max_wait_s": 0.5},
        {"max_batch": 1, "slo_p95_s": 1.0},
        {"max_batch": 1, "paced": True},
    ],
)
def test_what_was_served_or_judged_otherwise_is_no_pair(
    tmp_path: Path, other: dict[str, Any]
) -> None:
    levels = (loop(8, 8, 0.5, max_batch=8), loop(8, 1, 0.25, **other))
    found = lines_of(fill(tmp_path / "store.db", [loaded(*levels)]))
    assert not batchings_of(found) and not carried_of(found)


def test_without_the_times_of_the_service_there_is_no_bound(tmp_path: Path) -> None:
    unknown: dict[str, Any] = {"service_mean_s": None, "batch_mean": None}
    told, table = blocks_of(
        tmp_path,
        loop(8, 1, 0.25, max_batch=1, **unknown),
        loop(8, 8, 0.5, max_batch=8, **unknown),
    )
    assert told.items[0][1].endswith("4.00 times as many.")
    assert table.rows[0][5:7] == (MISSING, MISSING)


def test_a_loop_with_errors_has_no_interval() -> None:
    # Its clients pause after each failure: Little's law does not give their rate.
    single, batched = loop(8, 1, 0.25, max_batch=1), loop(8, 8, 1.0, max_batch=8, errors=3)
    found = Batching(None, "", single, batched)  # type: ignore[arg-type]
    assert found.answers is not None
    assert found.answers.value == pytest.approx(2.0) and found.answers.low is None
