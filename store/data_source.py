"""Where the speech of a result comes from, as the view ``leaderboard`` says it.

Figures of other speech are no comparison: latencies are of other words, error rates of other
speakers. Whoever judges results looks here for whether they are of the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

BUILTIN = "builtin"
"""What the speech that asrprof brings along is called."""


def _of_config(field: str) -> str:
    return f"json_extract(benchmarks.config, '$.data.{field}')"


_PATH = f"""rtrim(CASE
    WHEN substr({_of_config("path")}, 1, 1) = '/' OR jobs.folder IS NULL THEN {_of_config("path")}
    WHEN {_of_config("path")} IN ('.', './') THEN jobs.folder
    WHEN {_of_config("path")} LIKE './%'
      THEN rtrim(jobs.folder, '/') || '/' || substr({_of_config("path")}, 3)
    ELSE rtrim(jobs.folder, '/') || '/' || {_of_config("path")}
  END, '/')"""

_DATA = f"""CASE coalesce({_of_config("source")}, '{BUILTIN}')
  WHEN 'folder' THEN {_PATH}
    || coalesce(' ' || nullif({_of_config("split")}, 'validation'), '')
  WHEN 'hub' THEN {_of_config("dataset")} || coalesce(' ' || {_of_config("subset")}, '')
    || ' ' || coalesce({_of_config("split")}, 'validation')
    || coalesce(' at ' || {_of_config("revision")}, '')
  ELSE '{BUILTIN}' END"""

NOTE_ALL_DATA = f"""UPDATE jobs SET data = (
  SELECT {_DATA} FROM benchmarks WHERE benchmarks.id = jobs.benchmark_id
)"""
"""Writes down where the speech of each job comes from: ``builtin``, the whole path of a folder, or
data set, subset and split of a hub. A folder by whatever relative path is the same folder."""

NOTE_DATA = f"{NOTE_ALL_DATA} WHERE id = ?"
"""The same for one job."""


def name_of(data: str) -> str:
    """The last part of a folder's path, or a data set as it is called."""
    return data.rsplit("/", 1)[-1] if data.startswith("/") else data


def short_data(data: Iterable[str]) -> dict[str, str]:
    """Names for people: `name_of` each, where it tells them apart.

    Args:
        data: As the view has them.

    Returns:
        The name of each.
    """
    paths = dict.fromkeys(data)
    short = {path: name_of(path) for path in paths}
    uses = Counter(short.values())
    return {path: name if uses[name] == 1 else path for path, name in short.items()}
