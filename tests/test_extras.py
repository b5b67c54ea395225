"""What to type for a package that is not there: a line that works in a clone."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from runner.catalogue.engines import ENGINES
from runner.catalogue.extras import EXTRAS, install_line, pip_command

ROOT = Path(__file__).parents[1]


def test_the_extras_are_those_of_the_package() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert sorted(EXTRAS) == sorted(declared["optional-dependencies"])
    assert {entry.extra for entry in ENGINES.values() if entry.extra} <= set(EXTRAS)


def test_an_extra_is_installed_from_the_clone() -> None:
    assert pip_command("serve") == ".venv/bin/pip install -e '.[serve]'"
    assert install_line("serve").endswith(pip_command("serve"))
    with pytest.raises(ValueError, match="no extra 'srve'"):
        pip_command("srve")


def test_nothing_tells_to_install_asrprof_from_an_index_where_it_is_not() -> None:
    wrong = re.compile(r"pip install ['\"]?asrprof\[")
    folders = ("docs", "report", "runner", "tui")
    files = [
        path
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".md")
    ]
    assert len(files) > 200
    assert [
        path.name for path in (ROOT / "README.md", *files) if wrong.search(path.read_text())
    ] == []
