"""Where the speech comes from."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from runner.config.strict import Positive, Strict


class Data(Strict):
    """Where the speech comes from."""

    source: Literal["builtin", "folder", "hub"] = "builtin"
    """`builtin`: synthesised speech that ships with asrprof; `folder`: local files with a
    manifest; `hub`: a data set of the Hugging Face hub, streamed."""

    path: str | None = None
    """For `folder`: a folder with `manifest.jsonl` or `metadata.csv` and audio files."""

    dataset: str | None = None
    """For `hub`: `gigaspeech`, `librispeech`, or any repository such as `org/name`."""

    subset: str | None = None
    """For `hub`: the data set's configuration name."""

    split: str = "validation"
    """For `hub`: the split to stream."""

    revision: str | None = None
    """For `hub`: branch, tag or commit of the data set."""

    audio_column: str | None = None
    """For `hub`: the column that holds the audio; found by its type when absent."""

    text_column: str | None = None
    """The column or manifest key that holds the transcript; found by its usual names when
    absent."""

    utterances: Positive | None = None
    """How many utterances to take, in the source's order; all of a local source, 200 of a hub
    data set when absent."""

    cache: str | None = None
    """Folder for prepared clips; `ASRPROF_CACHE` or `~/.cache/asrprof` when absent."""

    @model_validator(mode="after")
    def _belongs_together(self) -> Data:
        if self.source == "folder" and not self.path:
            raise ValueError('data source "folder" needs "path"')
        if self.source == "hub" and not self.dataset:
            raise ValueError('data source "hub" needs "dataset", for example "librispeech"')
        if self.source != "folder" and self.path:
            raise ValueError('"path" belongs to data source "folder" only')
        fields = type(self).model_fields
        for name in ("dataset", "subset", "split", "revision", "audio_column"):
            if self.source != "hub" and getattr(self, name) != fields[name].default:
                raise ValueError(f'"{name}" belongs to data source "hub" only')
        if self.source == "builtin" and self.text_column:
            raise ValueError('data source "builtin" has no "text_column" to choose')
        return self
