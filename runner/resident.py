"""Pages of files that a process has in memory, so that one forked from it can have them too.

A fork copies the page tables of private memory and leaves those of files out: the code that ran and
the weights that were read from a mapped file are charged to the new process, in its memory and in
its time, when it first touches them. The process of a case that takes over a loaded model would
then seem smaller than one that has loaded it itself, and its first inference slower. Linux alone.
"""

from __future__ import annotations

import ctypes
import mmap
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_MADV_POPULATE_READ = 22
_PRESENT, _OF_A_FILE = np.uint64(1 << 63), np.uint64(1 << 61)
"""Bits of an entry of ``/proc/PID/pagemap``, see Linux's admin-guide/mm/pagemap.rst."""
_ENTRY_BYTES = 8


@dataclass(frozen=True)
class Run:
    """Neighbouring pages."""

    address: int
    size: int
    """Bytes."""


def file_pages(process: Path = Path("/proc/self")) -> tuple[Run, ...]:
    """The pages of files that this process has mapped and touched.

    Raises:
        OSError: the kernel does not show them.
    """
    found: list[Run] = []
    with (process / "pagemap").open("rb", buffering=0) as pagemap:
        for start, end in _mappings(process):
            pagemap.seek(start // mmap.PAGESIZE * _ENTRY_BYTES)
            raw = pagemap.read((end - start) // mmap.PAGESIZE * _ENTRY_BYTES)
            found += _runs(start, np.frombuffer(raw, dtype=np.uint64))
    return tuple(found)


def touch(runs: tuple[Run, ...]) -> None:
    """Has these pages in memory, as if each had been read.

    Raises:
        OSError: the kernel cannot (it is older than Linux 5.14), or a file has been shortened.
    """
    madvise = ctypes.CDLL(None, use_errno=True).madvise
    madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    for run in runs:
        if madvise(run.address, run.size, _MADV_POPULATE_READ):
            number = ctypes.get_errno()
            raise OSError(number, f"pages cannot be read ahead (errno {number})")


def _mappings(process: Path) -> list[tuple[int, int]]:
    """Addresses of the readable mappings of files."""
    found = []
    for line in (process / "maps").read_text(encoding="utf-8", errors="replace").splitlines():
        addresses, permissions, _, _, inode, *path = line.split(maxsplit=5)
        if inode != "0" and permissions.startswith("r") and not path[0].startswith("/dev/"):
            start, end = (int(address, 16) for address in addresses.split("-"))
            found.append((start, end))
    return found


def _runs(start: int, entries: NDArray[np.uint64]) -> list[Run]:
    there = (entries & _PRESENT != 0) & (entries & _OF_A_FILE != 0)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], there, [False])).astype(np.int8)))
    return [
        Run(start + int(first) * mmap.PAGESIZE, int(last - first) * mmap.PAGESIZE)
        for first, last in edges.reshape(-1, 2)
    ]
