"""Energy of a batch, by whatever meters the machine has."""

from __future__ import annotations

from dataclasses import replace

from runner.measure.energy.discover import discover
from runner.measure.energy.evaluate import MIN_WINDOW_S
from runner.measure.energy.recipe import (
    EnergyOutcome,
    measure_around,
    measure_energy,
    only_estimated,
)
from runner.measure.latency import Timed
from runner.passes.base import Context, Loop, Pass
from store.records import Result


class EnergyPass(Pass):
    """Windows of work against windows of rest; the timed loop, where all that is known is a model.

    The loop serves where a process of the session runs the model: what that imports would be in the
    case's memory here, before the memory is measured.
    """

    reason_field = "energy_reason"

    def __init__(self) -> None:
        self._found: EnergyOutcome | Exception | None = None
        """What the timed loop gave."""

    def around_loop(self, context: Context, loop: Loop, least_s: float) -> Timed:
        """Runs the timed loop, as the window of the estimate where that is all there is.

        Args:
            context: The case in hand.
            loop: The loop.
            least_s: Seconds that it must last.
        """
        task = context.task
        if task.tracker is None or context.limits.longest_loop_s < MIN_WINDOW_S:
            return loop(least_s)
        found = discover(task.case.device, tracker=task.tracker)
        if not only_estimated(found.sources):
            return loop(least_s)
        timed: list[Timed] = []

        def rounds(seconds: float) -> int:
            timed.append(loop(max(seconds, least_s)))
            return len(timed[0].samples)

        try:
            self._found = measure_around(
                rounds,
                sources=found.sources,
                missing=found.missing,
                limits=context.limits,
                device=task.case.device,
                started_s=context.began_s,
            )
        except Exception as error:
            if not timed:
                raise
            # No fault of the loop's: the pass tells it.
            self._found = error
        return timed[0]

    def silent(self, context: Context) -> bool:
        """See :class:`~runner.passes.base.Pass`."""
        return self._found is not None

    def run(self, context: Context, result: Result) -> Result:
        """See :class:`~runner.passes.base.Pass`."""
        outcome = self._found or self._measured(context)
        if isinstance(outcome, Exception):
            raise outcome
        for warning in outcome.warnings:
            context.remark(warning)
        return replace(
            result,
            energy=outcome.readings,
            power_samples=outcome.samples,
            energy_primary=outcome.primary,
            energy_reason=outcome.reason,
        )

    @staticmethod
    def _measured(context: Context) -> EnergyOutcome:
        engine, waveforms, task = context.engine, context.cycle.waveforms, context.task
        found = discover(task.case.device, tracker=task.tracker)

        def work(index: int) -> None:
            engine.transcribe(waveforms[index])
            engine.synchronize()

        return measure_energy(
            work,
            sources=found.sources,
            missing=found.missing,
            limits=context.limits,
            device=task.case.device,
            cycle=len(waveforms),
            synchronize=engine.synchronize,
            started_s=context.began_s,
            on_progress=context.progress,
        )
