"""Compiled with ``torch.compile``: the encoder, which in a CTC model is the whole model.

Compiling a model and then calling its ``generate()`` compiles nothing, since that is another
method. So the encoder itself is compiled, in place. The decoder's shapes change with every token
unless its cache is static: see :mod:`runner.variants.compiled_decoder`.

What compiling takes is timed by PyTorch's own callbacks and kept apart. Its caches on disk are off,
or a case would be charged what an earlier one had left undone.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from runner.clips.clip import Waveform
from runner.variants.base import Technique
from store.records import Figure, Proof

if TYPE_CHECKING:
    from runner.engines.torch_engine import TorchEngine


class Compilation(Technique):
    """The compiler's mode."""

    part = "compile"
    families = frozenset({"whisper", "moonshine", "ctc"})
    same_text = True

    def obstacle(self) -> str | None:
        """What its modes need."""
        return compile_obstacle(self.asked, self.request.device)

    def apply(self, engine: TorchEngine) -> None:
        """Marks the encoder for compiling; it happens at the first pass."""
        self.watch = CompileWatch()
        engine.encoder.compile(mode=self.asked)

    def prove(self, engine: TorchEngine, batch: Sequence[Waveform]) -> Proof:
        """Counts the graphs that were made, and what broke them."""
        found = self.watch.words
        # A compiled decoder has one of them at least.
        if self.watch.graphs <= (self.variant.compile_decoder is not None):
            raise self.no_effect(found)
        return self.proof(found)

    def figures(self, engine: TorchEngine) -> tuple[Figure, ...]:
        """Seconds and graphs of all compiling until the end of the timed loop."""
        return compile_figures(self.watch)


def compile_obstacle(mode: str, device: str) -> str | None:
    """Why a mode of the compiler cannot be had on a device; None where it can."""
    if torch.device(device).type == "cuda":
        return None
    if mode == "reduce-overhead":
        return "is CUDA graphs, which need an NVIDIA GPU; use default"
    return None if _has_compiler() else "needs a C++ compiler (g++) on a CPU"


def compile_figures(watch: CompileWatch) -> tuple[Figure, ...]:
    """Seconds and graphs of all compiling; its helper processes end."""
    _dismiss_workers()
    return (
        Figure(
            name="compile_s",
            value=watch.seconds,
            note="cold, the compiler's caches off; nearly all of it within cold_s",
        ),
        Figure(name="compiled_graphs", value=float(watch.graphs)),
    )


class CompileWatch:
    """What the compiler has done since this was made; from then on its caches are off."""

    def __init__(self) -> None:
        from torch._dynamo.callback import callback_handler
        from torch._dynamo.utils import counters

        torch._inductor.config.force_disable_caches = True
        self.seconds = 0.0
        self._counters: Any = counters
        self._graphs, self._breaks = self._count()
        self._started = 0.0
        callback_handler.register_start_callback(self._start)
        callback_handler.register_end_callback(self._end)

    def _count(self) -> tuple[int, int]:
        stats, breaks = self._counters["stats"], self._counters["graph_break"]
        return int(stats["unique_graphs"]), int(sum(breaks.values()))

    @property
    def graphs(self) -> int:
        """Graphs that were compiled."""
        return self._count()[0] - self._graphs

    @property
    def breaks(self) -> int:
        """Places where a graph had to end and Python went on."""
        return self._count()[1] - self._breaks

    @property
    def words(self) -> str:
        """Both, for a proof."""
        return f"{self.graphs} graphs, {self.breaks} breaks"

    def _start(self, _: Any) -> None:
        self._started = time.perf_counter()

    def _end(self, _: Any) -> None:
        self.seconds += time.perf_counter() - self._started


def _dismiss_workers() -> None:
    """Ends the compiler's helper processes: a case's process leaves without tidying up."""
    from torch._inductor.async_compile import shutdown_compile_workers

    shutdown_compile_workers()


def _has_compiler() -> bool:
    from torch._inductor.cpp_builder import get_cpp_compiler
    from torch._inductor.exc import InvalidCxxCompiler

    try:
        return bool(get_cpp_compiler())
    except InvalidCxxCompiler:
        return False
