"""The operators of one batch, under PyTorch's profiler."""

from __future__ import annotations

from dataclasses import replace

from runner.engines.base import Unmeasurable
from runner.passes.base import Context, Pass
from runner.profiler import profile_operators
from store.records import Result


class OperatorsPass(Pass):
    """Time and calls by operator, and a trace where one is asked for."""

    reason_field = "operators_reason"

    def run(self, context: Context, result: Result) -> Result:
        """See :class:`~runner.passes.base.Pass`."""
        engine, trace = context.engine, context.task.trace
        if "torch" not in engine.capabilities:
            raise Unmeasurable(f"{result.engine} does not run on PyTorch, whose operators are seen")
        batch = context.cycle.waveforms[0]
        with engine.shortened(context.limits.profile_tokens):
            engine.transcribe(batch)
            operators = profile_operators(
                lambda: engine.transcribe(batch),
                device=context.task.case.device,
                keep=context.limits.operators,
                trace_path=trace,
            )
        path = str(trace) if trace is not None else None
        return replace(result, operators=operators, trace_path=path)
