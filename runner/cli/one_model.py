"""`asrprof run MODEL --data FOLDER`: the config of one model on one folder of speech."""

from __future__ import annotations

import json
import re
from pathlib import Path

from runner.errors import UserError


def config_of_model(model: str, data: Path, language: str | None) -> str:
    """A config that runs a model on a folder of speech; all else is left to the defaults.

    Args:
        model: Its name, as a config has it.
        data: The folder.
        language: Of the speech; None where the config need not say it.

    Returns:
        JSON, indented for people.
    """
    last = model.rstrip("/").rsplit("/", 1)[-1]
    name = re.sub(r"[^\w.+-]+", "-", f"{last}-{data.resolve().name}", flags=re.ASCII)
    speech = {"source": "folder", "path": str(data)}
    if language is not None:
        speech["language"] = language
    document = {"name": name.lstrip("_.+-") or "run", "models": [model], "data": speech}
    return json.dumps(document, indent=2, ensure_ascii=False)


def save_config(path: Path, text: str) -> None:
    """Writes a config where nothing is.

    Raises:
        UserError: There is a file already.
    """
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(f"{text}\n")
    except FileExistsError:
        raise UserError(f"--save {path}: it is there already; choose another name") from None
