"""The declared timed region, the same for every engine.

In: a batch of float32 16 kHz mono waveforms in host memory. Out: decoded text in host memory.
Reading and resampling of files lies outside. Everything the caller times goes through
:meth:`Engine.transcribe`; the caller synchronises the device before both clock reads.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar, Literal

from runner.clips.clip import Waveform
from runner.config import Variant
from store.records import Figure, FlopsReading, Proof

Stage = Literal["features", "transfer", "encode", "prefill", "decode", "text"]
"""Stages in order: waveform -> model input, host -> device, encoder, first decoder step, the
other decoder steps, ids -> text."""

Mark = Callable[[Stage], None]
"""Called by an engine at the end of each of its stages, in the pass that times stages."""


def no_mark(_: Stage) -> None:
    """The mark of the end-to-end pass: does nothing, so nothing is measured but the work."""


@dataclass(frozen=True)
class Transcription:
    """What one batch came to. Counts are sums over the batch; None where there is no decoder."""

    texts: tuple[str, ...]
    """One hypothesis a clip."""
    tokens: int | None = None
    """Tokens generated, end-of-text included, padding not."""
    windows: int | None = None
    """Rows of the encoder: clips times windows a clip."""
    decoder_calls: int | None = None
    """Forward passes of the decoder, the prefill included; all rows share a pass."""
    input_samples: int | None = None
    """Audio that the encoder was handed, in samples at 16 kHz, padding included; None where that
    is not kept."""
    prefills: int = 1
    """How many of them begin a text: more where rows or chunks are decoded one after the other."""


class DecoderPasses(ABC):
    """The decoder of an engine, with one batch to decode."""

    rows: int
    """Rows that a pass gives a token each."""

    @abstractmethod
    def run(self, after_pass: Callable[[], None]) -> None:
        """Decodes the batch; ``after_pass`` is called after each pass of the decoder.

        The device is synchronised before each call.
        """

    @abstractmethod
    def shares(self, clock: Callable[[], float]) -> tuple[Figure, ...]:
        """What the passes spend their time on, 0 to 1 each."""

    @abstractmethod
    def cache(self) -> tuple[Figure, ...]:
        """Bytes that are kept from pass to pass."""


@dataclass(frozen=True)
class LoadRequest:
    """What to load, where, and how."""

    name: str
    weights: Literal["pretrained", "random"]
    revision: str | None
    device: str
    variant: Variant
    seed: int
    tokens_per_audio_second: float
    """Decoder work with random weights, which never stop by themselves."""
    cached: bool = False
    """Load a repository from the local cache, without asking the hub."""
    engine: str | None = None
    """What to run it with; the family's own engine when None."""


class Engine(ABC):
    """One loaded model on one device."""

    family: ClassVar[str]

    on_torch: ClassVar[bool] = False
    """Whether its operators are PyTorch's, which can be profiled."""
    token_each_pass: ClassVar[bool] = False
    """Whether a pass of its decoder gives a token to every row, also to one that has ended."""
    parameters: int | None = None
    """Parameters of the model, buffers not counted."""
    weights_bytes: int | None = None
    """Bytes of the parameters as they lie in memory."""
    revision: str | None = None
    """Commit of the repository the weights came from; None where there is none."""

    @abstractmethod
    def transcribe(self, batch: Sequence[Waveform], mark: Mark = no_mark) -> Transcription:
        """Runs one batch through the timed region.

        Args:
            batch: Waveforms, each of shape (samples,), float32, 16 kHz. Those of different
                lengths are padded here, as the model's publishers do it.
            mark: Called at the end of each stage.
        """

    @abstractmethod
    def synchronize(self) -> None:
        """Returns when the device has done all it was asked to."""

    @abstractmethod
    def flops(
        self, *, samples: int, batch: int, decoder_calls: float | None
    ) -> tuple[FlopsReading, ...]:
        """Operations of one batch, counted without computing.

        Args:
            samples: Samples of each clip.
            batch: Clips in the batch.
            decoder_calls: Decoder passes a batch, as measured.

        Raises:
            Unmeasurable: this engine is no graph of tensors.
        """

    def study_flops(self, *, samples: int) -> tuple[FlopsReading, ...]:
        """The encoder as the published study's tools count it (batch 1), for comparison only."""
        raise Unmeasurable(f"{self.family} is no graph of tensors")

    def prove(self, batch: Sequence[Waveform]) -> tuple[Proof, ...]:
        """Shows that every part of the variant is at work; runs ``batch`` as often as it takes.

        Raises:
            NoEffect: a part of it does nothing.
        """
        return ()

    def observe(self, batches: Sequence[Sequence[Waveform]]) -> None:
        """Runs what ``figures`` needs beyond the timed loop, on that loop's batches."""

    def figures(self) -> tuple[Figure, ...]:
        """Figures that only this engine or variant has, once it has been observed."""
        return ()

    def decoder_passes(self, batch: Sequence[Waveform], tokens: int) -> DecoderPasses:
        """Its decoder, to be looked at step by step.

        Args:
            batch: What to decode.
            tokens: Tokens of each row.

        Raises:
            Unmeasurable: it has none that can be seen.
        """
        raise Unmeasurable(f"{self.family} has no decoder to look into")

    @contextmanager
    def shortened(self, tokens: int) -> Iterator[None]:
        """Caps the decoder at ``tokens`` a row, for passes that look at a few steps only."""
        yield


class Unmeasurable(Exception):
    """A figure this engine cannot have; the message is the reason stored in its place."""
