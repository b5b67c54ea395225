"""What earlier versions stored as an interval of fewer than four rounds is none.

A bootstrap of two or three rounds covers the truth 50 to 75 times in a hundred at a nominal 95, and
one to three windows do not tell how much the joules of a window scatter.
"""

from __future__ import annotations

import sqlite3

_FEW = "fewer than 4 rounds of the batch cycle give no interval"
# How often the batch was timed that was timed least; null where no sample is there.
_LATENCY_ROUNDS, _STAGE_ROUNDS = (
    f"(SELECT count(*) FROM samples WHERE samples.result_id = {result} AND samples.kind = {kind}"
    " GROUP BY samples.batch ORDER BY count(*) LIMIT 1)"
    for result, kind in (
        ("results.id", "'latency'"),
        ("stages.result_id", "'stage:' || stages.stage"),
    )
)
_STATEMENTS = (
    f"UPDATE results SET latency_low_s = NULL, latency_high_s = NULL,"
    f" latency_interval_reason = '{_FEW}'"
    f" WHERE latency_low_s IS NOT NULL AND {_LATENCY_ROUNDS} < 4",
    f"UPDATE stages SET low_s = NULL, high_s = NULL, interval_reason = '{_FEW}'"
    f" WHERE low_s IS NOT NULL AND {_STAGE_ROUNDS} < 4",
    "UPDATE results SET energy_uncertainty_j = NULL, energy_net_uncertainty_j = NULL"
    " WHERE EXISTS (SELECT 1 FROM energy_readings WHERE result_id = results.id"
    " AND source = results.energy_source AND windows < 4)",
    "UPDATE energy_readings SET uncertainty_j = NULL, net_uncertainty_j = NULL WHERE windows < 4",
)


def drop_intervals_of_few_rounds(connection: sqlite3.Connection) -> None:
    """Takes away the ends, and says why where there is a field for it."""
    for statement in _STATEMENTS:
        connection.execute(statement).close()
