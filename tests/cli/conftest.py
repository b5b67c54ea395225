"""Runs commands in this process, and makes stores for them to show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from runner.cli import main
from store import Result, Store, process_owner


@dataclass(frozen=True)
class Ran:
    """What a command left."""

    code: int
    out: str
    err: str


@pytest.fixture
def asrprof(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Ran]:
    """Runs ``asrprof`` with these arguments, in an empty folder, on a terminal of 80 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("ASRPROF_STORE", raising=False)

    def run(*arguments: str, columns: int = 80) -> Ran:
        monkeypatch.setenv("COLUMNS", str(columns))
        capfd.readouterr()
        code = main(arguments)
        captured = capfd.readouterr()
        return Ran(code, captured.out, captured.err)

    return run


@pytest.fixture
def store_with(tmp_path: Path) -> Callable[..., Path]:
    """Makes a store with these results in one job, of these cases; returns its path."""

    def make(*results: Result, keys: Sequence[str] = (), config: str = '{"name": "demo"}') -> Path:
        path = tmp_path / "store.db"
        with Store.open(path) as store:
            job = store.start_job(
                store.add_benchmark("demo", config),
                target="local",
                cases_total=len(results),
                owner=process_owner(),
                lease_s=60.0,
            )
            keys = keys or [f"case-{number}" for number in range(len(results))]
            for key, result in zip(keys, results, strict=True):
                store.write_result(job, replace(result, case_key=key))
            store.finish_job(job, "done")
        return path

    return make
