"""The table of results on 80 columns: words and energy are in sight, and so is the run."""

from __future__ import annotations

from pathlib import Path

import pytest

from store import Store, StoreError
from tests.tui.conftest import OpenApp, shown
from tests.tui.results import results, status, write
from tui.results.narrow import FOLDED, narrow_columns

WIDTH = 18


def labels(shared: dict[str, object]) -> list[str]:
    return [column.label for column in narrow_columns(shared, model_width=WIDTH)]


def test_what_all_results_have_is_found(filled: Path) -> None:
    with Store.open_to_read(filled) as store:
        assert store.browse.shared(FOLDED) == {"device": "cpu", "variant": "fp32"}
        of_job = store.browse.shared(FOLDED, "job_id = 1")
        assert of_job == {"device": "cpu", "variant": "fp32", "job_id": 1}
        assert store.browse.shared(FOLDED, "job_id = 99") == {}, "there is nothing to share"
        with pytest.raises(StoreError):
            store.browse.shared(FOLDED, "nonsense(")


def test_what_is_the_same_for_all_stands_in_the_heading() -> None:
    assert labels({})[:4] == ["model", "device", "variant", "job"]
    folded = labels({"device": "cpu", "variant": "fp32"})
    assert folded[:2] == ["model on cpu fp32", "job"]
    assert "job" not in labels({"job_id": 3})
    long = labels({"device": "cuda:0", "variant": "int8-dynamic-compiled"})
    assert long[:3] == ["model", "device", "variant"], "a heading is never cut"


def test_folded_columns_leave_room_for_words_and_energy() -> None:
    columns = narrow_columns({"device": "cpu", "variant": "fp32"}, model_width=WIDTH)
    end = 4 + sum(
        column.width + 2 for column in columns[: [c.key for c in columns].index("energy_j") + 1]
    )
    assert end <= 77


async def test_words_energy_and_run_are_in_sight(filled: Path, open_app: OpenApp) -> None:
    async with open_app(filled, size=(80, 24), readonly=True) as (app, pilot):
        await results(app, pilot)
        heading = next(line for line in shown(app).splitlines() if "model on cpu fp32" in line)
        assert all(word in heading for word in ("job", "lat. ms", "RTFx", "WER %", " J"))
        await write(app, pilot, "job=1")
        heading = next(line for line in shown(app).splitlines() if "model on cpu fp32" in line)
        assert "job" not in heading
        assert "all of job 1" in status(app)
