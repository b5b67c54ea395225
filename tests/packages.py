"""The packages that ship and those that stay in the repository, as pyproject.toml tells them."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SHIPPED, AT_HOME = next(
    (frozenset(contract["source_modules"]), frozenset(contract["forbidden_modules"]))
    for contract in PROJECT["tool"]["importlinter"]["contracts"]
    if contract["name"] == "what ships needs nothing that stays in the repository"
)


def copy_packages(packages: Iterable[str], folder: Path) -> None:
    """Copies packages and pyproject.toml into a folder, without compiled files."""
    without = shutil.ignore_patterns("__pycache__")
    for package in sorted(packages):
        shutil.copytree(ROOT / package, folder / package, ignore=without)
    shutil.copy(ROOT / "pyproject.toml", folder)
