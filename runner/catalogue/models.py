"""Every model asrprof knows by name. No torch here: configs and the terminal UI check against this.

Any other repository of the hub or local folder of a supported architecture runs too, its family
read from its ``config.json``.
"""

from __future__ import annotations

import json
import re
from difflib import get_close_matches
from pathlib import Path

from runner.catalogue.engines import ENGINES
from runner.catalogue.entries import ModelEntry
from runner.catalogue.known_models import ENTRIES

FAMILY_OF_TYPE: dict[str, str] = {
    kind: engine.name for engine in ENGINES.values() for kind in engine.model_types
}
"""``model_type`` of a transformers ``config.json`` -> the engine that runs it."""

REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9._-]+")
"""What the hub takes as ``organisation/name``."""


CATALOGUE: dict[str, ModelEntry] = {
    entry.name: entry for entry in (*ENTRIES, *(m for e in ENGINES.values() for m in e.models))
}
"""Name -> model, those that come with an engine included."""


def local_folder(name: str) -> Path | None:
    """The folder a model's checkpoint lies in, bundled or the user's; None where it has none."""
    entry = CATALOGUE.get(name)
    if entry is not None:
        return entry.folder
    path = Path(name).expanduser()
    return path if path.is_dir() else None


def check_model(name: str) -> None:
    """Checks that ``name`` can be a model.

    ``organisation/name`` may be any hub repository and a path that starts with ``.``, ``/`` or
    ``~`` may be any local checkpoint; whether they can be loaded is known only when they are.

    Raises:
        ValueError: It can be none; one line, with the nearest known name where there is one.
    """
    if name in CATALOGUE:
        return
    if name.startswith((".", "/", "~")) or "\\" in name:
        try:
            folder = Path(name).expanduser()
        except RuntimeError as error:
            raise ValueError(f'no model in "{name}": {error}') from error
        family_of_folder(folder)
        return
    if REPOSITORY.fullmatch(name):
        return
    short = {entry.rsplit("/", 1)[-1]: entry for entry in CATALOGUE}
    near = get_close_matches(name, [*CATALOGUE, *short], n=1, cutoff=0.5)
    hint = f'did you mean "{short.get(near[0], near[0])}"?' if near else "see `asrprof models`"
    raise ValueError(f'unknown model "{name}"; {hint}')


def family_of_folder(folder: Path) -> str:
    """The engine that runs a local checkpoint.

    Raises:
        ValueError: There is no checkpoint, or no engine runs it; one line.
    """
    config = folder / "config.json"
    try:
        if not config.is_file():
            raise ValueError(f"no model in {folder}: a local checkpoint needs a config.json there")
        text = config.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"cannot read the model in {folder}: {error}") from error
    try:
        model_type = json.loads(text).get("model_type")
    except (ValueError, AttributeError, RecursionError) as error:
        raise ValueError(f"{config} is no model's configuration: {error}") from error
    return family_of_type(None if model_type is None else str(model_type), str(folder))


def family_of_type(model_type: str | None, name: str) -> str:
    """The engine for a transformers ``model_type``.

    Raises:
        ValueError: No engine runs it; one line that begins with ``name``.
    """
    if model_type is None:
        raise ValueError(
            f'"{name}" has no "model_type" in its config.json, as converted models have none: give '
            "the folder of the original checkpoint, which engines convert by themselves"
        )
    if model_type not in FAMILY_OF_TYPE:
        raise ValueError(
            f'"{name}" has model_type "{model_type}"; supported: {", ".join(FAMILY_OF_TYPE)}'
        )
    return FAMILY_OF_TYPE[model_type]
