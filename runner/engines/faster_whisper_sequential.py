"""Long audio by faster-whisper's own loop: the model's time stamps say where it goes on.

Told as the loop of transformers is (:mod:`runner.engines.whisper_sequential`): no fallback to other
temperatures, no test for silence, no earlier text as a prompt, no voice activity detection.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from faster_whisper import WhisperModel

from runner.clips.clip import Waveform
from runner.engines.base import Mark, Transcription


class WatchedModel(WhisperModel):  # type: ignore[misc]
    """Keeps what each window was decoded to."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.lengths: list[int] = []
        """Tokens of each window since this list was made, the end of text not counted."""

    def generate_with_fallback(self, *arguments: Any, **keywords: Any) -> Any:
        """Decodes one window."""
        decoded = super().generate_with_fallback(*arguments, **keywords)
        self.lengths.append(len(decoded[0].sequences_ids[0]))
        return decoded


def transcribe_sequentially(
    model: WatchedModel,
    batch: Sequence[Waveform],
    mark: Mark,
    *,
    language: str | None,
    beams: int,
    most_tokens: int,
    cap: int | None,
) -> Transcription:
    """Transcribes a batch, clip by clip, by the model's time stamps.

    Args:
        model: The loaded model.
        batch: Clips of (samples,) each.
        mark: Called when a clip is through: features, encoder and decoder alternate within.
        language: What the model is told.
        beams: Hypotheses that are followed.
        most_tokens: Where the decoder ends a window that does not end by itself.
        cap: Fewer tokens of a window, for a short look; None otherwise.
    """
    texts, seams, cuts, limits = [], [], [], []
    tokens = windows = 0
    for wave in batch:
        model.lengths = []
        segments, _ = model.transcribe(
            wave,
            language=language,
            task="transcribe",
            beam_size=beams,
            temperature=0.0,
            compression_ratio_threshold=None,
            log_prob_threshold=None,
            no_speech_threshold=None,
            condition_on_previous_text=False,
            vad_filter=False,
            max_new_tokens=cap,
        )
        said = list(segments)
        mark("decode")
        texts.append(" ".join(one.text.strip() for one in said))
        ends = [place for place in range(1, len(said)) if said[place].seek != said[place - 1].seek]
        seams.append(tuple(sum(len(s.text.split()) for s in said[:end]) for end in ends))
        cuts.append(tuple(said[end - 1].end for end in ends))
        limits.append(any(length >= most_tokens for length in model.lengths))
        tokens += sum(length + 1 for length in model.lengths)
        windows += len(model.lengths)
    mark("text")
    return Transcription(
        texts=tuple(texts),
        at_limit=tuple(limits) if cap is None else None,
        tokens=tokens,
        windows=windows,
        decoder_calls=tokens,
        input_samples=windows * model.feature_extractor.n_samples,
        prefills=windows,
        seams=tuple(seams),
        cuts_s=tuple(cuts),
    )
