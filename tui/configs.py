"""The configs that the app lists: presets, and JSON files of one folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner.config_file import MAX_BYTES, config_text, parse_object, presets
from runner.errors import UserError

MOST = 200
"""Files of a folder that are looked at."""
LOOKS_LIKE = ("models",)
"""A JSON object with these keys is taken for a config."""


@dataclass(frozen=True)
class Config:
    """One config: where it comes from, and what it says."""

    name: str
    """What the list calls it."""
    document: Mapping[str, Any]
    path: Path | None = None
    """Its file; None for a preset and for one that was not saved yet."""
    preset: bool = False
    error: str | None = None
    """Why its file cannot be read, or None."""
    saved: Mapping[str, Any] = field(default_factory=dict)
    """What the file says, to tell whether there are changes."""

    @property
    def key(self) -> str:
        """What tells it from the others."""
        return f"preset:{self.name}" if self.preset else f"file:{self.path or self.name}"

    @property
    def changed(self) -> bool:
        """Whether something would be lost without saving."""
        return dict(self.document) != dict(self.saved)


def list_configs(folder: Path) -> list[Config]:
    """The presets, then the files of a folder that look like configs, by name."""
    found = []
    for name in presets():
        document = parse_object(config_text(name), name)
        found.append(Config(name, document, preset=True, saved=document))
    found += [config for path in _json_files(folder) if (config := _read(path)) is not None]
    return found


def read_config(path: Path) -> Config:
    """One file.

    Raises:
        UserError: It cannot be read, or is no JSON object.
    """
    document = parse_object(config_text(str(path)), str(path))
    return Config(path.name, document, path, saved=document)


def write_config(document: Mapping[str, Any], path: Path) -> Path:
    """Writes a config beside its file and then into its place, so that neither can be half there.

    Raises:
        UserError: It cannot be written.
    """
    half = path.with_name(f".{path.name}.half")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        half.write_text(to_json(document) + "\n", encoding="utf-8")
        half.replace(path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error
    return path


def to_json(document: Mapping[str, Any]) -> str:
    """A config as people write it: one key a line, lists of plain values on one line."""
    lines = [f"  {json.dumps(key)}: {_pretty(value)}" for key, value in document.items()]
    return "{\n" + ",\n".join(lines) + "\n}" if lines else "{}"


def _pretty(value: Any) -> str:
    short = json.dumps(value, ensure_ascii=False)
    if len(short) <= 76:
        return short
    return json.dumps(value, ensure_ascii=False, indent=2).replace("\n", "\n  ")


def _json_files(folder: Path) -> list[Path]:
    try:
        return sorted(p for p in folder.iterdir() if p.suffix == ".json" and p.is_file())[:MOST]
    except OSError:
        return []


def _read(path: Path) -> Config | None:
    """A file's config; None where it is plainly something else."""
    try:
        if path.stat().st_size > MAX_BYTES:
            return None
        config = read_config(path)
    except OSError:
        return None
    except UserError as error:
        return Config(path.name, {}, path, error=str(error))
    return config if all(key in config.document for key in LOOKS_LIKE) else None
