"""Completes the last word of a filter: the right arrow takes what is proposed."""

from __future__ import annotations

import re
from collections.abc import Iterable

from textual.suggester import Suggester

from store import COLUMNS
from store.filters import ALIASES

_WORD = re.compile(r"[\w./-]{1,80}")
"""What needs no quotes in a filter, and commands no terminal."""


class FilterSuggester(Suggester):
    """Knows the columns from the start, and learns the values of the store."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._columns = sorted({*COLUMNS, *ALIASES})
        self._values: list[str] = []

    def learn(self, values: Iterable[object]) -> None:
        """Proposes these from now on, the first the most readily."""
        texts = dict.fromkeys(str(value) for value in values)
        self._values = [text for text in texts if _WORD.fullmatch(text)]

    async def get_suggestion(self, value: str) -> str | None:
        """The whole filter with its last word completed."""
        start = max(value.rfind(mark) for mark in " :=-<>") + 1
        word = value[start:].lower()
        if not word:
            return None
        after_column = value[start - 1 : start] in (":", "=")
        known = self._values if after_column else [*self._values, *self._columns]
        for text in known:
            if text.lower().startswith(word) and text.lower() != word:
                return value + text[len(word) :]
        return None
