"""The variant against the benchmark's first one, interleaved in one process."""

from __future__ import annotations

from dataclasses import replace

from runner.config import Variant
from runner.engines.base import Engine, Unmeasurable
from runner.errors import Refused
from runner.load import load_engine
from runner.measure.comparison import compare
from runner.measure.same_text import compare_texts
from runner.passes.base import Context, Pass
from runner.variants.techniques import promises_same_text
from stats.intervals import FEWEST_ROUNDS
from store.records import Comparison, Result


class ComparisonPass(Pass):
    """Ratio of latencies with its interval, and whether the texts are the same."""

    reason_field = "comparison_reason"

    def run(self, context: Context, result: Result) -> Result:
        """See :class:`~runner.passes.base.Pass`."""
        baseline = context.task.baseline
        if baseline is None:
            return result
        try:
            other = load_engine(replace(context.task.load_request(), variant=baseline))
        except Refused as refusal:
            raise Unmeasurable(f"no baseline: {refusal}") from refusal
        round_batches = 2 * len(context.cycle.batches)
        wanted = context.limits.comparison_rounds * round_batches
        batches = context.affordable(wanted, result.latency)
        comparison, samples = compare(
            other,
            context.engine,
            context.cycle,
            max(FEWEST_ROUNDS, batches // round_batches),
            name=baseline.name,
            clock=context.clock,
            progress=context.progress,
            precision=context.limits.precision,
            other_cycle=context.as_they_come if context.by_length else None,
        )
        comparison = _with_texts(context, comparison, other, baseline)
        return replace(result, comparison=comparison, samples=(*result.samples, *samples))


def _with_texts(
    context: Context, comparison: Comparison, other: Engine, baseline: Variant
) -> Comparison:
    """Adds the texts of all utterances of the quality pass, where there was one, and the promise.

    Args:
        context: The case.
        comparison: Of latencies.
        other: The baseline's engine.
        baseline: Its variant.
    """
    promised = promises_same_text(context.task.case.variant, baseline)
    comparison = replace(comparison, same_text_promised=promised)
    ours = context.quality.texts
    if ours:
        texts = compare_texts(ours, context.quality.baseline_texts(other, baseline))
        comparison = replace(comparison, clips=texts.utterances, same_text=texts.same)
    if comparison.text_mismatch:
        context.remark(
            f"{comparison.same_text} of {comparison.clips} texts are the same as with "
            f"{comparison.baseline}; the variant promises it of all, but for rounding"
        )
    return comparison
