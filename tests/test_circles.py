"""No module imports itself in a roundabout way, and neither does a package of ours."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path

import networkx
import pytest

from tests.packages import AT_HOME, ROOT, SHIPPED


def modules(root: Path, packages: Iterable[str]) -> dict[str, Path]:
    """Dotted name -> file of every module."""
    found = {}
    for package in packages:
        for path in (root / package).rglob("*.py"):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(module: str, path: Path, known: Mapping[str, Path]) -> Iterable[str]:
    """Modules of ``known`` that a file imports anywhere: in functions and for types too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module, f"{module}: imports are absolute here"
            # A name may be a module, or something in one.
            names = [
                full if (full := f"{node.module}.{alias.name}") in known else node.module
                for alias in node.names
            ]
        else:
            continue
        yield from (name for name in names if name in known and name != module)


def circles(root: Path, packages: Iterable[str], *, depth: int | None = None) -> list[set[str]]:
    """Modules that lead back to themselves; with ``depth``, packages so many names deep."""
    known = modules(root, packages)
    graph = networkx.DiGraph()
    for module, path in known.items():
        for other in imported(module, path, known):
            ends = [".".join(name.split(".")[:depth]) for name in (module, other)]
            if ends[0] != ends[1]:
                graph.add_edge(*ends)
    return [found for found in networkx.strongly_connected_components(graph) if len(found) > 1]


def test_no_module_is_in_a_circle() -> None:
    assert circles(ROOT, SHIPPED | AT_HOME) == []


@pytest.mark.parametrize("depth", [1, 2])
def test_no_package_is_in_a_circle(depth: int) -> None:
    assert circles(ROOT, SHIPPED | AT_HOME, depth=depth) == []


def test_a_circle_is_found_though_it_is_lazy_or_for_types_alone(tmp_path: Path) -> None:
    package = tmp_path / "one"
    (package / "sub").mkdir(parents=True)
    for name in ("__init__", "sub/__init__"):
        (package / f"{name}.py").touch()
    (package / "a.py").write_text("def f():\n    from one import b\n")
    (package / "b.py").write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from one.sub.c import C\n"
    )
    (package / "sub" / "c.py").write_text("import one.a\nclass C: ...\n")
    assert circles(tmp_path, ["one"]) == [{"one.a", "one.b", "one.sub.c"}]
    assert circles(tmp_path, ["one"], depth=2) == [{"one.a", "one.b", "one.sub"}]
