"""The docs say what the code does, and their links lead somewhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from runner.cli.app import app
from runner.config_file import load_benchmark
from runner.grid import expand

ROOT = Path(__file__).parent.parent
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [page for page in (ROOT / "README.md", *DOCS) if page.is_file()]

GENERATE = ROOT / "docs" / "generate.py"
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
    for name in ("config.md", "commands.md", "keys.md", "tui.md"):
        text = (ROOT / "docs" / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(re.sub("models|results", "modles", text), encoding="utf-8")
    process = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
    assert process.stderr.startswith(
        "out of date: config.md, commands.md, keys.md, tui.md; run `python docs/"
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
