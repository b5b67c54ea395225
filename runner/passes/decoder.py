"""The decoder step by step."""

from __future__ import annotations

from dataclasses import replace

from runner.measure.decoder import profile_decoder
from runner.passes.base import Context, Pass
from store.records import Result


class DecoderPass(Pass):
    """Time against position, what a step spends it on, the cache's bytes."""

    reason_field = "decoder_reason"

    def run(self, context: Context, result: Result) -> Result:
        """See :class:`~runner.passes.base.Pass`."""
        steps, figures = profile_decoder(
            context.engine,
            context.cycle.waveforms[0],
            context.limits,
            clock=context.clock,
            progress=context.progress,
        )
        names = {figure.name for figure in figures}
        kept = tuple(figure for figure in result.figures if figure.name not in names)
        return replace(result, decoder_steps=steps, figures=(*kept, *figures))
