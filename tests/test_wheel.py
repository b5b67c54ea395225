"""What `pip install` of a wheel gives: all that ships, and nothing that stays in the repository."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile

import pytest

from tests.packages import AT_HOME, ROOT, SHIPPED, copy_packages


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names of the files in a wheel, built from a copy: a build writes into its source."""
    source = tmp_path_factory.mktemp("source")
    built = tmp_path_factory.mktemp("built")
    copy_packages({*SHIPPED, *AT_HOME, "tests"}, source)
    for name in ("README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    script = f"from setuptools import build_meta; build_meta.build_wheel({str(built)!r})"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=source, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(built.glob("*.whl"))) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_the_shipped_packages_and_no_other(wheel: set[str]) -> None:
    tops = {name.partition("/")[0] for name in wheel if ".dist-info/" not in name}
    assert tops == SHIPPED
    assert {"tools", "benchmarks"} == AT_HOME


def test_the_wheel_holds_every_file_of_them(wheel: set[str]) -> None:
    """A checkpoint, a clip or a style sheet that package-data forgets is missed only by users."""
    files = {
        path.relative_to(ROOT).as_posix()
        for package in SHIPPED
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in wheel if ".dist-info/" not in name} == files
