"""A short way to write a filter over the leaderboard, for people who look for something.

    whisper device:cuda wer<0.1        every word must hold; so does wer < 10%
    -state:ok batch>=4                 a minus in front: must not hold
    packed stopped early               clips of several speakers, and words that did not come out

A bare word is looked for in every text column. ``column:text`` looks in one, ``column<number`` and
its kin compare, ``column:none`` finds what has none. A value with blanks takes quotes. Whatever
does not read as such words throughout is taken for SQL, e.g. ``wer < 0.1 or device = 'cpu'``.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from store.leaderboard import COLUMNS

ALIASES = {alias: name for name, column in COLUMNS.items() for alias in column.aliases}
"""Shorter names for columns."""

_SEARCHED = (
    *("benchmark", "model", "engine", "device", "variant", "state", "reason", "data"),
    "clips_mode",
    "CASE WHEN stopped_early THEN 'stopped early' END",
)
"""Where a bare word is looked for."""

_WORD = re.compile(
    r"""\s*(?P<minus>-?)
    (?:(?P<column>[a-z_0-9]+)(?P<gap>\s*)(?P<operator><=|>=|!=|<|>|=|:)(?P<after>\s*))?
    (?:"(?P<quoted>[^"]*)"|(?P<plain>[^\s"'()=<>,;*][^\s"()=<>,;*]*))
    (?=\s|$)""",
    re.VERBOSE | re.IGNORECASE,
)
_KEYWORDS = frozenset(
    ("and", "or", "not", "in", "is", "like", "glob", "between", "null", "isnull", "notnull")
)
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", re.IGNORECASE)


class FilterError(ValueError):
    """A filter of words that cannot hold; the message says what to write instead."""


@dataclass(frozen=True)
class _Word:
    negated: bool
    column: str | None
    operator: str | None
    value: str
    quoted: bool


def known_column(name: str, scalars: Collection[str] = ()) -> str:
    """The column of a name or of a shorter one.

    Args:
        name: As a user writes it.
        scalars: Names of the store's scalars, which have columns as well.

    Raises:
        FilterError: There is none; with those that are near.
    """
    column = _column(name, scalars)
    if column is None:
        raise FilterError(f"no column {name!r}: {_suggest(name, scalars)}")
    return column


def filter_sql(text: str, scalars: Collection[str] = ()) -> str | None:
    """The SQL condition that a filter stands for, None where nothing is filtered.

    Args:
        text: The filter.
        scalars: Names of the store's scalars, which have columns as well.

    Raises:
        FilterError: A word names a column that is not there, or compares a number with a word.
    """
    words = _words(text.strip())
    if words is None:
        return text.strip()
    return " AND ".join(_condition(word, scalars) for word in words) or None


def _words(text: str) -> list[_Word] | None:
    """The words of a filter, or None where it is SQL."""
    words = []
    end = 0
    while end < len(text):
        match = _WORD.match(text, end)
        if match is None:
            return None
        end = match.end()
        quoted = match["quoted"] is not None
        value = match["quoted"] if quoted else match["plain"]
        if not quoted and value.lower() in _KEYWORDS:
            return None
        column = match["column"]
        apart = bool(match["gap"] or match["after"])
        if column is None and not quoted and not re.search(r"\w", value):
            return None  # Arithmetic.
        if apart and not quoted and (value.lower() in COLUMNS or value.lower() in ALIASES):
            return None  # Two columns.
        words.append(
            _Word(bool(match["minus"]), column and column.lower(), match["operator"], value, quoted)
        )
    return words


def _condition(word: _Word, scalars: Collection[str]) -> str:
    if word.column is None:
        if not word.quoted and word.value.endswith(":") and _column(word.value[:-1], scalars):
            raise FilterError(f"{word.value} what?")
        # NULL reasons must not make the whole condition NULL, which a minus could not turn.
        found = " OR ".join(f"ifnull({name}, '') {_like(word.value)}" for name in _SEARCHED)
        return f"{'NOT ' if word.negated else ''}({found})"
    column = _column(word.column, scalars)
    if column is None:
        raise FilterError(f"no column {word.column!r}: {_suggest(word.column, scalars)}")
    condition = _comparison(word, column)
    return f"NOT ifnull({condition}, 0)" if word.negated else condition


def _column(name: str, scalars: Collection[str]) -> str | None:
    column = ALIASES.get(name.lower(), name.lower())
    return column if column in COLUMNS or column in scalars else None


def _comparison(word: _Word, name: str) -> str:
    form = COLUMNS[name].form if name in COLUMNS else "number"
    # A scalar's name may be a word of SQL.
    column = name if name in COLUMNS else f'"{name}"'
    operator = word.operator or ":"
    if not word.quoted and word.value.lower() == "none":
        if operator not in (":", "=", "!="):
            raise FilterError(f"{word.column}{operator}none: write {word.column}:none")
        return f"{column} IS {'NOT ' if operator == '!=' else ''}NULL"
    if form == "text":
        if operator == ":":
            return f"{column} {_like(word.value)}"
        return f"{column} {operator} {_literal(word.value)}"
    operator = "=" if operator == ":" else operator
    if form == "flag" and word.value.lower() in ("yes", "no"):
        return f"{column} {operator} {int(word.value.lower() == 'yes')}"
    number, percent = word.value, 1.0
    if number.endswith("%"):
        number, percent = number[:-1], 100.0
    if not _NUMBER.fullmatch(number):
        raise FilterError(f"{word.column} is a number, {word.value!r} is none")
    return f"{column} {operator} {float(number) / percent:.15g}"


def _like(value: str) -> str:
    """Holds the value anywhere; its own wildcards are meant as they are."""
    escaped = re.sub(r"([\\%_])", r"\\\1", value)
    return f"LIKE {_literal(f'%{escaped}%')} ESCAPE '\\'"


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _suggest(name: str, scalars: Collection[str]) -> str:
    import difflib

    near = difflib.get_close_matches(name, [*COLUMNS, *ALIASES, *scalars], n=2, cutoff=0.5)
    return f"did you mean {' or '.join(near)}?" if near else "see `asrprof results --json` for them"
