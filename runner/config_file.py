"""Reads a benchmark config from a file or a preset, and says in one line what is wrong with it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any, NoReturn, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from runner.config import Benchmark
from runner.config.benchmark import GPUS
from runner.config.strict import PATTERNS
from runner.errors import UserError
from runner.grid import without_idle

MAX_BYTES = 4 * 2**20
"""A config is text that a person wrote; anything larger is a mistake in the path."""

MAX_DEPTH = 16
"""Levels of lists and objects; a config has four."""

_WORDS = {
    "list_type": "should be a list",
    "string_type": "should be a string",
    "string_unicode": "should be text without lone surrogates",
    "model_type": "should be a JSON object",
    "too_short": "should not be empty",
}
"""Pydantic's messages speak of Python; these speak of JSON."""


def presets() -> tuple[str, ...]:
    """Names of the configs that ship with asrprof, the one to begin with first."""
    folder = files("runner.presets")
    names = (f.name[:-5] for f in folder.iterdir() if f.name.endswith(".json"))
    return tuple(sorted(names, key=lambda name: (name != "demo", name)))


def load_benchmark(name_or_path: str, overrides: Sequence[str] = ()) -> Benchmark:
    """Parses a config.

    Args:
        name_or_path: A preset's name or the path of a JSON file.
        overrides: ``key=value`` pairs; keys are dotted (``limits.min_seconds=1``), values are
            JSON or, failing that, plain text.

    Raises:
        UserError: anything is wrong with it; one line that says what to change.
    """
    return parse_benchmark(config_text(name_or_path), name_or_path, overrides)


def parse_benchmark(text: str, name: str, overrides: Sequence[str] = ()) -> Benchmark:
    """Parses the text of a config.

    Args:
        text: The JSON.
        name: What errors begin with.
        overrides: ``key=value`` pairs; see ``load_benchmark``.

    Raises:
        UserError: Anything is wrong with it; one line that says what to change.
    """
    whole = parse_object(text, name)
    document = overridden(whole, name, overrides)
    try:
        benchmark = Benchmark.model_validate(document)
    except ValidationError as error:
        raise UserError(f"{name}: {explain(error)}") from error
    if not (overrides and benchmark.exclude):
        return benchmark
    try:
        return without_idle(benchmark, Benchmark.model_validate(whole))
    except ValidationError:
        return benchmark  # Without the overrides it is no config.


def overridden(document: Mapping[str, Any], name: str, overrides: Sequence[str]) -> dict[str, Any]:
    """A config's JSON object with some of its values replaced.

    Args:
        document: The object, which stays as it is.
        name: What errors begin with.
        overrides: ``key=value`` pairs; see ``load_benchmark``.

    Raises:
        UserError: An override cannot be read; one line that says what to change.
    """
    changed = deepcopy(dict(document))
    for override in overrides:
        _apply(changed, override)
    _check_shape(changed, name)
    return changed


def parse_object(text: str, name: str) -> dict[str, Any]:
    """The JSON object that a config is, whatever is in it; errors begin with ``name``.

    Raises:
        UserError: It is none.
    """
    try:
        document = _decode(text, name)
    except json.JSONDecodeError as error:
        raise UserError(
            f"{name}: broken JSON at line {error.lineno}, column {error.colno}: {error.msg}"
        ) from error
    if not isinstance(document, dict):
        raise UserError(f"{name}: a config is a JSON object, this is {_kind(document)}")
    _check_shape(document, name)
    return document


def config_text(name_or_path: str) -> str:
    """The text of a config; see ``load_benchmark``.

    Raises:
        UserError: There is no such config, or it is no text.
    """
    if name_or_path in presets():
        return (files("runner.presets") / f"{name_or_path}.json").read_text(encoding="utf-8")
    try:
        path = Path(name_or_path).expanduser()
        with path.open("rb") as file:  # Bounded: the path may be a pipe or a device.
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        # A path is a preset's name misspelt only where the file it names is called so.
        near = get_close_matches(path.stem[:100], presets(), n=1)
        hint = f'did you mean "{near[0]}"?' if near else f"presets: {', '.join(presets())}"
        raise UserError(f"no config file or preset {_short(repr(name_or_path))}; {hint}") from None
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"cannot read config {_short(repr(name_or_path))}: {reason}") from error
    if len(content) > MAX_BYTES:
        raise UserError(f"{path}: larger than {MAX_BYTES // 2**20} MiB, not a config")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 text (byte {error.start})") from error


def explain(error: ValidationError) -> str:
    """One line for a validation error: where, what, and the nearest known key or value."""
    return " ".join(_explain(error).split())


def _explain(error: ValidationError) -> str:
    # A union reports every branch; the error that lies deepest belongs to the branch meant.
    details = max(error.errors(), key=lambda e: (len(e["loc"]), e["type"] != "string_type"))
    where, model = _locate(details)
    kind, given = details["type"], details["input"]
    if kind == "extra_forbidden":
        key = str(details["loc"][-1])
        path = f"{where}.{key}" if where else key
        return f'unknown key "{_short(path)}"; {_nearest(key, sorted(model.model_fields))}'
    if kind == "missing":
        return f'"{where}" is missing'
    if kind == "literal_error":
        known = re.findall(r"'([^']*)'", str(details.get("ctx", {}).get("expected", "")))
        return f"{where}: unknown value {_json(given)}; {_nearest(str(given), known)}"
    if kind == "value_error":
        message = details["msg"].removeprefix("Value error, ")
        return f"{where}: {message}" if where else message
    words = _WORDS.get(kind, details["msg"].removeprefix("Input "))
    if kind == "string_pattern_mismatch":
        words = PATTERNS.get(details["ctx"]["pattern"], words)
    if kind == "model_type" and not isinstance(given, dict) and len(error.errors()) > 1:
        words = "should be a name or a JSON object"
    hint = '; a GPU is ["cuda"]' if where == "devices" and given in GPUS else ""
    return f"{where}: {words[0].lower()}{words[1:]} (got {_json(given)}){hint}"


class _NoConfig(ValueError):
    """It is JSON as Python reads it, but not as the standard has it."""


def _constant(word: str) -> NoReturn:
    raise _NoConfig(f"{word} is no JSON number; write a finite number or leave it out")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for key, value in pairs:
        if key in document:
            raise _NoConfig(f'key "{_short(key)}" is given twice')
        document[key] = value
    return document


DECODER = json.JSONDecoder(parse_constant=_constant, object_pairs_hook=_unique)
"""JSON as the standard has it: no NaN, no key twice; anything else is a ``ValueError``."""


def _decode(text: str, name: str) -> Any:
    """Raises UserError for what is JSON, but no config, and JSONDecodeError for what is no JSON."""
    try:
        return DECODER.decode(text)
    except json.JSONDecodeError:
        raise
    except RecursionError as error:
        raise UserError(f"{name}: nested too deeply for a config") from error
    except _NoConfig as error:
        raise UserError(f"{name}: {error}") from error
    except ValueError as error:  # Python refuses to read integers of thousands of digits.
        raise UserError(f"{name}: holds a number with too many digits") from error


def _apply(document: dict[str, Any], override: str) -> None:
    shown = f"--set {_short(repr(override))}"
    key, equals, text = override.partition("=")
    *parents, last = key.split(".")
    if not equals or not all((*parents, last)):
        raise UserError(f"{shown}: write key=value, for example limits.min_seconds=1")
    try:
        value = _decode(text, shown)
    except json.JSONDecodeError:
        value = text
    target = document
    for parent in parents:
        inner = target.setdefault(parent, {})
        if not isinstance(inner, dict):
            raise UserError(f'{shown}: "{_short(parent)}" holds no keys of its own')
        target = inner
    target[last] = value


def _check_shape(document: object, name: str) -> None:
    """Refuses what neither pydantic nor a terminal can take: endless depth, half characters."""
    level = [document]
    for _ in range(MAX_DEPTH):
        below: list[object] = []
        for value in level:
            if isinstance(value, dict):
                below += [*value, *value.values()]
            elif isinstance(value, list):
                below += value
            elif isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value):
                raise UserError(f"{name}: {_short(ascii(value))} is not Unicode text")
        level = below
    if level:
        raise UserError(f"{name}: nested too deeply for a config")


def _locate(details: ErrorDetails) -> tuple[str, type[BaseModel]]:
    """The location as a reader of the JSON would write it, and the config model it lies in.

    Pydantic also puts the branch of a union (a type's name) into it, and an unknown key; both are
    left out: ``models[1].weights``.
    """
    where = ""
    model: type[BaseModel] = Benchmark
    inner: type[BaseModel] = Benchmark
    for part in details["loc"]:
        if isinstance(part, int):
            where += f"[{part}]"
            model = inner
        elif part in inner.model_fields:
            where += f".{part}" if where else part
            model = inner
            inner = _model_in(model.model_fields[part].annotation) or inner
    if details["type"] == "extra_forbidden":
        model = inner
    return where, model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((m for a in get_args(annotation) if (m := _model_in(a)) is not None), None)


def _nearest(word: str, known: list[str]) -> str:
    near = get_close_matches(word[:100], known, n=1, cutoff=0.5)
    return f'did you mean "{near[0]}"?' if near else f"known: {', '.join(known)}"


def _json(value: object) -> str:
    return _short(json.dumps(value, ensure_ascii=False))


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


def _kind(value: object) -> str:
    names = {list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
