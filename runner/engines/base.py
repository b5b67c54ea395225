"""The declared timed region, the same for every engine.

In: a batch of float32 16 kHz mono waveforms in host memory. Out: decoded text in host memory.
Reading and resampling of files lies outside. Everything the caller times goes through
:meth:`Engine.transcribe`; the caller synchronises the device before both clock reads.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, TypeVar

from runner.clips.clip import Waveform
from runner.config import Server, Variant
from runner.engines.language import Language, told_language
from runner.errors import NoEffect
from store.records import Proof, Scalar

Stage = Literal["features", "transfer", "encode", "detect", "prefill", "decode", "text"]
"""Stages in order: waveform -> model input, host -> device, encoder, language (where it is
detected), first decoder step, the other decoder steps, ids -> text."""

Mark = Callable[[Stage], None]
"""Called by an engine at the end of each of its stages, in the pass that times stages."""


def no_mark(_: Stage) -> None:
    """The mark of the end-to-end pass: does nothing, so nothing is measured but the work."""


@dataclass(frozen=True)
class Transcription:
    """What one batch came to. Counts are sums over the batch; None where there is no decoder."""

    texts: tuple[str, ...]
    """One hypothesis a clip."""
    at_limit: tuple[bool, ...] | None = None
    """For each clip, whether the decoder was ended by its length limit before it ended the text
    itself, in any of its windows; None where there is no such limit, or the work is fixed."""
    tokens: int | None = None
    """Tokens generated, end-of-text included, padding not; those of a text that was decoded again
    as well."""
    windows: int | None = None
    """Rows of the encoder: clips times windows a clip."""
    decoder_calls: int | None = None
    """Forward passes of the decoder, the prefill included; all rows share a pass."""
    input_samples: int | None = None
    """Audio that the encoder was handed, in samples at 16 kHz, padding included; None where that
    is not kept."""
    prefills: int = 1
    """How many of them begin a text: more where rows or chunks are decoded one after the other, or
    a text again."""
    seams: tuple[tuple[int, ...], ...] | None = None
    """For each clip, how many words of its text lie before each place where the texts of two
    windows meet; None where that is not kept."""
    cuts_s: tuple[tuple[float, ...], ...] | None = None
    """For each clip, where these places are in its audio, in seconds; None where the clip was not
    cut by time stamps."""


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
    def shares(self, clock: Callable[[], float]) -> tuple[Scalar, ...]:
        """What the passes spend their time on, 0 to 1 each."""

    @abstractmethod
    def cache(self) -> tuple[Scalar, ...]:
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
    language: str | None = None
    """The language to transcribe: a code, ``detect``, or None for what the checkpoint says."""

    server: Server | None = None
    """Where it is asked for, for an engine that computes nothing itself."""
    shapes_only: bool = False
    """Make the model without memory for its weights: its operations are counted, none is run."""
    published: bool = False
    """Make the published architecture, where a checkpoint has nothing more to say."""

    @property
    def made(self) -> bool:
        """Whether the model is made here, and no checkpoint is read."""
        return self.weights == "random" or self.published

    @classmethod
    def of_checkpoint(cls, name: str) -> LoadRequest:
        """A checkpoint's own weights in 32-bit floats, on the CPU."""
        return cls(
            name=name,
            weights="pretrained",
            revision=None,
            device="cpu",
            variant=Variant(name="fp32"),
            seed=42,
            tokens_per_audio_second=4.0,
        )


@dataclass(frozen=True)
class Workload:
    """One batch as its operations are counted: shapes and numbers of passes, no data."""

    config: Any
    """The transformers configuration of the model."""
    samples: int
    """Samples of one (padded) clip at 16 kHz."""
    batch: int
    """Clips."""
    windows: int | None = None
    """Encoder windows of one clip; as many as ``samples`` need without overlap when None."""
    prompt_tokens: int = 0
    """Tokens of the decoder's prompt."""
    tokens: int | None = None
    """Tokens generated for each row (decoder passes); None where unknown."""
    cached: bool = True
    """Whether the decoder caches keys and values."""
    beams: int = 1
    """Hypotheses that the decoder follows for each window."""
    detects: bool = False
    """Whether the language of each window is found out before it is decoded."""


CAPABILITIES: dict[str, str] = {
    "torch": "operators of PyTorch",
    "linear": "linear layers that can be quantised in place",
    "attention": "choice of how attention is computed",
    "encoder": "encoder that can be compiled or recorded by itself",
    "generate": "token-by-token decoder",
    "kv_cache": "key-value cache",
    "compiled_step": "decoder step that can be compiled",
    "speculation": "decoder that checks drafts",
    "token_scores": "text whose probability is known",
    "chunks": "way to transcribe a clip in chunks",
    "audio_ctx": "encoder that can compute some of its positions",
    "windows": "window that longer audio would have to be cut to",
}
"""What a technique may need of an engine -> what an engine without it lacks, in words."""


class Engine(ABC):
    """One loaded model on one device."""

    family: ClassVar[str]
    capabilities: ClassVar[frozenset[str]] = frozenset()
    """What it offers to techniques, of :data:`CAPABILITIES`."""
    own_techniques: ClassVar[tuple[type[Technique[Any]], ...]] = ()
    """Techniques in its own way, in place of those that are common to engines."""
    one_thread: ClassVar[bool] = False
    """Whether it computes on one thread, however many it is given."""
    token_each_pass: bool = False
    """Whether a pass of its decoder gives a token to every row, also to one that has ended."""
    without: ClassVar[Mapping[str, str]] = {}
    """Measures that it cannot have -> why."""
    window_s: float | None = None
    """Seconds of audio that the model takes at a time; longer clips are cut as the variant's
    ``long_form`` says. None where a clip is taken in one piece."""
    parameters: int | None = None
    """Parameters of the model, buffers not counted."""
    weights_bytes: int | None = None
    """Bytes of the parameters as they lie in memory."""
    revision: str | None = None
    """Commit of the repository the weights came from; None where there is none."""
    language: Language | None
    """The language it is told, or known, to transcribe; None where nothing says it."""
    remarks: tuple[str, ...] = ()
    """What a reader of its figures should know, found while it was loaded."""

    def __init__(self, request: LoadRequest, techniques: Sequence[Technique[Any]] = ()) -> None:
        """Keeps what is asked for; a subclass loads the model.

        Args:
            request: What to load, where, and how.
            techniques: The parts of its variant, known to fit.

        Raises:
            Refused: the model cannot be had here.
        """
        self.request = request
        self.techniques = tuple(techniques)
        self.language = self.language_of(request)

    def language_of(self, request: LoadRequest) -> Language | None:
        """The language, before anything is loaded; one that tells its model finds it later.

        Raises:
            Refused: the model does not have the language that is asked for.
        """
        return told_language(request.name, request.language)

    @classmethod
    def check_device(cls, device: str) -> None:
        """Looks whether the device is there, before anything else is done.

        Raises:
            Refused: it is not, or the engine does not run on it.
        """

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

    def workload(self, *, samples: int, batch: int, decoder_calls: float | None) -> Workload:
        """The work of one batch, for its operations to be counted without computing.

        Args:
            samples: Samples of each clip.
            batch: Clips in the batch.
            decoder_calls: Decoder passes a batch, as measured.

        Raises:
            Unmeasurable: this engine does not compute with tensors, or its work is not known.
        """
        raise Unmeasurable(f"{self.family} does not compute with tensors: no FLOPs to count")

    def fixed_calls(self, samples: int) -> float | None:
        """Decoder passes of a batch where the work is fixed; None where a text's end decides.

        Args:
            samples: Samples of the longest clip of the batch.
        """
        return None

    def verify(self, batch: Sequence[Waveform]) -> tuple[Proof, ...]:
        """Shows that every part of the variant is at work; runs ``batch`` as often as it takes.

        Raises:
            NoEffect: a part of it does nothing.
        """
        return tuple(self._verify(technique, batch) for technique in self.techniques)

    def _verify(self, technique: Technique[Any], batch: Sequence[Waveform]) -> Proof:
        with ExitStack() as stack:
            if not technique.bypasses_modules:
                for other in self.techniques:
                    stack.enter_context(other.set_aside(self))
            return technique.verify(self, batch)

    def observe(self, batches: Sequence[Sequence[Waveform]]) -> None:
        """Runs what ``figures`` needs beyond the timed loop, on that loop's batches."""
        for technique in self.techniques:
            technique.observe(self, batches)

    def figures(self) -> tuple[Scalar, ...]:
        """Figures that only this engine or variant has, once it has been observed."""
        return tuple(f for technique in self.techniques for f in technique.figures(self))

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


E = TypeVar("E", bound=Engine)

Loader = Callable[[LoadRequest], Engine]
"""Loads a model, as :func:`runner.load.load_engine` does."""


class Technique(ABC, Generic[E]):
    """One part of a variant: whether it fits here, how it is applied, how it is seen to work.

    Several switches of the libraries do nothing where they do not fit, and say nothing either. A
    technique therefore looks at the running model for what was requested; one that finds nothing
    fails its case.
    """

    part: ClassVar[str]
    """The field of :class:`~runner.config.Variant` that asks for it."""
    needs: ClassVar[frozenset[str]] = frozenset()
    """Capabilities that an engine must have."""
    same_text: ClassVar[bool] = False
    """Whether the method promises the baseline's text, but for rounding."""
    leaves_work: ClassVar[bool] = False
    """Whether as many operations are counted with it as without, so that it is not applied where
    they are only counted."""
    bypasses_modules: ClassVar[bool] = False
    """Whether passes no longer go through the model's modules, so that hooks see nothing."""

    def __init__(self, request: LoadRequest, load: Loader) -> None:
        """Reads the variant.

        Args:
            request: What will be loaded.
            load: Loads a second model, for a technique that needs one.
        """
        self.request = request
        self.variant = request.variant
        self.load = load

    @property
    def requested(self) -> str:
        """What the config asks for, in a word."""
        return str(getattr(self.variant, self.part))

    def unsupported_reason(self) -> str | None:
        """Why it cannot be had here, in words that say what to change; None where it can.

        It is called before anything is loaded.
        """
        return None

    @abstractmethod
    def apply(self, engine: E) -> None:
        """Changes the loaded model; a PyTorch model is still on the CPU.

        Raises:
            Refused: this model cannot take it.
        """

    @abstractmethod
    def verify(self, engine: E, batch: Sequence[Waveform]) -> Proof:
        """Runs what it takes to see that the technique is at work.

        Args:
            engine: The engine on its device, after its first inference.
            batch: Waveforms to run.

        Raises:
            NoEffect: it is not.
        """

    def set_aside(self, engine: E) -> AbstractContextManager[object]:
        """A context in which passes go through the model's modules, for the proofs of others."""
        return nullcontext()

    def observe(self, engine: E, batches: Sequence[Sequence[Waveform]]) -> None:
        """Passes of its own for its figures, after the timed loop.

        Args:
            engine: The warm engine.
            batches: Those of the timed loop.
        """

    def figures(self, engine: E) -> tuple[Scalar, ...]:
        """Figures that only this technique has, after the timed loop and its own passes."""
        return ()

    def proof(self, found: str) -> Proof:
        """What was seen."""
        return Proof(technique=self.part, requested=self.requested, found=found)

    def no_effect(self, found: str) -> NoEffect:
        """The error of a technique that did nothing."""
        return NoEffect(
            f"variant {self.variant.name}: {self.part} {self.requested} did not take effect: "
            f"{found}"
        )


class Unmeasurable(Exception):
    """A figure this engine cannot have; the message is the reason stored in its place."""
