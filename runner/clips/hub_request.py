"""What to take from a data set of the Hugging Face hub, presets filled in."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from runner.config import Data

DEFAULT_UTTERANCES = 200
"""Utterances taken from a hub data set when the config names no number."""


@dataclass(frozen=True)
class Preset:
    """A data set under a short name."""

    repository: str
    subset: str
    parquet_revision: str | None = None
    """Where the default branch may hold only a loading script, which `datasets` 4 and later no
    longer runs: a revision with the same data as Parquet."""


PRESETS = {
    # The Parquet version: https://github.com/SpeechColab/GigaSpeech/issues/143
    "gigaspeech": Preset("speechcolab/gigaspeech", "xs", parquet_revision="refs/pr/20"),
    "librispeech": Preset("openslr/librispeech_asr", "clean"),
}


@dataclass(frozen=True)
class HubRequest:
    """Everything that decides which utterances come back."""

    repository: str
    """`org/name`, or a local folder that `datasets` can load."""
    subset: str | None
    split: str
    revision: str | None
    audio_column: str | None
    text_column: str | None
    count: int
    parquet_revision: str | None = None

    @property
    def is_local(self) -> bool:
        """Whether the data set is a folder on this machine: never cached, it may change."""
        return Path(self.repository).expanduser().is_dir()

    @property
    def key(self) -> str:
        """A name for the downloaded utterances, readable and unique."""
        parts = (self.repository.rsplit("/", 1)[-1], self.subset, self.split, str(self.count))
        readable = re.sub(r"[^A-Za-z0-9._-]+", "_", "-".join(part for part in parts if part))
        sha = hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()
        return f"{readable[:80]}-{sha[:12]}"


def hub_request(data: Data) -> HubRequest:
    """The request of a config whose source is `hub`.

    Raises:
        ValueError: the config names no data set.
    """
    if data.dataset is None:
        raise ValueError('data source "hub" needs "dataset"')
    preset = PRESETS.get(data.dataset.lower(), Preset(data.dataset, ""))
    return HubRequest(
        repository=preset.repository,
        subset=data.subset or preset.subset or None,
        split=data.split,
        revision=data.revision,
        audio_column=data.audio_column,
        text_column=data.text_column,
        count=data.utterances or DEFAULT_UTTERANCES,
        parquet_revision=preset.parquet_revision if data.revision is None else None,
    )
