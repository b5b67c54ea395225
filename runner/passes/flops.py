"""Operations of a batch, counted from shapes; and as the tools of a published study count them."""

from __future__ import annotations

from dataclasses import replace

from runner.engines.base import Unmeasurable
from runner.engines.torch_engine import TorchEngine
from runner.flops import study_flops, workload_flops
from runner.flops.readings import mean_readings
from runner.passes.base import Context, Pass
from store.records import FlopsReading, Result


class FlopsPass(Pass):
    """The count of the work, by stage."""

    reason_field = "flops_reason"

    def run(self, context: Context, result: Result) -> Result:
        """See :class:`~runner.passes.base.Pass`."""
        task, latency = context.task, result.latency
        calls = latency.decoder_calls if latency is not None else None

        def count(samples: int) -> tuple[FlopsReading, ...]:
            return workload_flops(
                context.engine.workload(samples=samples, batch=task.batch_size, decoder_calls=calls)
            )

        if not task.case.mixed:
            return _with(result, count(context.samples))
        if latency is not None and (latency.windows or 0) > task.batch_size:
            raise Unmeasurable("clips of a batch fill different numbers of windows")
        longest = [max(map(len, batch)) for batch in context.cycle.waveforms]
        each = {samples: count(samples) for samples in set(longest)}
        return _with(result, mean_readings([each[samples] for samples in longest]))


class StudyFlopsPass(Pass):
    """What thop and fvcore say of the encoder, labelled as such."""

    reason_field = "flops_reason"

    def run(self, context: Context, result: Result) -> Result:
        """See :class:`~runner.passes.base.Pass`."""
        engine = context.engine
        if not isinstance(engine, TorchEngine):
            raise Unmeasurable(f"{engine.family} does not compute with tensors: no FLOPs to count")
        return _with(result, study_flops(engine.model.config, samples=context.samples))


def _with(result: Result, readings: tuple[FlopsReading, ...]) -> Result:
    return replace(result, flops=(*result.flops, *readings))
