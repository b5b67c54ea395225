"""What a benchmark needs of the machine it was queued on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runner.dispatch.needs import Needs, needs_of


def needs(folder: Path, data: dict[str, Any] | None = None, *models: Any, **rest: Any) -> Needs:
    document = {"name": "b", "models": list(models) or ["pocketsphinx"], "data": data or {}, **rest}
    environ = {"ASRPROF_CACHE": str(folder / "cache"), "HF_HOME": str(folder / "hf")}
    return needs_of(json.dumps(document), folder, environ)


@pytest.mark.parametrize(
    "model",
    [
        "pocketsphinx",
        "small-whisper",
        {"name": "openai/whisper-tiny", "weights": "random", "revision": None},
    ],
)
def test_what_ships_with_asrprof_needs_nothing(tmp_path: Path, model: Any) -> None:
    found = needs(tmp_path, None, model)
    assert (found.folders, found.downloads, found.uses_hub) == ((), (), False)
    assert found.cache == tmp_path / "cache"


def test_weights_of_the_benchmark_hold_for_its_models(tmp_path: Path) -> None:
    assert not needs(tmp_path, None, "openai/whisper-tiny", weights="random").uses_hub
    found = needs(tmp_path, None, "openai/whisper-tiny", weights="pretrained")
    assert (found.downloads, found.uses_hub) == (("openai/whisper-tiny",), True)


def test_a_cached_model_needs_no_network(tmp_path: Path) -> None:
    repository = tmp_path / "hf" / "hub" / "models--openai--whisper-tiny"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("abc")
    (repository / "snapshots" / "abc").mkdir(parents=True)
    (repository / "snapshots" / "abc" / "config.json").write_text("{}")
    found = needs(tmp_path, None, "openai/whisper-tiny")
    assert (found.downloads, found.uses_hub) == ((), True)
    other = {"name": "openai/whisper-tiny", "weights": None, "revision": "v2"}
    assert needs(tmp_path, None, other).downloads == ("openai/whisper-tiny",)


def test_folders_are_found_from_where_the_job_was_queued(tmp_path: Path) -> None:
    for name in ("models/one", "models/two", "speech"):
        (tmp_path / "work" / name).mkdir(parents=True)
    (tmp_path / "work" / "speech" / "list.jsonl").touch()
    data = {"source": "folder", "path": "speech/list.jsonl"}
    found = needs(tmp_path / "work", data, "./models/one", str(tmp_path / "work/models"))
    assert found.folders == (tmp_path / "work" / "models", tmp_path / "work" / "speech")


def test_a_data_set_of_the_hub(tmp_path: Path) -> None:
    data = {"source": "hub", "dataset": "librispeech", "utterances": 4}
    assert needs(tmp_path, data).downloads == ("librispeech",)
    from runner.clips.hub_request import hub_request
    from runner.config import Data

    kept = tmp_path / "cache" / "hub" / hub_request(Data.model_validate(data)).key
    kept.mkdir(parents=True)
    (kept / "source.json").touch()
    assert needs(tmp_path, data).downloads == ()
