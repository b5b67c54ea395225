"""A store as an older asrprof left it: schema 9, every result with words of packed clips."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

from tests.report.synthetic import Grid, write_study
from tests.store.schema_9 import schema_9


def write_old(path: Path, grid: Grid) -> None:
    """Writes the results of a grid into a store of schema 9, as far as it can hold them."""
    new = path.with_suffix(".new.db")
    write_study(new, replace(grid, mode="packed", quality_of="packed clips"))
    with closing(schema_9(path, empty=True)) as connection:
        connection.execute("ATTACH ? AS new", (str(new),))
        for (table,) in connection.execute(
            "SELECT name FROM main.sqlite_master WHERE type = 'table'"
        ).fetchall():
            there = {row[1] for row in connection.execute(f"PRAGMA new.table_info({table})")}
            names = [row[1] for row in connection.execute(f"PRAGMA main.table_info({table})")]
            # What has another name now, in a store where each result has a record of its own.
            renamed = {
                "clips": "scored",
                "result_id": "(SELECT id FROM new.results r WHERE r.quality_id = t.quality_id)",
            }
            taken = {name: name if name in there else renamed[name] for name in names}
            connection.execute(
                f"INSERT INTO main.{table} ({', '.join(taken)}) "
                f"SELECT {', '.join(taken.values())} FROM new.{table} t"
            )
    new.unlink()
