"""Times the stages of a batch."""

from __future__ import annotations

from dataclasses import replace

from runner.measure.stages import time_stages
from runner.passes.base import Context, Pass
from store.records import Result


class StagesPass(Pass):
    """Features, transfer, encoder, prefill, decoder, text."""

    def run(self, context: Context, result: Result) -> Result:
        """See :class:`~runner.passes.base.Pass`."""
        stages, samples = time_stages(
            context.engine,
            context.cycle,
            context.affordable(context.limits.stage_iterations, result.latency),
            precision=context.limits.precision,
            clock=context.clock,
            progress=context.progress,
            seed=context.task.seed,
        )
        return replace(result, stages=stages, samples=(*result.samples, *samples))
