"""What the shell's completion offers for the words of a command line.

Each function takes the word so far, and imports what it needs when it is called.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def configs(incomplete: str) -> list[str]:
    """Presets, and JSON files and folders of the folder that the word is in."""
    from runner.config_file import presets

    return [*_beginning(incomplete, presets()), *_files(incomplete, ".json")]


def targets(incomplete: str) -> list[str]:
    """Where a job can run."""
    from runner.dispatch.catalogue import TARGETS

    return _beginning(incomplete, TARGETS)


def tables(incomplete: str) -> list[str]:
    """Tables and views that `export` writes."""
    from store import TABLES

    return _beginning(incomplete, TABLES)


def normalisers(incomplete: str) -> list[str]:
    """Normalisers of today, short names first."""
    from runner.measure.normalisers import NORMALISERS, SHORT_NAMES

    offered = (name for name, entry in NORMALISERS.items() if not entry.older)
    return _beginning(incomplete, (*SHORT_NAMES, *offered))


def columns(incomplete: str) -> list[str]:
    """Columns of the results between commas; the last one is completed."""
    from store import COLUMNS

    return _after_commas(incomplete, COLUMNS)


def group_columns(incomplete: str) -> list[str]:
    """Columns that results can be grouped by, between commas."""
    from store.browse import GROUP_COLUMNS

    return _after_commas(incomplete, GROUP_COLUMNS)


def order_column(incomplete: str) -> list[str]:
    """A column to sort by, with the minus that turns the order round if there is one."""
    from store import COLUMNS

    minus = "-" if incomplete.startswith("-") else ""
    return [f"{minus}{name}" for name in _beginning(incomplete.removeprefix("-"), COLUMNS)]


def _beginning(incomplete: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def _after_commas(incomplete: str, names: Iterable[str]) -> list[str]:
    before, comma, word = incomplete.rpartition(",")
    taken = before.split(",")
    return [f"{before}{comma}{name}" for name in _beginning(word, names) if name not in taken]


def _files(incomplete: str, suffix: str) -> list[str]:
    folder, slash, word = incomplete.rpartition("/")
    try:
        found = sorted(Path(f"{folder}{slash}" or ".").iterdir())
    except OSError:
        return []
    return [
        f"{folder}{slash}{path.name}{'/' if path.is_dir() else ''}"
        for path in found
        if path.name.startswith(word)
        and (word.startswith(".") or not path.name.startswith("."))
        and (path.suffix == suffix or path.is_dir())
    ]
