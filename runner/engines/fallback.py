"""The temperature fallback of Whisper's publishers: a text that is unlikely is decoded again.

A window's text fails where it repeats itself (compression ratio) or where the model itself holds
it for unlikely (mean log probability of a token). It is then sampled at one temperature after the
other until a text passes; if none does, the last counts. Settings are those of ``transcribe()`` in
https://github.com/openai/whisper: one sample at each temperature, and windows judged one by one.
Left out is its test for silence, which drops a window's text instead of decoding it again.

Transformers has such a loop in Whisper's ``generate()``. It is not used: it takes the compression
ratio of token ids instead of text, which puts it on another scale and judges a short loop
differently, it runs the encoder again each time, and it keeps the scores of the whole vocabulary
for every token. This module is what the two Whisper engines share; each decodes in its own way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from runner.clips.clip import Waveform
from runner.engines.base import LoadRequest, Unmeasurable
from runner.engines.repetition import THRESHOLD, window_compression_ratio
from store.records import Scalar

TEMPERATURES = (0.2, 0.4, 0.6, 0.8, 1.0)
"""Those that follow the first text, which is decoded without sampling."""
MEAN_LOG_PROBABILITY = -1.0
"""Below it the model holds a text for unlikely (``logprob_threshold``)."""


@dataclass(frozen=True)
class WindowText:
    """What one window was decoded to."""

    text: str
    tokens: int
    """Tokens generated, end-of-text included."""
    at_limit: bool
    """Whether the length limit ended it."""
    mean_log_probability: float
    """Natural logarithm, mean over its tokens, end-of-text included, as without a temperature."""


Again = Callable[[Sequence[int], float], tuple[Sequence[WindowText], int]]
"""Samples windows once more: given their indices and a temperature above 0, their new texts and
the passes of the decoder that they took."""


@dataclass(frozen=True)
class Criterion:
    """When a text fails."""

    compression_ratio: float = THRESHOLD
    """Above it a text repeats itself."""
    mean_log_probability: float = MEAN_LOG_PROBABILITY

    def fails(self, window: WindowText) -> bool:
        """Whether a window is to be decoded again."""
        return (
            window_compression_ratio(window.text) > self.compression_ratio
            or window.mean_log_probability < self.mean_log_probability
        )


_IMPOSSIBLE = Criterion(compression_ratio=-1.0)
"""No text passes."""


@dataclass(frozen=True)
class Settled:
    """The windows of a batch when none is decoded again any more."""

    windows: tuple[WindowText, ...]
    tokens: int
    """Of all decoding, that of texts which failed included."""
    passes: int
    """Of the decoder, in all decoding after the first."""
    rounds: int
    """Temperatures that were tried."""


class Fallback:
    """Decides which windows are decoded again, and counts them."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        """Of the sampling."""
        self.criterion = Criterion()
        self.temperatures: Sequence[float] = TEMPERATURES
        self._windows = 0
        self._retried = 0
        """Windows that were decoded again, each counted once."""
        self._highest_temperature = 0.0
        self._figures: tuple[Scalar, ...] = ()
        self._timed_retried: int | None = None
        """Windows of the timed batches that were decoded again; None until they are counted."""

    def settle(self, windows: Sequence[WindowText], again: Again) -> Settled:
        """Decodes again what fails, until it passes or no temperature is left.

        Args:
            windows: The first texts of a batch.
            again: Decodes some of them once more.
        """
        settled = list(windows)
        tokens = sum(window.tokens for window in settled)
        passes = rounds = 0
        failing = self._failing(settled, range(len(settled)))
        self._windows += len(settled)
        self._retried += len(failing)
        for temperature in self.temperatures:
            if not failing:
                break
            found, taken = again(failing, temperature)
            for index, window in zip(failing, found, strict=True):
                settled[index] = window
                tokens += window.tokens
            passes += taken
            rounds += 1
            self._highest_temperature = max(self._highest_temperature, temperature)
            failing = self._failing(settled, failing)
        return Settled(tuple(settled), tokens, passes, rounds)

    def _failing(self, windows: Sequence[WindowText], which: Sequence[int]) -> list[int]:
        return [index for index in which if self.criterion.fails(windows[index])]

    @property
    def words(self) -> str:
        """The settings, for a proof."""
        temperatures = ", ".join(f"{temperature:g}" for temperature in self.temperatures)
        return (
            f"again above a compression ratio of {self.criterion.compression_ratio:g} or below a "
            f"mean log probability of {self.criterion.mean_log_probability:g} a token, "
            f"at {temperatures}"
        )

    @contextmanager
    def forced(self) -> Iterator[None]:
        """Has every window decoded again, once: for a proof that what fails is."""
        before = self.criterion, self.temperatures
        self.criterion, self.temperatures = _IMPOSSIBLE, self.temperatures[:1]
        try:
            yield
        finally:
            self.criterion, self.temperatures = before

    def count(
        self,
        transcribe: Callable[[Sequence[Waveform]], object],
        batches: Sequence[Sequence[Waveform]],
    ) -> None:
        """Counts the windows that are decoded again.

        Args:
            transcribe: The engine's.
            batches: Those of the timed loop.
        """
        self._windows = self._retried = 0
        self._highest_temperature = 0.0
        for batch in batches:
            transcribe(batch)
        self._timed_retried = self._retried
        self._figures = (
            Scalar(
                name="fallback_retries",
                value=float(self._retried),
                note=f"windows decoded again, of {self._windows} in the timed batches",
            ),
            Scalar(
                name="fallback_temperature_max",
                value=self._highest_temperature,
                note="the highest temperature of them; 0 where none was decoded again",
            ),
        )

    def check_countable(self) -> None:
        """Whether the work of the timed batches is that of one decoding.

        Raises:
            Unmeasurable: it is more, or that is not known.
        """
        if self._timed_retried is None:
            raise Unmeasurable(
                "it is not known yet how many windows of the timed batches are decoded again"
            )
        if self._timed_retried:
            raise Unmeasurable(
                f"{self._timed_retried} windows of the timed batches are decoded again, which adds "
                "work that is not counted"
            )

    def figures(self) -> tuple[Scalar, ...]:
        """What was counted; nothing before that."""
        return self._figures


def fallback_unsupported_reason(request: LoadRequest) -> str | None:
    """Why it cannot be had, in words that say what to change; None where it can."""
    if request.weights == "random":
        return 'no text of random weights is likely; use "pretrained" ones'
    return None
