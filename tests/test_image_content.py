"""An image holds every package of ours that what it runs imports."""

from __future__ import annotations

import ast
import re

import pytest

from tests.packages import ROOT, SHIPPED

COPIED = set(
    re.findall(r"^COPY (\w+) /asrprof/lib/\1$", (ROOT / "docker/Dockerfile").read_text(), re.M)
)


def test_the_build_is_given_what_it_copies() -> None:
    assert {"runner", "store"} <= COPIED <= SHIPPED
    allowed = (ROOT / ".dockerignore").read_text().splitlines()
    assert {f"!{package}" for package in COPIED} <= set(allowed)


@pytest.mark.parametrize("package", sorted(COPIED))
def test_nothing_in_an_image_needs_a_package_that_is_not(package: str) -> None:
    needed = set()
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                needed |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                needed.add(node.module.partition(".")[0])
    assert needed & SHIPPED <= COPIED
