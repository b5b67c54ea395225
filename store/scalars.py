"""The scalars of a store: what each of them is, and the column of the view that each has."""

from __future__ import annotations

from collections.abc import Iterable

from store.columns import METRIC
from store.connection import Database, Transaction
from store.leaderboard import can_be_column, leaderboard_view
from store.metrics import Metric, metric_of
from store.records import Result
from store.sql import insert_sql

_WRITE = (
    f"{insert_sql('metrics', METRIC.names)} ON CONFLICT (name) DO UPDATE SET "
    f"{', '.join(f'{name} = excluded.{name}' for name in METRIC.names[1:])}"
)


def find_scalars(source: Database | Transaction) -> dict[str, Metric]:
    """What the scalars of a store are, by their names in alphabetical order."""
    return {
        row["name"]: METRIC.build(row) for row in source.rows("SELECT * FROM metrics ORDER BY name")
    }


def scalars_of(result: Result) -> tuple[Metric, ...]:
    """What the scalars of a result are; those that can have no column are left out."""
    described = {metric.name: metric for metric in result.metrics}
    names = [figure.name for figure in result.figures if can_be_column(figure.name)]
    return tuple(described.get(name) or metric_of(name) for name in names)


def describe(transaction: Transaction, metrics: Iterable[Metric]) -> None:
    """Notes what some scalars are, and gives those that are new a column of the view."""
    known = find_scalars(transaction)
    changed = [metric for metric in metrics if known.get(metric.name) != metric]
    transaction.run_many(_WRITE, [METRIC.values(metric, "metrics.") for metric in changed])
    if any(metric.name not in known for metric in changed):
        transaction.run("DROP VIEW leaderboard")
        transaction.run(leaderboard_view(find_scalars(transaction)))
