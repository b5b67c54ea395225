"""Long audio: one recording of read speech, taken by each way of ``long_form``.

The speech at hand has no reader of five minutes, so the readers with the most speech follow each
other. A model may lose words where the reader changes: that is the same for every way.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import transformers

from runner.clips.clip import SAMPLE_RATE, Utterance, Waveform
from runner.clips.folder import read_folder
from runner.clips.joining import SILENCE
from runner.config import ENGLISH, Variant
from runner.engines.base import LoadRequest
from runner.engines.long_form import WAYS
from runner.errors import Refused, UserError
from runner.load import load_engine
from runner.measure.latency import time_once
from runner.measure.quality import Transcribed, score
from runner.measure.seams import SeamErrors
from store.word_records import Quality

MODEL = "whisper-base"
RECORDING_S = 300.0
SHORTEST_S = 2.0
"""Shorter utterances are commands and single digits."""
ENGINES = {"transformers": None, "faster-whisper": "faster-whisper"}
SEED = 42


@dataclass(frozen=True)
class Recording:
    """Read speech, joined."""

    id: str
    audio: Waveform
    text: str
    readers: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """Of its audio."""
        return len(self.audio) / SAMPLE_RATE


@dataclass(frozen=True)
class LongRow:
    """The recording by one engine in one way."""

    engine: str
    way: str
    quality: Quality
    at_seams: SeamErrors
    windows: int


def readers(folder: Path) -> list[Recording]:
    """Each reader's utterances in the order of the manifest, joined; the longest first.

    Raises:
        UserError: the folder or its manifest cannot be used.
    """
    by_reader: dict[str, list[Utterance]] = {}
    for one in read_folder(folder).utterances:
        if one.speaker is not None and one.seconds >= SHORTEST_S:
            by_reader.setdefault(one.speaker, []).append(one)
    found = [
        Recording(
            reader, _joined([one.audio for one in of]), " ".join(one.text for one in of), (reader,)
        )
        for reader, of in by_reader.items()
    ]
    return sorted(found, key=lambda one: -one.seconds)


def recording(parts: Sequence[Recording], seconds: float = RECORDING_S) -> Recording:
    """Readers one after the other, until there are so many seconds.

    Raises:
        UserError: there is not as much speech.
    """
    taken: list[Recording] = []
    for part in parts:
        if sum(one.seconds for one in taken) < seconds:
            taken.append(part)
    if sum(one.seconds for one in taken) < seconds:
        raise UserError(f"the speech is shorter than {seconds:g} s: name a folder with more of it")
    return Recording(
        "joined",
        _joined([one.audio for one in taken]),
        " ".join(one.text for one in taken),
        tuple(reader for one in taken for reader in one.readers),
    )


def _joined(parts: Sequence[Waveform]) -> Waveform:
    between = [piece for part in parts for piece in (part, SILENCE.waveform())]
    return np.concatenate(between[:-1])


def measure(
    weights: Path, speech: Path, threads: int, progress: Callable[[str], None]
) -> tuple[Recording, tuple[LongRow, ...], tuple[str, ...]]:
    """Runs every way of every engine.

    Args:
        weights: Folder with the checkpoint.
        speech: Folder with audio files and a manifest.
        threads: Of the framework.
        progress: Told what is done next.

    Returns:
        The recording, what came of it, and what could not be run, one line each.

    Raises:
        UserError: there are no weights or not enough speech.
    """
    folder = weights / MODEL
    if not (folder / "config.json").is_file():
        raise UserError(f"{weights} holds no {MODEL}; run .ci/weights {weights}")
    whole = recording(readers(speech))
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(threads)
    rows: list[LongRow] = []
    lacking: list[str] = []
    for engine in ENGINES:
        for way in WAYS:
            progress(f"{engine}, {way}")
            try:
                rows.append(transcribe(folder, engine, way, whole))
            except Refused as refusal:
                lacking.append(f"{engine}, {way}: {refusal}")
    return whole, tuple(rows), tuple(lacking)


def transcribe(folder: Path, engine: str, way: str, whole: Recording) -> LongRow:
    """One engine in one way.

    Args:
        folder: The checkpoint.
        engine: One of `ENGINES`.
        way: One of `runner.engines.long_form.WAYS`.
        whole: What is transcribed.

    Raises:
        Refused: it cannot be had here.
    """
    loaded = load_engine(
        LoadRequest(
            name=str(folder.absolute()),
            weights="pretrained",
            revision=None,
            device="cpu",
            variant=Variant.model_validate({"name": f"long form {way}", "long_form": way}),
            seed=SEED,
            tokens_per_audio_second=4.0,
            engine=ENGINES[engine],
        )
    )
    seconds, outcome = time_once(loaded, [whole.audio], time.perf_counter)
    seams = outcome.seams[0] if outcome.seams is not None else ()
    heard = Transcribed(
        clip_id=whole.id,
        reference=whole.text,
        hypothesis=outcome.texts[0],
        audio_seconds=whole.seconds,
        at_limit=outcome.at_limit[0] if outcome.at_limit is not None else None,
        seconds=seconds,
    )
    at_seams = SeamErrors.of(whole.text, outcome.texts[0], seams, ENGLISH)
    quality, _ = score([heard], seed=SEED)
    return LongRow(engine, way, quality, at_seams, outcome.windows or 0)
