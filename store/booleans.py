"""SQLite has no booleans: it gives back 0 and 1."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any


def boolean_fields(record: type[Any]) -> frozenset[str]:
    """The fields of a dataclass that are booleans, or booleans or None."""
    return frozenset(
        field.name for field in fields(record) if str(field.type) in ("bool", "bool | None")
    )


def make_booleans(values: dict[str, Any], names: Iterable[str]) -> None:
    """Turns 0 and 1 under some names into False and True; None stays."""
    for name in names:
        if values[name] is not None:
            values[name] = bool(values[name])
