"""What a user can get wrong about a report."""

from __future__ import annotations


class ReportError(Exception):
    """One line that says what to change."""
