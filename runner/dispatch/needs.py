"""What a benchmark needs of the machine it is queued on: its folders, and the hub."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.catalogue.models import CATALOGUE
from runner.config import Data


@dataclass(frozen=True)
class Needs:
    """What must be at hand where a benchmark runs."""

    folders: tuple[Path, ...]
    """Local folders that it reads, absolute, none inside another."""
    cache: Path
    """Where prepared clips are kept."""
    hub_cache: Path
    """Where downloaded models are kept."""
    downloads: tuple[str, ...]
    """Models and data sets of the hub that are not in the caches."""
    uses_hub: bool
    """Whether anything of it comes from the hub, cached or not."""
    kept: Path | None = None
    """The folder in the cache of a data set that was downloaded before."""
    own_cache: bool = False
    """Whether the config itself names the cache folder."""


@dataclass(frozen=True)
class _Wanted:
    """A model of the config, as far as it matters here."""

    name: str
    weights: str
    revision: str | None


def needs_of(config: str, folder: Path, environ: Mapping[str, str] = os.environ) -> Needs:
    """What a benchmark needs.

    The config is not parsed as one: its paths would be looked for where this process runs.

    Args:
        config: A benchmark's JSON, as it is in the store.
        folder: Where relative paths of it start.
        environ: The environment variables that name the caches.
    """
    document = json.loads(config)
    data = Data.model_validate(document.get("data") or {})
    cache = data.cache or environ.get("ASRPROF_CACHE") or "~/.cache/asrprof"
    cache_path = _absolute(folder, cache)
    hub_cache = _hub_cache(environ)
    folders: list[Path] = []
    wanted: dict[str, bool] = {}
    kept: Path | None = None
    for model in dict.fromkeys(_models(document)):
        path = _folder_of(model, folder)
        if path is not None:
            folders.append(path)
        elif _is_of_hub(model):
            wanted[model.name] = _is_cached(model, hub_cache)
    if data.source == "folder" and data.path is not None:
        path = _absolute(folder, data.path)
        folders.append(path.parent if path.is_file() else path)
    elif data.source == "hub" and data.dataset is not None:
        path = _absolute(folder, data.dataset)
        if path.is_dir():
            folders.append(path)
        else:
            kept = _kept(data, cache_path)
            wanted[data.dataset] = (kept / "source.json").is_file()
    return Needs(
        folders=_outermost(folders),
        cache=cache_path,
        hub_cache=hub_cache,
        downloads=tuple(name for name, cached in wanted.items() if not cached),
        uses_hub=bool(wanted),
        kept=kept if kept is not None and kept.is_dir() else None,
        own_cache=data.cache is not None,
    )


def _models(document: dict[str, Any]) -> Iterator[_Wanted]:
    for entry in document["models"]:
        model = {"name": entry} if isinstance(entry, str) else entry
        weights = model.get("weights") or document.get("weights") or "pretrained"
        yield _Wanted(model["name"], weights, model.get("revision"))


def _absolute(folder: Path, path: str) -> Path:
    # Not resolved: a container must find it under the name that the config has for it.
    return Path(os.path.normpath(folder / Path(path).expanduser()))


def _folder_of(model: _Wanted, folder: Path) -> Path | None:
    if model.name in CATALOGUE:
        return None
    path = _absolute(folder, model.name)
    return path if path.is_dir() else None


def _is_of_hub(model: _Wanted) -> bool:
    entry = CATALOGUE.get(model.name)
    return model.weights != "random" and not (entry is not None and entry.bundled)


def _hub_cache(environ: Mapping[str, str]) -> Path:
    # https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables
    named = environ.get("HF_HUB_CACHE") or environ.get("HUGGINGFACE_HUB_CACHE")
    home = environ.get("HF_HOME") or "~/.cache/huggingface"
    return Path(named or Path(home) / "hub").expanduser().absolute()


def _is_cached(model: _Wanted, hub_cache: Path) -> bool:
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(
            model.name, "config.json", cache_dir=hub_cache, revision=model.revision
        )
    except HFValidationError:  # A local folder that has gone: the runner will say so.
        return True
    return isinstance(found, str)


def _kept(data: Data, cache: Path) -> Path:
    """Where a data set's utterances lie once they have been downloaded."""
    from runner.clips.hub_request import hub_request

    return cache / "hub" / hub_request(data).key


def _outermost(folders: list[Path]) -> tuple[Path, ...]:
    unique = sorted(dict.fromkeys(folders), key=lambda path: len(path.parts))
    kept: list[Path] = []
    for path in unique:
        if not any(path.is_relative_to(other) for other in kept):
            kept.append(path)
    return tuple(kept)
