"""`python -m runner.preflight`: what a container sees of the machine that it was started for.

The Docker launchers start it before the first job. Whether an engine shares this machine's files,
and on what file system, cannot be told from outside: it may run in a virtual machine or elsewhere.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter

from runner.measure.nvml import open_nvml
from store.mounts import mount_of


@dataclass(frozen=True)
class Sight:
    """What the container sees."""

    nonce: str | None
    """Content of the file that was put into the shared folder; None where it is not there."""
    filesystem: str | None
    """Of that folder, e.g. ``ext4`` or ``virtiofs``."""
    wal_safe: bool
    """Whether SQLite's write-ahead log can be shared with the machine outside."""
    writable: bool
    """Whether the folder and what a runner writes in it can be written by this user."""
    gpus: tuple[str, ...]
    """UUIDs of the NVIDIA boards."""
    gpu_reason: str | None
    """Why there are none."""


def look(nonce: Path, store: Path) -> Sight:
    """Looks at a shared folder and at the boards.

    Args:
        nonce: A file that the launcher has put beside the store.
        store: The store's file, which need not exist.
    """
    boards = open_nvml()
    mount = mount_of(store.parent)
    try:
        content = nonce.read_text(encoding="ascii")
    except OSError:
        content = None
    beside = (store, Path(f"{store}-wal"), store.parent / "traces")
    try:
        files = [store.parent, *(path for path in beside if path.exists())]
        writable = all(os.access(path, os.W_OK) for path in files)
    except OSError:  # The folder is closed to this user.
        writable = False
    return Sight(
        nonce=content,
        filesystem=None if mount is None else mount.filesystem,
        wal_safe=mount is not None and mount.known_local,
        writable=writable,
        gpus=tuple(gpu.uuid for gpu in boards.gpus),
        gpu_reason=boards.reason,
    )


def read_sight(line: str) -> Sight:
    """What :func:`main` has printed.

    Raises:
        ValueError: It is not that.
    """
    return TypeAdapter(Sight).validate_json(line)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m runner.preflight")
    parser.add_argument("nonce", type=Path)
    parser.add_argument("store", type=Path)
    given = parser.parse_args(arguments)
    print(json.dumps(asdict(look(given.nonce, given.store))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
