"""What every part of a variant does: say whether it fits here, apply itself, prove that it did."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, ClassVar

from runner.clips.clip import Waveform
from runner.engines.base import LoadRequest
from runner.errors import NoEffect
from store.records import Figure, Proof

if TYPE_CHECKING:
    from runner.engines.torch_engine import TorchEngine


class Technique(ABC):
    """One part of a variant, for the engines that run on PyTorch.

    Several switches of the libraries do nothing where they do not fit, and say nothing either. A
    technique therefore looks at the running model for what it asked for; one that finds nothing
    fails its case.
    """

    part: ClassVar[str]
    """The field of :class:`~runner.config.Variant` that asks for it."""
    families: ClassVar[frozenset[str]]
    """Engine families that it fits."""
    same_text: ClassVar[bool] = False
    """Whether the method promises the baseline's text, but for rounding."""
    bypasses_modules: ClassVar[bool] = False
    """Whether passes no longer go through the model's modules, so that hooks see nothing."""

    def __init__(self, request: LoadRequest) -> None:
        self.request = request
        self.variant = request.variant

    @property
    def asked(self) -> str:
        """What the config asks for, in a word."""
        return str(getattr(self.variant, self.part))

    def obstacle(self) -> str | None:
        """Why it cannot be had here, in words that say what to change; None where it can.

        Asked before anything is loaded.
        """
        return None

    @abstractmethod
    def apply(self, engine: TorchEngine) -> None:
        """Changes the loaded model, which is still on the CPU.

        Raises:
            Refused: this model cannot take it.
        """

    @abstractmethod
    def prove(self, engine: TorchEngine, batch: Sequence[Waveform]) -> Proof:
        """Runs what it takes to see that the technique is at work.

        Args:
            engine: The engine on its device, after its first inference.
            batch: Waveforms to run.

        Raises:
            NoEffect: it is not.
        """

    def set_aside(self, engine: TorchEngine) -> AbstractContextManager[object]:
        """A context in which passes go through the model's modules, for the proofs of others."""
        return nullcontext()

    def observe(self, engine: TorchEngine, batches: Sequence[Sequence[Waveform]]) -> None:
        """Passes of its own for its figures, after the timed loop.

        Args:
            engine: The warm engine.
            batches: Those of the timed loop.
        """

    def figures(self, engine: TorchEngine) -> tuple[Figure, ...]:
        """Figures that only this technique has, after the timed loop and its own passes."""
        return ()

    def proof(self, found: str) -> Proof:
        """What was seen."""
        return Proof(part=self.part, asked=self.asked, found=found)

    def no_effect(self, found: str) -> NoEffect:
        """The error of a technique that did nothing."""
        return NoEffect(
            f"variant {self.variant.name}: {self.part} {self.asked} did not take effect: {found}"
        )


@contextmanager
def hooked(modules: Iterable[Any], hook: Callable[..., None], *, before: bool) -> Iterator[None]:
    """Calls ``hook`` at every forward pass of some modules.

    Args:
        modules: The modules.
        hook: With ``before``: called with (module, arguments, keywords); else with (module,
            arguments, keywords, output).
        before: Whether before or after the pass.
    """
    handles = [
        module.register_forward_pre_hook(hook, with_kwargs=True)
        if before
        else module.register_forward_hook(hook, with_kwargs=True)
        for module in modules
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
