"""Words of single utterances: the record that cases share, and what the batch size changes."""

from __future__ import annotations

from dataclasses import replace

from runner.measure.quality import unscored
from runner.passes.base import Context, Pass
from store.records import Result


class QualityRecordPass(Pass):
    """The quality record, taken or looked up."""

    def run(self, context: Context, result: Result) -> Result:
        """See :class:`~runner.passes.base.Pass`."""
        return context.quality.run(context.engine, result)

    def missing(self, result: Result, reason: str) -> Result:
        """Its reason stands in the record itself."""
        return replace(result, quality=unscored((), reason=reason)[0])

    def silent(self, context: Context) -> bool:
        """Where an earlier case has taken it."""
        return context.task.taken is not None


class QualityBatchPass(Pass):
    """The same utterances at the case's batch size: how many texts differ."""

    def run(self, context: Context, result: Result) -> Result:
        """See :class:`~runner.passes.base.Pass`."""
        figures = context.quality.at_batch_size(context.engine)
        return replace(result, figures=(*result.figures, *figures))
