"""Where no meter was read, the report leaves out what would say again what time says."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from report.content import Figure, Section, Table
from report.figures.style import Palette
from report.sections import costs
from report.study import Study
from store import Store
from tests.report.synthetic import WHISPER, Grid, write_study


def sections(path: Path) -> tuple[Section, Section]:
    with Store.open(path, readonly=True) as store:
        study = Study.read(store)
    palette = Palette.of(study.models)
    return costs.quality(study, palette), costs.explained(study, palette)


def costs_of_flops(section: Section) -> list[str]:
    tables = [block for block in section.blocks if isinstance(block, Table)]
    return [str(row[1]) for table in tables for row in table.rows]


def test_estimates_alone_have_no_front_and_no_correlation(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    grid = Grid(
        laws=WHISPER[:3], devices=("cpu",), lengths=(5.0, 30.0), batches=(1, 8), variants=()
    )
    write_study(path, grid)
    quality, explained = sections(path)
    names = [block.name for block in quality.blocks if isinstance(block, Figure)]
    assert names == ["wer-by-rtfx", "wer-by-energy"]
    assert costs_of_flops(explained) == ["latency", "energy"]
    with sqlite3.connect(path) as connection:
        connection.execute("update results set energy_label = 'estimated'")
    quality, explained = sections(path)
    names = [block.name for block in quality.blocks if isinstance(block, Figure)]
    assert names == ["wer-by-rtfx"]
    assert costs_of_flops(explained) == ["latency"]
