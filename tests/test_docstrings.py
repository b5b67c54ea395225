"""Public functions of three or more parameters tell what each of them is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import typer

from runner.cli.app import Commands, app
from runner.cli.lazy import LazyCommand
from tests.packages import ROOT, SHIPPED

FILES = sorted(path for package in SHIPPED for path in (ROOT / package).rglob("*.py"))


def commands(of: typer.Typer) -> Iterator[tuple[str, str]]:
    """Files and names of the functions that are commands: their options carry their own help."""
    known = [*of.registered_commands, of.registered_callback]
    for function in (entry.callback for entry in known if entry is not None):
        yield function.__code__.co_filename, function.__name__
    for group in of.registered_groups:
        yield from commands(group.typer_instance)


def lazy_commands(entries: Iterable[LazyCommand]) -> Iterator[tuple[str, str]]:
    for found in (entry.load() for entry in entries):
        if isinstance(found, typer.Typer):
            yield from commands(found)
        else:
            yield found.__code__.co_filename, found.__name__


COMMANDS = frozenset((*commands(app), *lazy_commands(Commands.entries.values())))


def public_functions(node: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.FunctionDef]]:
    for child in ast.iter_child_nodes(node):
        name = getattr(child, "name", "_")
        if isinstance(child, ast.ClassDef) and not name.startswith("_"):
            yield from public_functions(child, f"{prefix}{name}.")
        elif isinstance(child, ast.FunctionDef) and (name == "__init__" or name[0] != "_"):
            yield prefix + name, child


def untold(source: str, file: str = "") -> Iterator[str]:
    for name, function in public_functions(ast.parse(source)):
        given, doc = function.args, ast.get_docstring(function) or ""
        every = [*given.posonlyargs, *given.args, given.vararg, *given.kwonlyargs, given.kwarg]
        names = [one.arg for one in every if one is not None]
        names = names["." in name and names[:1] in (["self"], ["cls"]) :]
        if len(names) < 3 or doc.startswith("See :meth:") or (file, name) in COMMANDS:
            continue
        told = doc.partition("\nArgs:\n")[2]
        yield from (f"{name}: {one}" for one in names if not re.search(rf"(?m)^    {one}: ", told))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_arguments_are_told(path: Path) -> None:
    assert list(untold(path.read_text(encoding="utf-8"), str(path))) == []


def test_an_argument_without_words_is_found() -> None:
    source = 'def f(a, b, *, c):\n    """Does.\n\n    Args:\n        a: 1.\n        c: 2.\n    """'
    assert list(untold(source)) == ["f: b"]
