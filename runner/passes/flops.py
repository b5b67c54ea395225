"""Operations of a batch, counted from shapes; and as the tools of a published study count them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from runner.engines.base import Engine, Unmeasurable
from runner.engines.torch_engine import TorchEngine
from runner.flops import study_flops, study_key, workload_flops, workload_key
from runner.flops.readings import mean_readings
from runner.passes.base import Context, Pass
from runner.passes.count_once import CountOnce, Readings
from store.records import FlopsReading, Result


@dataclass(frozen=True)
class Batches:
    """The batches whose operations are counted."""

    size: int
    """Clips in each."""
    longest: Sequence[int]
    """Samples of the longest clip of each."""
    decoder_calls: float | None
    """Decoder passes a batch, mean over them; None where unknown, or where there is no decoder."""


def count_batches(engine: Engine, batches: Batches, once: CountOnce) -> Readings:
    """FLOPs of a batch by stage, mean over the batches.

    Args:
        engine: Knows the work; its weights do not matter.
        batches: What is counted.
        once: Looks up what was counted before.

    Raises:
        Unmeasurable: the work is not known.
    """

    def count(samples: int) -> Readings:
        work = engine.workload(
            samples=samples, batch=batches.size, decoder_calls=batches.decoder_calls
        )
        return once(workload_key(work), lambda: workload_flops(work))

    each = {samples: count(samples) for samples in set(batches.longest)}
    if len(batches.longest) == 1:
        return each[batches.longest[0]]
    return mean_readings([each[samples] for samples in batches.longest])


def count_study(engine: Engine, samples: int, once: CountOnce) -> Readings:
    """What thop and fvcore say of the encoder.

    Args:
        engine: Its configuration is what counts.
        samples: Samples of a clip.
        once: Looks up what was counted before.

    Raises:
        Unmeasurable: the engine has no tensors.
    """
    if not isinstance(engine, TorchEngine):
        raise Unmeasurable(f"{engine.family} does not compute with tensors: no FLOPs to count")
    config = engine.model.config
    return once(study_key(config, samples=samples), lambda: study_flops(config, samples=samples))


class FlopsPass(Pass):
    """The count of the work, by stage."""

    reason_field = "flops_reason"

    def run(self, context: Context, result: Result) -> Result:
        """See :class:`~runner.passes.base.Pass`."""
        task, windows = context.task, context.windows
        longest = [context.samples]
        if task.case.mixed:
            if (windows or 0) > task.batch_size:
                raise Unmeasurable("clips of a batch fill different numbers of windows")
            longest = [max(map(len, batch)) for batch in context.cycle.waveforms]
        batches = Batches(task.batch_size, longest, context.decoder_calls)
        once = CountOnce(task.counted, context.send)
        return with_readings(result, count_batches(context.engine, batches, once))


class StudyFlopsPass(Pass):
    """What thop and fvcore say of the encoder, labelled as such."""

    reason_field = "flops_reason"

    def run(self, context: Context, result: Result) -> Result:
        """See :class:`~runner.passes.base.Pass`."""
        once = CountOnce(context.task.counted, context.send)
        return with_readings(result, count_study(context.engine, context.samples, once))


def with_readings(result: Result, readings: tuple[FlopsReading, ...]) -> Result:
    """A result with further readings."""
    return replace(result, flops=(*result.flops, *readings))
