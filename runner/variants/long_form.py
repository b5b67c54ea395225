"""Long audio: how what is longer than the model's window is cut, and its text put together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from runner.clips.clip import SAMPLE_RATE, Waveform
from runner.engines.base import Technique
from runner.engines.long_form import SHARED, WAYS, Span
from runner.engines.speech_detector import detector_missing, detector_name
from store.records import Proof

PROOF_WINDOWS = 2.5
"""Length of the recording that a proof transcribes, in windows."""
_BY_TIME_STAMPS = (None, "faster-whisper")
"""Engines with a loop by time stamps here."""


class LongAudio(Technique[Any]):
    """Which way is taken."""

    part = "long_form"
    needs = frozenset({"windows"})

    def unsupported_reason(self) -> str | None:
        """What a way needs."""
        if self.requested == "vad":
            return detector_missing()
        if self.requested != "sequential":
            return None
        if self.request.engine not in _BY_TIME_STAMPS:
            return (
                f"{self.request.engine} decodes without time stamps here; run it by transformers "
                'or "engine": "faster-whisper"'
            )
        if self.request.weights == "random":
            return 'time stamps of random weights mean nothing; use "pretrained" ones'
        if self.request.engine is None and self.variant.beams > 1:
            return 'needs one beam, or "engine": "faster-whisper"'
        return None

    def apply(self, engine: Any) -> None:
        """Has the engine take it."""
        engine.long_form = WAYS[self.requested]()

    def verify(self, engine: Any, batch: Sequence[Waveform]) -> Proof:
        """Transcribes a recording of two and a half windows, and counts what it was cut into."""
        size = round(engine.window_s * SAMPLE_RATE)
        recording = _recording(batch, round(PROOF_WINDOWS * size))
        outcome = engine.transcribe([recording])
        if self.requested == "sequential":
            return self._by_time_stamps(outcome)
        spans = WAYS[self.requested]().spans(recording, size)
        found = f"{outcome.windows} windows of {len(recording) / SAMPLE_RATE:g} s: {_told(spans)}"
        if outcome.windows != len(spans) or engine.long_form.name != self.requested:
            raise self.no_effect(f"{found}; {outcome.windows} were encoded")
        more = {
            "windows": "cut through whatever word is said there",
            "overlap": f"each shares 1/{SHARED} with the next",
            "vad": detector_name(),
        }
        return self.proof(f"{found}; {more[self.requested]}")

    def _by_time_stamps(self, outcome: Any) -> Proof:
        cuts = outcome.cuts_s
        if cuts is None:
            raise self.no_effect("the texts of the windows have no time stamps")
        from runner.engines.whisper_sequential import SETTINGS

        places = ", ".join(f"{second:.2f}" for second in cuts[0]) or "nowhere"
        return self.proof(
            f"{outcome.windows} windows; texts meet at {places} s by time stamps; {SETTINGS}"
        )


def _recording(batch: Sequence[Waveform], samples: int) -> Waveform:
    """The clips of a batch one after the other, over and over, up to a length."""
    once = np.concatenate(list(batch))
    return np.resize(once, samples).astype(np.float32)


def _told(spans: Sequence[Span]) -> str:
    parts = [f"{start / SAMPLE_RATE:.2f}-{end / SAMPLE_RATE:.2f}" for start, end in spans]
    return ", ".join(parts) or "nobody speaks"
