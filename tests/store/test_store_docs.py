"""Every command of docs/store.md runs and finds something."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from store import Result, Store
from tests.store.test_store_noise import noise_level

cli = pytest.importorskip("sqlite_utils.cli", reason="sqlite-utils is not installed")
testing = pytest.importorskip("click.testing")

DOCS = Path(__file__).parents[2] / "docs" / "store.md"
BLOCKS = re.findall(r"^```bash\n(.*?)^```", DOCS.read_text(encoding="utf-8"), re.DOTALL | re.M)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("docs")


@pytest.fixture
def in_folder(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    add_job: Callable[[Store], int],
    full: Result,
    failed: Result,
) -> None:
    """A working folder with a store at the default place."""
    monkeypatch.chdir(folder)
    with Store.open("results/asrprof.db") as store:
        if not store.jobs():
            job_id = add_job(store)
            store.write_result(job_id, replace(full, noise_levels=(noise_level(snr_db=5.0),)))
            store.write_result(job_id, failed)


def test_there_are_commands() -> None:
    assert len(BLOCKS) >= 8


@pytest.mark.usefixtures("in_folder")
@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_command_runs_and_finds_something(block: str) -> None:
    # In this process: starting sqlite-utils anew takes longer than all its queries.
    program, *arguments = shlex.split(block)
    assert program == "sqlite-utils"
    outcome = testing.CliRunner().invoke(cli.cli, arguments)
    assert outcome.exit_code == 0, outcome.output
    assert re.search(r"\d", outcome.output), outcome.output


@pytest.mark.usefixtures("in_folder")
def test_first_command_in_a_shell(folder: Path) -> None:
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    process = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", BLOCKS[0]],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert '"latency_ms": 500.0' in process.stdout
