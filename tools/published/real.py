"""Real weights on real speech: the words that each way to run a Whisper costs, and packing too.

Two published checkpoints, as ``.ci/weights`` makes them. Every utterance is an input of its own;
then those that fit into a clip are joined in the two ways that asrprof knows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch
import transformers

from runner.clips.clip import Clip
from runner.clips.continuous import continuous
from runner.clips.pack import pack
from runner.config import Variant
from runner.engines.base import Engine, LoadRequest
from runner.errors import Refused, UserError
from runner.load import load_engine
from runner.measure.latency import time_once
from runner.measure.quality import Transcribed, score
from store.word_records import Quality
from tools.published.real_speech import Spoken, alone, read_speech

MODELS = ("whisper-tiny.en", "whisper-base")
"""Folders of the weights."""

CLIP_S = 15.0
"""Length of the clips that utterances are joined to."""

SEED = 42


@dataclass(frozen=True)
class Way:
    """One way to run a model."""

    title: str
    engine: str | None
    """None for transformers."""
    variant: Variant


FP32 = Variant(name="fp32")
INT8 = Variant(name="int8-dynamic", quantization="int8-dynamic")
# Not torchao's: its integer products take a CPU many times as long as those of fp32.
INT8_TORCH = Variant(name="int8-dynamic-torch", quantization="int8-dynamic-torch")
WAYS = (
    Way("transformers, fp32", None, FP32),
    Way("transformers, int8-dynamic-torch", None, INT8_TORCH),
    Way("faster-whisper, fp32", "faster-whisper", FP32),
    Way("faster-whisper, int8-dynamic", "faster-whisper", INT8),
)
"""The first one also transcribes the joined clips."""


@dataclass(frozen=True)
class Outcome:
    """What came of one clip."""

    heard: Transcribed
    tokens: int
    """Decoded, end of text included."""
    seconds: float


@dataclass(frozen=True)
class Row:
    """One model run one way, over every utterance by itself."""

    model: str
    way: str
    quality: Quality
    tokens: int
    median_s: float
    """Of the time of an utterance."""
    rtfx: float
    """Seconds of audio by seconds of computing, over all utterances."""


@dataclass(frozen=True)
class JoinedRow:
    """One model over the same words, in clips that were made one way."""

    model: str
    title: str
    clips: int
    of_several: int
    """Clips that hold two utterances or more."""
    quality: Quality
    tokens: int


@dataclass(frozen=True)
class Measured:
    """All of it."""

    spoken: Spoken
    threads: int
    rows: tuple[Row, ...]
    joined: tuple[JoinedRow, ...]
    lacking: tuple[str, ...]
    """What could not be run, and what to do about it; one line each."""


def measure(weights: Path, speech: Path, threads: int, progress: Callable[[str], None]) -> Measured:
    """Runs everything that can be run here.

    Args:
        weights: Folder with the checkpoints.
        speech: Folder with audio files and a manifest.
        threads: Of the framework.
        progress: Told what is done next.

    Raises:
        UserError: there are no weights or no speech.
    """
    there = [name for name in MODELS if (weights / name / "config.json").is_file()]
    if not there:
        raise UserError(
            f"{weights} holds neither {' nor '.join(MODELS)}; run .ci/weights {weights}"
        )
    spoken = read_speech(speech)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(threads)
    rows: list[Row] = []
    joined: list[JoinedRow] = []
    lacking = [f"no {name} among the weights" for name in MODELS if name not in there]
    clips = alone(spoken.utterances)
    for model in there:
        for way in WAYS:
            progress(f"{model}, {way.title}")
            try:
                engine = _load(weights / model, way)
            except Refused as refusal:
                lacking.append(f"{model}, {way.title}: {refusal}")
                continue
            engine.transcribe([clips[0].audio])  # warm from here on
            by_itself = _transcribe(engine, clips)
            rows.append(_row(model, way.title, by_itself.values()))
            if way is WAYS[0]:
                progress(f"{model}, joined to clips of {CLIP_S:g} s")
                joined += _joined(model, engine, spoken, by_itself)
    if not rows:
        raise UserError(f"nothing could be run: {'; '.join(lacking)}")
    return Measured(spoken, threads, tuple(rows), tuple(joined), tuple(lacking))


def _joined(
    model: str, engine: Engine, spoken: Spoken, by_itself: Mapping[str, Outcome]
) -> list[JoinedRow]:
    """The utterances that fit into a clip: by themselves, and joined in each way."""
    fitting = [one for one in spoken.utterances if one.seconds <= CLIP_S]
    if not fitting:
        return []
    ways = {
        "one by one": alone(fitting),
        "continuous": continuous(fitting, audio_seconds=CLIP_S, seed=SEED).clips,
        "packed": pack(fitting, audio_seconds=CLIP_S, seed=SEED).clips,
    }
    rows = []
    for title, clips in ways.items():
        # Whisper pads to its window: a clip of one utterance is the same input as the utterance.
        several = _transcribe(engine, [clip for clip in clips if len(clip.utterance_ids) > 1])
        found = [several.get(clip.id) or by_itself[clip.utterance_ids[0]] for clip in clips]
        rows.append(_joined_row(model, title, clips, found))
    return rows


def _load(folder: Path, way: Way) -> Engine:
    return load_engine(
        LoadRequest(
            name=str(folder.absolute()),
            weights="pretrained",
            revision=None,
            device="cpu",
            variant=way.variant,
            seed=SEED,
            tokens_per_audio_second=4.0,
            engine=way.engine,
        )
    )


def _transcribe(engine: Engine, clips: Sequence[Clip]) -> dict[str, Outcome]:
    """Each clip by itself, by an engine that is warm; by the clip's id."""
    found: dict[str, Outcome] = {}
    for clip in clips:
        seconds, outcome = time_once(engine, [clip.audio], time.perf_counter)
        heard = Transcribed(
            clip_id=clip.id,
            reference=clip.reference,
            hypothesis=outcome.texts[0],
            audio_seconds=clip.speech_seconds,
            speaker=clip.speaker,
            recording=clip.recording,
            at_limit=outcome.at_limit[0] if outcome.at_limit is not None else None,
            seconds=seconds,
        )
        found[clip.id] = Outcome(heard, outcome.tokens or 0, seconds)
    return found


def _row(model: str, way: str, found: Collection[Outcome]) -> Row:
    spent = [one.seconds for one in found]
    return Row(
        model=model,
        way=way,
        quality=_judge(found),
        tokens=sum(one.tokens for one in found),
        median_s=median(spent),
        rtfx=sum(one.heard.audio_seconds for one in found) / sum(spent),
    )


def _joined_row(
    model: str, title: str, clips: Sequence[Clip], found: Collection[Outcome]
) -> JoinedRow:
    return JoinedRow(
        model=model,
        title=title,
        clips=len(clips),
        of_several=sum(len(clip.utterance_ids) > 1 for clip in clips),
        quality=_judge(found),
        tokens=sum(one.tokens for one in found),
    )


def _judge(found: Collection[Outcome]) -> Quality:
    return score([one.heard for one in found], seed=SEED)[0]
