"""The config form: a benchmark's JSON as lines of text, and back, with what is wrong with it.

Each field is one line. Lists are written with commas, without quotes where JSON would want them;
an entry that is an object is written as JSON. A field that is empty is left out, so that its
default holds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from runner.catalogue.measures import MEASURES
from runner.catalogue.models import CATALOGUE
from runner.catalogue.variants import VARIANTS
from runner.config import Benchmark, Data, Limits, meanings
from runner.config_file import DECODER, parse_benchmark
from runner.errors import UserError
from runner.grid import Case, expand

Kind = Literal["text", "number", "list", "json", "choice", "yes-no"]


@dataclass(frozen=True)
class Field:
    """One line of the form."""

    path: str
    """``limits.min_seconds``"""
    kind: Kind
    section: str
    choices: tuple[str, ...] = ()
    """What a choice can be, or what to suggest for a text or a list."""

    @property
    def label(self) -> str:
        """Its name in the form."""
        return self.path.rpartition(".")[2].replace("_", " ")

    @property
    def help(self) -> str:
        """What the config's own documentation says of it."""
        model, name = _model_of(self.path)
        return " ".join(meanings(model).get(name, "").split())


_INNER: Mapping[str, type[BaseModel]] = {"data": Data, "limits": Limits}
MAIN, DATA, LIMITS = "What to measure", "Speech", "Limits"


def _data_field(name: str) -> Field:
    path = f"data.{name}"
    if name == "clips":
        return Field(path, "choice", DATA, get_args(Data.model_fields[name].annotation))
    if name == "utterances":
        return Field(path, "number", DATA)
    return Field(path, "text", DATA, ("gigaspeech", "librispeech") if name == "dataset" else ())


FIELDS = (
    Field("name", "text", MAIN),
    Field("models", "list", MAIN, tuple(CATALOGUE)),
    Field("weights", "choice", MAIN, ("pretrained", "random")),
    Field("devices", "list", MAIN, ("cpu", "cuda")),
    Field("audio_seconds", "list", MAIN),
    Field("batch_sizes", "list", MAIN),
    Field("threads", "list", MAIN),
    Field("variants", "list", MAIN, tuple(VARIANTS)),
    Field("measures", "list", MAIN, tuple(MEASURES)),
    Field("include", "json", MAIN),
    Field("exclude", "json", MAIN),
    Field("load", "json", MAIN),
    Field("robustness", "json", MAIN),
    Field("seed", "number", MAIN),
    Field("data.source", "choice", DATA, ("builtin", "folder", "hub")),
    *(_data_field(name) for name in Data.model_fields if name != "source"),
    *(
        Field(f"limits.{name}", "yes-no" if name == "trace" else "number", LIMITS)
        for name in Limits.model_fields
    ),
)


@dataclass(frozen=True)
class Checked:
    """What a form's texts amount to."""

    document: Mapping[str, Any] | None
    """The config, if the texts can be read as one."""
    benchmark: Benchmark | None = None
    cases: tuple[Case, ...] = ()
    error: str | None = None
    """What is wrong, in one line, or None."""
    field: str | None = None
    """The path of the field that it concerns, if it concerns one."""


def texts_of(document: Mapping[str, Any]) -> dict[str, str]:
    """The form's texts of a config."""
    return {field.path: _text(_get(document, field.path), field.kind) for field in FIELDS}


def document_of(texts: Mapping[str, str], base: Mapping[str, Any]) -> dict[str, Any]:
    """The config of a form's texts.

    Args:
        texts: One a field.
        base: What it was made from: keys that the form does not show are kept.

    Raises:
        FieldError: A text cannot be read.
    """
    document: dict[str, Any] = json.loads(json.dumps(base))
    for field in FIELDS:
        text = texts.get(field.path, "").strip()
        if not text:
            _remove(document, field.path)
            continue
        value = _value(field, text)
        if _get(base, field.path) is None and value == _default(field.path):
            continue  # Shown only because it is the default; nobody wrote it.
        _set(document, field.path, value)
    return document


class FieldError(UserError):
    """A field's text cannot be read."""

    def __init__(self, path: str, words: str) -> None:
        super().__init__(f"{path}: {words}")
        self.path = path


def check(texts: Mapping[str, str], base: Mapping[str, Any]) -> Checked:
    """Reads a form: the benchmark and its grid, or the one thing to mend first."""
    try:
        document = document_of(texts, base)
    except FieldError as error:
        return Checked(None, error=str(error), field=error.path)
    return check_document(document)


def check_document(document: Mapping[str, Any]) -> Checked:
    """The benchmark and the grid of a config, or what is wrong with it."""
    try:
        benchmark = parse_benchmark(json.dumps(document), "")
        cases = expand(benchmark)
    except UserError as error:
        words = str(error).removeprefix(": ")
        return Checked(document, error=words, field=field_of(words))
    return Checked(document, benchmark, cases)


def field_of(words: str) -> str | None:
    """The field that an error speaks of: the deepest whose path begins it."""
    place = words.lstrip('"').replace("unknown key ", "")
    found = [
        field.path
        for field in FIELDS
        if re.match(rf"{re.escape(field.path)}(\b|\[|\")", place) is not None
    ]
    if found:
        return max(found, key=len)
    inner = re.match(r'(data|limits): .*?"(\w+)"', words)
    return f"{inner[1]}.{inner[2]}" if inner is not None and inner[2] != "folder" else None


def default_text(path: str) -> str:
    """What a field says when it is empty."""
    field = next(field for field in FIELDS if field.path == path)
    return _text(_default(path), field.kind)


def suggestion(field: Field, text: str) -> str | None:
    """``text`` with its last word completed, or None."""
    if field.kind not in ("list", "text") or not field.choices:
        return None
    head, comma, last = text.rpartition(",") if field.kind == "list" else ("", "", text)
    word = last.lstrip()
    if not word:
        return None
    space = last[: len(last) - len(word)]
    for choice in field.choices:
        if choice.startswith(word) and choice != word:
            return f"{head}{comma}{space}{choice}"
    return None


def summary(cases: Sequence[Case]) -> list[tuple[str, int]]:
    """How many cases each model has, in the order of the config."""
    counts: dict[str, int] = {}
    for case in cases:
        name = case.model.name + (" (random)" if case.model.weights == "random" else "")
        counts[name] = counts.get(name, 0) + 1
    return list(counts.items())


def _text(value: Any, kind: Kind) -> str:
    if value is None:
        return ""
    if kind == "json":
        return json.dumps(value, ensure_ascii=False) if value else ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_entry(entry) for entry in value)
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _entry(entry: Any) -> str:
    if isinstance(entry, str) and not re.search(r'[,{}\[\]"]', entry):
        return entry
    if isinstance(entry, float) and entry.is_integer():
        return str(int(entry))
    return json.dumps(entry, ensure_ascii=False)


def _value(field: Field, text: str) -> Any:
    if field.kind == "json":
        return _json(field, text)
    if field.kind == "yes-no":
        if text not in ("yes", "no"):
            raise FieldError(field.path, f"write yes or no, not {text[:40]!r}")
        return text == "yes"
    if field.kind == "number":
        return _scalar(text)
    if field.kind == "list":
        return _list(field, text)
    return text


def _json(field: Field, text: str) -> Any:
    try:
        return DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise FieldError(field.path, f"not JSON: {error}") from error


def _list(field: Field, text: str) -> list[Any]:
    """Entries between commas; those that open a bracket or quote are JSON to its end."""
    entries: list[Any] = []
    rest = text
    while rest := rest.strip().lstrip(",").strip():
        if rest[0] in '{["':
            try:
                value, end = DECODER.raw_decode(rest)
            except (ValueError, RecursionError) as error:
                raise FieldError(field.path, f"not JSON: {error}") from error
            entries.append(value)
            rest = rest[end:].strip()
            if rest and not rest.startswith(","):
                raise FieldError(field.path, f"a comma is missing before {rest[:30]!r}")
        else:
            word, _, rest = rest.partition(",")
            entries.append(_scalar(word.strip()))
    return entries


def _scalar(text: str) -> Any:
    """A number if it is one, else the text: what it should be, the config's own check says."""
    try:
        value = DECODER.decode(text)
    except ValueError:
        return text
    return value if isinstance(value, int | float) and not isinstance(value, bool) else text


def _default(path: str) -> Any:
    """A field's default as a config writes it; None where it is what its own fields default to."""
    field = _field_info(path)
    return None if field.is_required() or isinstance(field.default, BaseModel) else field.default


def _field_info(path: str) -> FieldInfo:
    model, name = _model_of(path)
    return model.model_fields[name]


def _model_of(path: str) -> tuple[type[BaseModel], str]:
    """Which part of a config a field is in, and its name there."""
    *parents, last = path.split(".")
    return (_INNER[parents[0]] if parents else Benchmark), last


def _get(document: Mapping[str, Any], path: str) -> Any:
    value: Any = document
    for part in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


def _set(document: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for parent in parents:
        document = document.setdefault(parent, {})
    document[last] = value


def _remove(document: dict[str, Any], path: str) -> None:
    *parents, last = path.split(".")
    for parent in parents:
        document = document.get(parent, {})
    if isinstance(document, dict):
        document.pop(last, None)
