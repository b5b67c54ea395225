"""Compiled with ``torch.compile``: the encoder, which in a CTC model is the whole model.

Compiling a model and then calling its ``generate()`` compiles nothing, since that is another
method. So the encoder itself is compiled, in place. The decoder's shapes change with every token
unless its cache is static: see :mod:`runner.variants.compiled_decoder`.

What compiling takes is timed by PyTorch's own callbacks and kept apart. Its caches on disk are off,
or a case would be charged what an earlier one had left undone.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch

from runner.clips.clip import Waveform
from runner.engines.base import Technique
from runner.engines.torch_engine import TorchEngine
from store.records import Proof, Scalar


class Compiled(Technique[TorchEngine]):
    """What the compiled parts of a model have in common."""

    same_text = True
    leaves_work = True
    bypasses_modules = True
    watch: CompileWatch

    def unsupported_reason(self) -> str | None:
        """What its modes need."""
        if torch.device(self.request.device).type == "cuda":
            return None
        if self.requested == "reduce-overhead":
            return "is CUDA graphs, which need an NVIDIA GPU; use default"
        return None if _has_compiler() else "needs a C++ compiler (g++) on a CPU"

    def set_aside(self, engine: TorchEngine) -> AbstractContextManager[object]:
        """Has everything run as it is written; what was compiled is kept."""
        context: AbstractContextManager[object] = torch.compiler.set_stance("force_eager")
        return context

    def proof_with_recordings(
        self, engine: TorchEngine, batch: Sequence[Waveform], found: str
    ) -> Proof:
        """What was found, and on a GPU whether it was recorded as CUDA graphs.

        Args:
            engine: The engine with its compiled parts.
            batch: Waveforms at 16 kHz, ``(samples,)`` each.
            found: What was found of the compilation, in words.

        Raises:
            NoEffect: a mode that is CUDA graphs has recorded none of a part, or skipped some.
        """
        if engine.device.type != "cuda" or self.requested not in (
            "reduce-overhead",
            "max-autotune",
        ):
            return self.proof(found)
        # Compiled code runs once before it is recorded.
        for _ in range(2):
            engine.transcribe(batch)
        found += f", {self.watch.cuda_graphs}"
        parts = (self.variant.compile, self.variant.compile_decoder).count("reduce-overhead")
        if self.requested == "reduce-overhead" and not self.watch.recorded_all(parts):
            raise self.no_effect(found)
        return self.proof(found)

    def figures(self, engine: TorchEngine) -> tuple[Scalar, ...]:
        """Seconds and graphs of all compiling until the end of the timed loop."""
        _dismiss_workers()
        return (
            Scalar(
                name="compile_s",
                value=self.watch.seconds,
                note="cold, the compiler's caches off; nearly all of it within cold_s",
            ),
            Scalar(name="compiled_graphs", value=float(self.watch.graphs)),
        )


class Compilation(Compiled):
    """The compiler's mode for the encoder."""

    part = "compile"
    needs = frozenset({"torch", "encoder"})

    def apply(self, engine: TorchEngine) -> None:
        """Marks the encoder for compiling; it happens at the first pass."""
        self.watch = CompileWatch()
        engine.encoder.compile(mode=self.requested)

    def verify(self, engine: TorchEngine, batch: Sequence[Waveform]) -> Proof:
        """Counts the graphs that were made, what broke them, and recordings as CUDA graphs."""
        found = self.watch.words
        # A compiled decoder has one of them at least.
        of_decoder = self.variant.compile_decoder is not None
        if self.watch.graphs <= of_decoder:
            raise self.no_effect(found)
        return self.proof_with_recordings(engine, batch, found)


class CompileWatch:
    """What the compiler has done since this was made; from then on its caches are off."""

    def __init__(self) -> None:
        from torch._dynamo.callback import callback_handler
        from torch._dynamo.utils import counters

        torch._inductor.config.force_disable_caches = True
        self.seconds = 0.0
        self._counters: Any = counters
        self._graphs, self._breaks = self._count()
        self._skips = self._count_skips()
        self._recorded: Counter[str] = Counter()
        """What was compiled -> how often it was recorded as a CUDA graph."""
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

    def _count_skips(self) -> int:
        return int(self._counters["inductor"]["cudagraph_skips"])

    @property
    def skips(self) -> int:
        """Times that the compiler went without a CUDA graph, of which it says nothing."""
        return self._count_skips() - self._skips

    def recorded_all(self, parts: int) -> bool:
        """Whether so many parts of what was compiled run as CUDA graphs, and none without."""
        return len(self._recorded) >= parts and self.skips == 0

    @property
    def cuda_graphs(self) -> str:
        """Recordings and skips, for a proof."""
        return f"{self._recorded.total()} CUDA graphs recorded, {self.skips} skipped"

    @property
    def words(self) -> str:
        """Graphs and breaks, for a proof."""
        return f"{self.graphs} graphs, {self.breaks} breaks"

    def _start(self, arguments: Any) -> None:
        self._started = time.perf_counter()
        if arguments.callback_trigger.name == "CUDAGRAPH_RECORDING":
            self._recorded[arguments.compile_id] += 1

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
