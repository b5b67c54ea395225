"""What stands in brief: cost and words in one sentence each."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from report.content import Bullets
from report.sections.brief import brief
from report.study import Study
from store import Store
from tests.report.synthetic import WAV2VEC2, WHISPER, Grid, write_study

GRID = Grid(
    laws=(WHISPER[0], WAV2VEC2), devices=("cpu",), lengths=(15.0,), batches=(1,), variants=()
)


def bullets(path: Path) -> dict[str, str]:
    with Store.open_to_read(path) as store:
        (found,) = [
            block for block in brief(Study.read(store)).blocks if isinstance(block, Bullets)
        ]
    return dict(found.items)


def test_energy_and_memory_have_a_sentence(tmp_path: Path) -> None:
    write_study(tmp_path / "s.db", replace(GRID, noise=0.0))
    found = bullets(tmp_path / "s.db")
    # 0.02 and 0.06 s for a second of audio, and 0.05 s of each batch, at the same watts.
    assert found["Energy."].startswith(
        "At 15 s × 1, whisper-tiny on cpu needs the least for an hour of audio ("
    )
    assert "J, measured); wav2vec2-base-960h on cpu needs 2.7 times as much." in found["Energy."]
    assert found["Memory."].startswith("At 15 s × 1, the peak goes on cpu from ")
    assert found["Memory."].endswith("(wav2vec2-base-960h).")


def test_joules_that_do_not_compare_are_not_said(tmp_path: Path) -> None:
    write_study(tmp_path / "s.db", GRID)
    with closing(sqlite3.connect(tmp_path / "s.db")) as connection:
        connection.execute("UPDATE results SET energy_label = 'estimated' WHERE id = 1")
        connection.commit()
    assert "Energy." not in bullets(tmp_path / "s.db")
    write_study(tmp_path / "none.db", replace(GRID, energy=False))
    assert "Energy." not in bullets(tmp_path / "none.db")
