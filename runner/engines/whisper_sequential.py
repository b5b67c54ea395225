"""Whisper's own way with long audio, through transformers: its time stamps say where it goes on.

The model transcribes a window with time stamps. What follows the last stretch that it ended is
dropped, and the next window begins there. This is the loop of Whisper's ``generate()``: greedy, at
temperature 0, without its fallback to other temperatures, without its test for silence, and without
the text before as a prompt. Clips of a batch go on side by side until the last has ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from runner.clips.clip import SAMPLE_RATE, Waveform
from runner.engines.base import Mark, Transcription
from runner.engines.hooks import hooked
from runner.engines.seq2seq import Seq2SeqEngine
from runner.engines.text_ends import text_ends

SETTINGS = "greedy, no temperature fallback, no test for silence, no earlier text as a prompt"
"""For a proof; every engine's loop is told the same."""
_SHORTEST = 0.1
"""Seconds; shorter clips are filled up with silence: a frame needs more than its own length."""


def transcribe_sequentially(
    engine: Seq2SeqEngine, batch: Sequence[Waveform], mark: Mark
) -> Transcription:
    """Transcribes a batch by the model's time stamps.

    Args:
        engine: A Whisper that has time stamps.
        batch: Clips of (samples,) each.
        mark: Called at the end of each stage of each round.
    """
    fewest = round(_SHORTEST * SAMPLE_RATE)
    # As transformers asks for it: whole, so that the loop knows where the audio ends.
    heard = engine.extractor(
        [np.pad(wave, (0, max(0, fewest - len(wave)))) for wave in batch],
        sampling_rate=SAMPLE_RATE,
        return_tensors="pt",
        truncation=False,
        padding="longest",
        return_attention_mask=True,
    )
    mark("features")
    features = heard.input_features.to(engine.device, engine.dtype)
    mask = heard.attention_mask.to(engine.device)
    mark("transfer")
    engine.bound_decoder(max(map(len, batch)) / SAMPLE_RATE)
    with engine.inference(), _following(engine, mark) as passes:
        found = engine.model.generate(
            features,
            attention_mask=mask,
            return_timestamps=True,
            return_segments=True,
            force_unique_generate_call=False,
            condition_on_prev_tokens=False,
        )
    sequences = found["sequences"].cpu()
    mark("decode")
    texts = engine.tokenizer.batch_decode(sequences, skip_special_tokens=True)
    clips = [_windows(engine, segments) for segments in found["segments"]]
    mark("text")
    return Transcription(
        texts=tuple(text.strip() for text in texts),
        at_limit=tuple(any(one.at_limit for one in clip) for clip in clips)
        if engine.ends_by_itself
        else None,
        tokens=sum(one.tokens for clip in clips for one in clip),
        windows=sum(map(len, clips)),
        decoder_calls=passes.decoder,
        input_samples=sum(map(len, clips)) * (engine.window or 0),
        prefills=passes.encoder,
        seams=tuple(tuple(one.words_so_far for one in clip[:-1]) for clip in clips),
        cuts_s=tuple(tuple(one.end_s for one in clip[:-1]) for clip in clips),
    )


@dataclass
class _Passes:
    """Passes so far, of a whole batch."""

    encoder: int = 0
    decoder: int = 0
    fresh: bool = False
    """Whether the decoder has not seen yet what was encoded last."""


@contextmanager
def _following(engine: Seq2SeqEngine, mark: Mark) -> Iterator[_Passes]:
    """Counts the passes, and marks the stages of every round."""
    passes = _Passes()

    def encoding(*_: Any) -> None:
        if passes.encoder:
            mark("decode")

    def encoded(*_: Any) -> None:
        passes.encoder += 1
        passes.fresh = True
        mark("encode")

    def decoded(*_: Any) -> None:
        passes.decoder += 1
        if passes.fresh:
            passes.fresh = False
            mark("prefill")

    encoder, decoder = [engine.model.get_encoder()], [engine.model.get_decoder()]
    with (
        hooked(encoder, encoding, before=True),
        hooked(encoder, encoded, before=False),
        hooked(decoder, decoded, before=False),
    ):
        yield passes


@dataclass(frozen=True)
class _Window:
    """One round of one clip."""

    tokens: int
    at_limit: bool
    words_so_far: int
    """Of the clip's text, this window's among them."""
    end_s: float
    """Where the last stretch of it that counts ends."""


def _windows(engine: Seq2SeqEngine, segments: Sequence[dict[str, Any]]) -> list[_Window]:
    """What each round of one clip came to.

    Args:
        engine: For its tokenizer.
        segments: Transformers', in order; a round has one or more.
    """
    found: list[_Window] = []
    said: list[int] = []
    prompt = segments[0]["idxs"][0] if segments else 0
    for place, segment in enumerate(segments):
        said += segment["tokens"].tolist()
        following = segments[place + 1] if place + 1 < len(segments) else None
        if following is not None and following["idxs"][0] != prompt:
            continue  # The same round.
        generated = segment["result"][prompt:].cpu()[None]
        ends = text_ends(generated, engine.model.generation_config.eos_token_id)
        text = engine.tokenizer.decode(said, skip_special_tokens=True)
        end_s = float(segment["end"])
        found.append(_Window(ends.tokens[0], ends.at_limit[0], len(text.split()), end_s))
    return found
