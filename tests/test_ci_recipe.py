"""The workflow of docs/ci.md: GitHub can read it, and its commands do what the page says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.report.synthetic import Grid, Law, write_study

ROOT = Path(__file__).parent.parent
LAW = Law("small-whisper", "whisper", 4_000_000, 0.0025, 0.0, 0.31, 0.02, 0.5)
GRID = Grid(laws=(LAW,), lengths=(5.0,), batches=(1,), devices=("cpu",), variants=())
GH = '#!/bin/sh\necho "$@" > said.txt\ncp comment.md commented.md\n'
"""Stands in for GitHub's command."""


@pytest.fixture(scope="module")
def job() -> dict[str, Any]:
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    block = re.search(r"^```yaml\n(.*?)^```$", page, re.DOTALL | re.M)
    assert block is not None
    workflow = yaml.safe_load(block[1])
    # YAML reads the key `on` as a truth value.
    assert set(workflow) == {"name", True, "permissions", "jobs"}
    assert workflow["permissions"]["pull-requests"] == "write"
    found: dict[str, Any] = workflow["jobs"]["compare"]
    return found


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The folder of a job after the set-up."""
    grid = replace(GRID, out_of_memory=False, rounds=12)
    write_study(tmp_path / "before.db", grid)
    (tmp_path / "asrprof" / ".venv").mkdir(parents=True)
    (tmp_path / "asrprof" / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "gh").write_text(GH)
    (tmp_path / "bin" / "gh").chmod(0o755)
    return tmp_path


def step(job: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (one for one in job["steps"] if one.get("name") == name)
    return found  # type: ignore[no-any-return]


def run(step: dict[str, Any], folder: Path, words: str | None = None) -> int:
    """Runs a step as GitHub does, in a shell that ends at the first error."""
    given = {name: str(value) for name, value in step.get("env", {}).items()}
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    env = {**os.environ, **given, "PATH": path, "PYTHONPATH": str(ROOT)}
    command = ["bash", "-e", "-c", words or step["run"]]
    return subprocess.run(command, cwd=folder, env=env, check=False).returncode


def test_its_steps_are_those_of_the_page(job: dict[str, Any]) -> None:
    names = [one["name"] for one in job["steps"] if "name" in one]
    assert names == ["set up", "measure", "compare", "comment"]
    assert step(job, "comment")["if"].startswith("always()")
    setup = ROOT.parent / step(job, "set up")["run"].replace("asrprof", ROOT.name, 1)
    assert os.access(setup, os.X_OK)


@pytest.mark.e2e
@pytest.mark.parametrize(("factor", "code"), [(1.0, 0), (1.6, 1)])
def test_the_table_is_a_comment_whether_or_not_the_gate_holds(
    job: dict[str, Any], clone: Path, factor: float, code: int
) -> None:
    grid = replace(
        GRID, laws=(replace(LAW, cpu_s=LAW.cpu_s * factor),), out_of_memory=False, rounds=12
    )
    write_study(clone / "after.db", grid)
    assert run(step(job, "compare"), clone) == code
    assert run(step(job, "comment"), clone) == 0
    comment = (clone / "commented.md").read_text(encoding="utf-8")
    assert comment.startswith("```text\n")
    assert comment.endswith("```\n")
    assert "small-whisper" in comment
    assert "--body-file comment.md" in (clone / "said.txt").read_text()


@pytest.mark.e2e
def test_it_would_measure_both_sides(job: dict[str, Any], clone: Path) -> None:
    for side in ("before", "after"):
        (clone / side).mkdir()
        (clone / side / "benchmark.json").write_text('{"name": "mine", "models": ["pocketsphinx"]}')
    words = step(job, "measure")["run"]
    assert run(step(job, "measure"), clone, words.replace("--store", "--dry-run --store")) == 0
