"""New error rates for a result that is in the store, from the same texts."""

from __future__ import annotations

from collections.abc import Sequence

from store.columns import CHILDREN, QUALITY
from store.connection import Database
from store.errors import StoreError
from store.records import Quality, Transcript

_UPDATE = f"UPDATE results SET {', '.join(f'{name} = ?' for name in QUALITY.names)} WHERE id = ?"
_CHILD = next(child for child in CHILDREN if child.columns.record is Transcript)


def replace_quality(
    database: Database, result_id: int, quality: Quality, transcripts: Sequence[Transcript]
) -> None:
    """Puts error rates and word counts in the place of the old ones; see ``Store``."""
    values = QUALITY.values(quality, "quality.")
    names = _CHILD.columns.names
    marks = ", ".join("?" for _ in range(len(names) + 2))
    rows = [
        (result_id, seq, *_CHILD.columns.values(clip, f"transcripts[{seq}]."))
        for seq, clip in enumerate(transcripts)
    ]
    with database.write() as transaction:
        if not transaction.run(_UPDATE, (*values, result_id)):
            raise StoreError(f"{database.path}: no result {result_id} in this store")
        transaction.run("DELETE FROM transcripts WHERE result_id = ?", (result_id,))
        transaction.run_many(
            f"INSERT INTO transcripts (result_id, seq, {', '.join(names)}) VALUES ({marks})", rows
        )
