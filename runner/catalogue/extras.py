"""Packages that asrprof can do without: what to type for those that are not there."""

from __future__ import annotations

EXTRAS = ("av", "faster-whisper", "fleet", "int8", "onnx", "openvino", "serve", "whisper-cpp")
"""The optional dependencies of ``pyproject.toml``."""


def pip_command(extra: str) -> str:
    """What installs an extra into the clone's environment, typed in the clone's folder.

    asrprof is on no index: only the clone knows its extras.
    """
    if extra not in EXTRAS:
        raise ValueError(f"no extra {extra!r}")
    return f".venv/bin/pip install -e '.[{extra}]'"


def install_line(extra: str) -> str:
    """What to do about an extra that is not there, for the end of a line."""
    return f"in the clone of asrprof: {pip_command(extra)}"
