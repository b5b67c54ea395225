"""What is kept of jobs beside the store, and how log files are read while they grow."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

POLL_S = 0.2
LAST_BYTES = 8192
LONGEST_LINE = 300


def log_path(store_path: Path, job_id: int, attempt: int) -> Path:
    """The log of one attempt: ``logs/<store>-job-<id>-<attempt>.log`` beside the store.

    Args:
        store_path: The store.
        job_id: The job.
        attempt: The attempt, from 1.
    """
    return _folder(store_path) / f"{store_path.stem}-job-{job_id}-{attempt}.log"


def log_paths(store_path: Path, job_id: int) -> list[Path]:
    """The logs of all attempts of a job."""
    prefix = f"{store_path.stem}-job-{job_id}-"
    folder = _folder(store_path)
    if not folder.is_dir():
        return []
    return sorted(
        path for path in folder.iterdir() if path.name.startswith(prefix) and path.suffix == ".log"
    )


def spool_path(store_path: Path, job_id: int, attempt: int) -> Path:
    """The spool folder of one attempt: ``spool/<store>-job-<id>-<attempt>`` beside the store.

    Args:
        store_path: The store; the folder is beside the file that it is a link to.
        job_id: The job.
        attempt: The attempt, from 1.
    """
    real = store_path.resolve()
    return real.parent / "spool" / f"{real.stem}-job-{job_id}-{attempt}"


def forget(store_path: Path, job_id: int) -> None:
    """Deletes what lies beside the store of a job that was removed from it."""
    for path in log_paths(store_path, job_id):
        path.unlink(missing_ok=True)
    spools = spool_path(store_path, job_id, 0)
    for folder in spools.parent.glob(f"{spools.name.removesuffix('0')}*"):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(store_path.parent / "traces" / f"job-{job_id}", ignore_errors=True)


def tail(path: Path, follow: Callable[[], bool]) -> Iterator[str]:
    """Lines of a file, and while ``follow`` says so, those that are added."""
    position, rest = 0, b""
    while True:
        # Asked first: what was written before the answer is read after it.
        more = follow()
        try:
            with path.open("rb") as file:
                file.seek(position)
                while chunk := file.read(65536):
                    position += len(chunk)
                    *lines, rest = (rest + chunk).split(b"\n")
                    yield from (_text(line) for line in lines)
        except FileNotFoundError:
            pass
        if not more:
            break
        time.sleep(POLL_S)
    if rest:
        yield _text(rest)


def last_line(path: Path) -> str:
    """The last line of a file that is not blank, shortened; empty if there is none."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - LAST_BYTES))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return next((line.strip()[:LONGEST_LINE] for line in reversed(lines) if line.strip()), "")


def _folder(store_path: Path) -> Path:
    return store_path.parent / "logs"


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip("\r")
