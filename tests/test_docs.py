"""The docs say what the code does, and their links lead somewhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer
import yaml

from runner.cli.app import app
from runner.config_file import load_benchmark
from runner.grid import expand

ROOT = Path(__file__).parent.parent
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [*(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")), *DOCS]

GENERATE = ROOT / "docs" / "generate.py"
FORMS = [
    form
    for form in sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
    if form.name != "config.yml"
]
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(<?([^)\s>]+)>?[^)]*\)")

by_name = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def generate(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(GENERATE), *arguments],
        cwd=ROOT.parent,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_generated_pages_are_up_to_date_on_any_terminal() -> None:
    process = generate("--check", COLUMNS="43", FORCE_COLOR="1", TERM="xterm-256color")
    assert (process.returncode, process.stderr) == (0, "")


def test_a_stale_page_is_found_and_mended(tmp_path: Path) -> None:
    """Upon a copy of the pages."""
    script = (
        "import runpy, sys; from pathlib import Path; "
        f"module = runpy.run_path({str(GENERATE)!r}); "
        f"module['main'].__globals__['DOCS'] = Path({str(tmp_path)!r}); "
        "main = module['main']; codes = main(['--check']), main([]), main(['--check']); "
        "sys.exit(codes != (1, 0, 0))"
    )
    for name in ("config.md", "commands.md", "keys.md", "tui.md", "store.md"):
        text = (ROOT / "docs" / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(re.sub("model|result", "thing", text), encoding="utf-8")
    process = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
    assert process.stderr.startswith(
        "out of date: config.md, commands.md, keys.md, tui.md, store.md; run `python docs/"
    )


@by_name
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in LINK.findall(FENCED.sub("", text)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = page.parent / path if path else page
        assert found.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in anchors(found), f"{page.name} links to {target}"


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings get where it is shown."""
    headings = re.findall(r"^#+ (.*)$", FENCED.sub("", page.read_text(encoding="utf-8")), re.M)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


@by_name
def test_commands_that_are_mentioned_exist(page: Path) -> None:
    commands = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    code = "\n".join(re.findall(r"`+[^`]+`+", page.read_text(encoding="utf-8")))
    mentioned = re.findall(r"(?:^|[`/])asrprof ([a-z]+)\b", code, re.MULTILINE)
    assert set(mentioned) <= commands


@by_name
def test_configs_in_the_docs_are_valid(page: Path, tmp_path: Path) -> None:
    blocks = re.findall(r"^```json\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.M)
    for number, block in enumerate(blocks):
        if {"name", "models"} <= set(json.loads(block)):
            # A local checkpoint of the reader's: it stands for any.
            path = tmp_path / f"{number}.json"
            path.write_text(block.replace("./my-checkpoint", "someone/my-checkpoint"))
            assert expand(load_benchmark(str(path)))


@pytest.mark.e2e
def test_measure_your_own_runs_as_it_is_printed(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Measure your own")[2]
    block = re.search(r"^```sh\n(.*?)^```", text, re.DOTALL | re.M)
    assert block is not None
    # A clone as it is after the set-up, as far as the commands see it.
    (tmp_path / "runner").symlink_to(ROOT / "runner")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    ran = subprocess.run(
        ["bash", "-euc", block[1]],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "110 of 110 rows" in ran.stdout
    assert "6 cases" in ran.stdout
    assert not (tmp_path / "results").exists()


def test_the_real_table_is_that_of_the_measurements() -> None:
    """The README's figures of published weights are those of the page that a command writes."""
    engines = {"PyTorch": "transformers", "CTranslate2": "faster-whisper"}
    numbers = {"fp32": "fp32", "int8": "int8-dynamic"}
    page = (ROOT / "docs" / "measurements" / "real-weights.md").read_text(encoding="utf-8")
    rows = {
        tuple(cells[:2]): cells
        for line in page.splitlines()
        if len(cells := [cell.strip() for cell in line.strip("|").split("|")]) == 12
    }
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"^\| (whisper-[^|]*\|.*) \|$", readme, re.M)
    assert len(shown) == 4
    for line in shown:
        model, engine, precision, wer, interval, rtfx = (cell.strip() for cell in line.split("|"))
        found = rows[model, f"{engines[engine]}, {numbers[precision]}"]
        assert (found[2], found[3], found[11]) == (wer, interval, rtfx)


def test_the_example_of_the_config_page_counts_right(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "config.md").read_text(encoding="utf-8")
    block = re.search(r"^```json\n(.*?)^```", text, re.DOTALL | re.M)
    assert block is not None
    path = tmp_path / "benchmark.json"
    path.write_text(block[1])
    cases = len(expand(load_benchmark(str(path))))
    lists = len(expand(load_benchmark(str(path), ["exclude=[]", "include=[]"])))
    left = len(expand(load_benchmark(str(path), ["include=[]"])))
    assert (
        f"give {lists} points, `exclude` drops {lists - left} and `include` adds {cases - left}: "
        f"{cases} cases"
    ) in text


def test_github_runs_the_gate_with_the_oldest_python() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    job = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]["gate"]
    assert job["steps"][-1] == {"run": ".ci/run"}
    (python,) = (step["with"] for step in job["steps"] if "setup-python" in step.get("uses", ""))
    assert project["requires-python"] == f">={python['python-version']}"


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_issue_forms_ask_for_something(form: Path) -> None:
    """A form that GitHub cannot read is left out without a word."""
    asked = yaml.safe_load(form.read_text(encoding="utf-8"))
    assert {"name", "description", "body"} <= set(asked)
    ids = [field["id"] for field in asked["body"]]
    assert len(set(ids)) == len(ids)
    assert any(field.get("validations", {}).get("required") for field in asked["body"])
