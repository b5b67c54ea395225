"""Errors that a user can cause and mend: one line that says what to change."""

from __future__ import annotations


class UserError(Exception):
    """Bad input. The command prints the message on one line and exits with code 2."""

    exit_code = 2

    def __str__(self) -> str:
        return " ".join(super().__str__().split())


class Refused(Exception):
    """A case that cannot be run as asked here; it becomes a row with state ``refused``."""
