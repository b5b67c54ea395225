"""Starts runners for queued jobs, here or elsewhere, and follows them to their end."""

from __future__ import annotations
