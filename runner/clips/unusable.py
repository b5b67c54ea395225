"""Rows that cost a run nothing but themselves."""

from __future__ import annotations

from runner.errors import UserError


class Unusable(UserError):
    """A row that a run leaves out, counts and names.

    Its audio cannot be read or holds no sound, or its text is missing. What a row says wrongly of
    its audio is no such thing: it ends the run.
    """
