"""How long a job is held without a sign of life, the same for runners and dispatchers."""

from __future__ import annotations

LEASE_S = 120.0
"""A job whose heartbeat is older than this is abandoned. Longer than torch's import from a slow
disk, during which nothing beats."""
BEAT_S = 5.0
"""Between two heartbeats."""
