"""Reads peaks of memory, and splits them into weights, activations and cache."""

from __future__ import annotations

from dataclasses import replace

from runner.engines.base import Unmeasurable
from runner.engines.torch_engine import TorchEngine
from runner.measure.memory_split import split_memory, weights_alone
from runner.passes.base import Context, Pass
from store.records import Result, Scalar


class MemoryPass(Pass):
    """The peaks since the case began."""

    def run(self, context: Context, result: Result) -> Result:
        """See :class:`~runner.passes.base.Pass`."""
        memory = context.memory
        peak = memory.read(weights_bytes=context.engine.weights_bytes)
        if memory.note is not None:
            context.remark(f"memory: {memory.note}")
        return replace(result, memory=peak, figures=(*result.figures, *_split(context)))


def _split(context: Context) -> tuple[Scalar, ...]:
    """Weights, activations and cache; what cannot be told is said, and the peaks stay."""
    engine = context.engine
    try:
        if not isinstance(engine, TorchEngine):
            return weights_alone(engine.weights_bytes, f"{engine.family} does not run on PyTorch")
        return split_memory(engine, context.cycle.waveforms[0])
    except Unmeasurable as error:
        context.remark(f"memory is not split: {error}")
    except Exception as error:  # noqa: BLE001  (one instrument must not take the peaks along)
        text = " ".join(str(error).split())[:300]
        context.remark(f"memory is not split: {type(error).__name__}: {text}")
    return ()
