"""`asrprof run MODEL --data FOLDER`: the config of one model on one folder of speech.

What is shown, kept and run is one config, with the values of `--set` in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from runner.config import Benchmark
from runner.config_file import overridden, parse_benchmark, presets
from runner.errors import UserError

_NAME = "the config"
"""What errors call it: it has no file yet."""


def benchmark_of_model(
    model: str, data: Path, language: str | None, overrides: Sequence[str]
) -> tuple[Benchmark, str, str | None]:
    """The benchmark of a model on a folder of speech.

    Args:
        model: Its name, as a config has it.
        data: The folder.
        language: Of the speech; None where the config need not say it.
        overrides: ``key=value`` pairs; see ``load_benchmark``.

    Returns:
        The benchmark, its config as JSON for people, and a line about what was chosen by the
        speech, if something was.

    Raises:
        UserError: It is no config, or the folder holds no speech.
    """
    _refuse_config(model, data)
    document = overridden(config_of_model(model, data, language), _NAME, overrides)
    text = _text(document)
    benchmark = parse_benchmark(text, _NAME)
    if "audio_seconds" in document or benchmark.include or benchmark.data.source != "folder":
        return benchmark, text, None
    # Not at the top: numpy and soundfile take a moment that no other command should wait for.
    from runner.clips.lengths import fitting
    from runner.clips.survey import survey

    found = survey(benchmark.data)
    joined = found.utterances - min(found.no_speaker, found.no_recording)
    length = fitting(found.seconds)
    if length is None or joined > found.utterances / 2:
        return benchmark, text, None
    document["audio_seconds"] = [length]
    text = _text(document)
    said = (
        f"clips of {length:g} s: nearly all utterances are no longer, and each is a clip of its "
        "own because the folder does not say who speaks; --set 'audio_seconds=[15]' chooses "
        "another length"
    )
    return parse_benchmark(text, _NAME), text, said


def _refuse_config(model: str, data: Path) -> None:
    """Tells a config in a model's place."""
    path = Path(model)
    if model in presets() or model.startswith("job:") or (path.suffix == ".json" and path.exists()):
        speech = json.dumps({"source": "folder", "path": str(data)}, ensure_ascii=False)
        raise UserError(
            f"--data goes with one model, and {model} is a config: leave --data out and write "
            f"--set 'data={speech}'"
        )


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)


def config_of_model(model: str, data: Path, language: str | None) -> dict[str, Any]:
    """A config that runs a model on a folder of speech; all else is left to the defaults.

    Args:
        model: Its name, as a config has it.
        data: The folder.
        language: Of the speech; None where the config need not say it.

    """
    last = model.rstrip("/").rsplit("/", 1)[-1]
    name = re.sub(r"[^\w.+-]+", "-", f"{last}-{data.resolve().name}", flags=re.ASCII)
    speech = {"source": "folder", "path": str(data)}
    if language is not None:
        speech["language"] = language
    return {"name": name.lstrip("_.+-") or "run", "models": [model], "data": speech}


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
