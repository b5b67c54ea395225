"""Reads a benchmark config from a file or a preset, and says in one line what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any, NoReturn, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from runner.config import Benchmark
from runner.errors import UserError

MAX_BYTES = 4 * 2**20
"""A config is text that a person wrote; anything larger is a mistake in the path."""


def presets() -> tuple[str, ...]:
    """Names of the configs that ship with asrprof."""
    folder = files("runner.presets")
    return tuple(sorted(f.name[:-5] for f in folder.iterdir() if f.name.endswith(".json")))


def load_benchmark(name_or_path: str, overrides: Sequence[str] = ()) -> Benchmark:
    """Parses a config.

    Args:
        name_or_path: A preset's name or the path of a JSON file.
        overrides: ``key=value`` pairs; keys are dotted (``limits.min_seconds=1``), values are
            JSON or, failing that, plain text.

    Raises:
        UserError: anything is wrong with it; one line that says what to change.
    """
    text = _read(name_or_path)
    document = _parse(text, name_or_path)
    if not isinstance(document, dict):
        raise UserError(f"{name_or_path}: a config is a JSON object, this is {_kind(document)}")
    for override in overrides:
        _apply(document, override)
    try:
        return Benchmark.model_validate(document)
    except ValidationError as error:
        raise UserError(f"{name_or_path}: {explain(error)}") from error
    except RecursionError as error:
        raise UserError(f"{name_or_path}: nested too deeply for a config") from error


def explain(error: ValidationError) -> str:
    """One line for a validation error: where, what, and the nearest known key or value."""
    # A union reports every branch; the error that lies deepest belongs to the branch meant.
    details = max(error.errors(), key=lambda e: (len(e["loc"]), e["type"] != "string_type"))
    where = _where(details)
    if details["type"] == "extra_forbidden":
        key = str(details["loc"][-1])
        known = _fields_at(details["loc"][:-1])
        near = get_close_matches(key, known, n=1, cutoff=0.5)
        hint = f'did you mean "{near[0]}"?' if near else f"known: {', '.join(sorted(known))}"
        return f"{where}: unknown key; {hint}"
    message = details["msg"].removeprefix("Value error, ")
    if details["type"] == "missing":
        return f'"{where}" is missing'
    if details["type"] == "literal_error":
        return _literal(where, details)
    shown = repr(details["input"])
    value = f" (got {shown[:60]})" if details["type"] != "value_error" else ""
    return f"{where}: {message[0].lower()}{message[1:]}{value}" if where else message


def _literal(where: str, details: ErrorDetails) -> str:
    expected = str(details.get("ctx", {}).get("expected", ""))
    known = [part.strip(" '") for part in expected.replace(" or ", ",").split(",")]
    near = get_close_matches(str(details["input"]), known, n=1, cutoff=0.5)
    hint = f'did you mean "{near[0]}"?' if near else f"known: {', '.join(known)}"
    return f"{where}: unknown value {str(details['input'])[:60]!r}; {hint}"


def _read(name_or_path: str) -> str:
    if name_or_path in presets():
        return (files("runner.presets") / f"{name_or_path}.json").read_text(encoding="utf-8")
    path = Path(name_or_path).expanduser()
    try:
        if path.is_file() and path.stat().st_size > MAX_BYTES:
            raise UserError(f"{path}: larger than {MAX_BYTES // 2**20} MiB, not a config")
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        near = get_close_matches(name_or_path, presets(), n=1, cutoff=0.5)
        hint = f'did you mean "{near[0]}"?' if near else f"presets: {', '.join(presets())}"
        raise UserError(f"no config file or preset {name_or_path!r}; {hint}") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 text (byte {error.start})") from error
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read config {name_or_path!r}: {error}") from error


def _parse(text: str, name: str) -> Any:
    def constant(word: str) -> NoReturn:
        raise UserError(f"{name}: {word} is no JSON number; write a finite number or leave it out")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        twice = next((key for i, key in enumerate(keys) if key in keys[:i]), None)
        if twice is not None:
            raise UserError(f'{name}: key "{twice}" is given twice')
        return dict(pairs)

    try:
        return json.loads(text, parse_constant=constant, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise UserError(
            f"{name}: broken JSON at line {error.lineno}, column {error.colno}: {error.msg}"
        ) from error
    except (RecursionError, ValueError) as error:
        raise UserError(f"{name}: not a config: {error}") from error


def _apply(document: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise UserError(f"--set {override!r}: write key=value, for example limits.min_seconds=1")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = text
    target = document
    *parents, last = key.split(".")
    for parent in parents:
        inner = target.setdefault(parent, {})
        if not isinstance(inner, dict):
            raise UserError(f'--set {override!r}: "{parent}" holds no keys of its own')
        target = inner
    target[last] = value


def _where(details: ErrorDetails) -> str:
    """The location as a reader of the JSON would write it: ``models[1].weights``."""
    where = ""
    for part in details["loc"]:
        if isinstance(part, int):
            where += f"[{part}]"
        elif not _is_union_branch(part):
            where += f".{part}" if where else part
    return where


def _is_union_branch(part: str) -> bool:
    """Pydantic puts the branch of a union (a type's name) into the location."""
    return part in {"str", "Model", "Variant"} or "[" in part


def _fields_at(location: tuple[int | str, ...]) -> list[str]:
    model: type[BaseModel] = Benchmark
    for part in location:
        if isinstance(part, int) or _is_union_branch(part):
            continue
        found = _model_in(model.model_fields[part].annotation)
        if found is None:
            return []
        model = found
    return list(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((m for a in get_args(annotation) if (m := _model_in(a)) is not None), None)


def _kind(value: object) -> str:
    names = {list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
