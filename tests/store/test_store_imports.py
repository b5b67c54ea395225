"""Importing the store costs little and pulls in none of the heavy packages."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import store

ROOT = Path(__file__).parents[2]


def test_store_imports_only_the_standard_library() -> None:
    script = (
        "import sys; before = set(sys.modules); import store; "
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before})"
    )
    output = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    imported = set(output.stdout.split())
    assert "store" in imported
    assert imported - {"store"} <= set(sys.stdlib_module_names)


def test_exported_names_are_sorted_and_there() -> None:
    assert len(set(store.__all__)) == len(store.__all__)
    for name in store.__all__:
        assert hasattr(store, name), name
