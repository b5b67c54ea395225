"""Where the speech comes from."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from runner.config.language import DataLanguage
from runner.config.strict import Positive, Strict

NormaliserName = Literal[
    "english",
    "words",
    "asrprof/english-2",
    "asrprof/words-2",
    "whisper-normalizer/english",
    "whisper-normalizer/basic",
    "none",
]
"""Those that a benchmark may ask for; a short name means the newest version."""


FormatName = Literal[
    "manifest",
    "librispeech",
    "common-voice",
    "nemo",
    "kaldi",
    "ljspeech",
    "stm",
    "lhotse",
    "audiofolder",
    "datasets",
    "text-files",
]
"""What a folder of speech may be; see `runner.clips.corpora`."""


class Data(Strict):
    """Where the speech comes from."""

    source: Literal["builtin", "folder", "hub"] = "builtin"
    """`builtin`: synthesised speech that ships with asrprof; `folder`: local files with a
    manifest; `hub`: a data set of the Hugging Face hub, streamed."""

    path: str | None = None
    """For `folder`: a folder with `manifest.jsonl` or `metadata.csv` and audio files, or a corpus
    as it is published. A relative path is taken from the folder that asrprof is started in."""

    format: FormatName | None = None
    """For `folder`: what it is; found out by its files when absent."""

    dataset: str | None = None
    """For `hub`: `gigaspeech`, `librispeech`, or any repository such as `org/name`."""

    subset: str | None = None
    """For `hub`: the data set's configuration name."""

    split: str = "validation"
    """The split to take: for `hub`, and for a `folder` that has splits (`datasets`,
    `audiofolder`)."""

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

    normaliser: NormaliserName | None = None
    """What references and hypotheses go through before words are counted. `english` where it is
    absent, or `words` where the references are no English: mostly another script, or accents in
    more than a twentieth of the words."""

    language: DataLanguage | None = None
    """What is spoken: a code such as `de`. Every model is told it, but for one with a `language` of
    its own; models that lack it are refused."""

    clips: Literal["continuous", "packed"] = "continuous"
    """How the clips that are timed are made. `continuous`: consecutive utterances of one
    recording, else of one speaker, else one utterance; `packed`: utterances of anyone, which makes
    some models stop early. The word error rate is of single utterances with both."""

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
        if self.source != "folder" and self.format:
            raise ValueError('"format" belongs to data source "folder" only')
        fields = type(self).model_fields
        if self.source == "builtin" and self.split != fields["split"].default:
            raise ValueError('data source "builtin" has no "split" to choose')
        for name in ("dataset", "subset", "revision", "audio_column"):
            if self.source != "hub" and getattr(self, name) != fields[name].default:
                raise ValueError(f'"{name}" belongs to data source "hub" only')
        if self.source == "builtin" and self.language not in (None, "en"):
            raise ValueError('data source "builtin" is English: leave out "language"')
        if self.source == "builtin" and self.text_column:
            raise ValueError('data source "builtin" has no "text_column" to choose')
        return self
