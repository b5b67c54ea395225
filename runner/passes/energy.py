"""Energy of a batch, by whatever meters the machine has."""

from __future__ import annotations

from dataclasses import replace

from runner.measure.energy.discover import discover
from runner.measure.energy.recipe import measure_energy
from runner.passes.base import Context, Pass
from store.records import Result


class EnergyPass(Pass):
    """Windows of work against windows of rest."""

    reason_field = "energy_reason"

    def run(self, context: Context, result: Result) -> Result:
        """See :class:`~runner.passes.base.Pass`."""
        engine, waveforms = context.engine, context.cycle.waveforms
        device = context.task.case.device
        found = discover(device)

        def work(index: int) -> None:
            engine.transcribe(waveforms[index])
            engine.synchronize()

        outcome = measure_energy(
            work,
            sources=found.sources,
            missing=found.missing,
            limits=context.limits,
            device=device,
            cycle=len(waveforms),
            synchronize=engine.synchronize,
            started_s=context.began_s,
            on_progress=context.progress,
        )
        for warning in outcome.warnings:
            context.remark(warning)
        return replace(
            result,
            energy=outcome.readings,
            power_samples=outcome.samples,
            energy_primary=outcome.primary,
            energy_reason=outcome.reason,
        )
