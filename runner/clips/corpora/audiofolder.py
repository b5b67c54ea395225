"""An audio folder: `metadata` as CSV, JSON lines or Parquet, in the folder or in each split's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from runner.clips.corpora.base import Asked, Format
from runner.clips.entry import Entry
from runner.clips.manifest import Row, entries_of, once, parse_csv, parse_jsonl, read_index
from runner.errors import UserError

NAMES = ("metadata.parquet", "metadata.jsonl", "metadata.csv")

SPLITS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing", "eval", "evaluation"),
}
"""What folders of a split are called, as `datasets` takes them."""


def _indexes(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if path.name in NAMES or path.suffix == ".parquet" else []
    return _own(path) or [file for folder in sorted(path.glob("*")) for file in _own(folder)]


def _own(folder: Path) -> list[Path]:
    return [folder / name for name in NAMES if (folder / name).is_file()][:1]


def _part(root: Path, split: str) -> Path:
    """The folder of a split; the folder itself where it has a file of its own."""
    if _own(root):
        return root
    known = next((names for names in SPLITS.values() if split in names), (split,))
    there = sorted(file.parent.name for file in _indexes(root))
    chosen = next((name for name in (split, *known) if name in there), None)
    if chosen is None:
        raise UserError(f'{root} has no split "{split}"; set data.split to {" or ".join(there)}')
    return root / chosen


def _entries(root: Path, indexes: Sequence[Path], asked: Asked) -> list[Entry]:
    del root
    index = indexes[0]
    if index.suffix == ".parquet":
        return list(
            entries_of(
                _parquet(index), str(index), text_column=asked.text_column, problem=asked.problem
            )
        )
    parse = parse_csv if index.suffix == ".csv" else parse_jsonl
    return list(
        parse(read_index(index), str(index), text_column=asked.text_column, problem=asked.problem)
    )


def _parquet(index: Path) -> list[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        once(pq.read_schema(index).names, str(index))
        rows = pq.read_table(index).to_pylist()
    # What is no text or no date is a ValueError of Python's own.
    except (OSError, ValueError, OverflowError, pa.ArrowException) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"cannot read {index} ({reason}); copy it again") from error
    return [
        (f"{index} row {number}", {key: value for key, value in row.items() if not _missing(value)})
        for number, row in enumerate(rows)
    ]


def _missing(value: object) -> bool:
    """Whether a table has nothing there: pandas writes NaN for it."""
    return value is None or (isinstance(value, float) and math.isnan(value))


AUDIOFOLDER = Format(
    "audiofolder", "metadata.parquet, or a metadata file in each split", _indexes, _entries, _part
)
