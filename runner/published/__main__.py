"""``python -m runner.published``: the published study's tables, recomputed and explained."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from runner.published import energy
from runner.published.figures import RATES, WER


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the chosen parts; returns the exit code."""
    parts: dict[str, Callable[[], None]] = {
        "flops": _flops,
        "energy": _energy,
        "rates": _rates,
        "wer": _wer,
    }
    parser = argparse.ArgumentParser(
        prog="python -m runner.published",
        description="Recompute the published study's figures, and try out what explains them.",
    )
    parser.add_argument("part", nargs="*", help=f"{', '.join(parts)} (all)")
    chosen = parser.parse_args(arguments).part or list(parts)
    for part in chosen:
        if part not in parts:
            print(f"error: no part {part!r}: write {', '.join(parts)}", file=sys.stderr)
            return 2
    for place, part in enumerate(chosen):
        if place:
            print()
        parts[part]()
    return 0


def _flops() -> None:
    from runner.published.flops import origins

    print("Encoder, batch 1: the published figure, what thop and fvcore print, the true count")
    print(f"{'model':<29}{'s':>4}{'published':>11}{'2 x thop':>10}{'fvcore MAC':>12}{'true':>10}")
    for origin in origins():
        work = origin.published
        thop, fvcore = _number(origin.thop_gflop), _number(origin.fvcore_gmac)
        # A star marks the figure that was published.
        thop, fvcore = (thop, f"{fvcore}*") if origin.is_fvcore else (f"{thop}*", fvcore)
        print(
            f"{work.model:<29}{work.seconds:>4g}{work.gflop:>11g}{thop:>10}{fvcore:>12}"
            f"{origin.true_gflop:>10.3f}"
        )
    print("* rounds to the published figure. Neither tool sees fused attention; one column is in")
    print("FLOPs, the other in multiply-accumulates.")


def _energy() -> None:
    print("Mean power that the published joules and seconds give")
    for power in energy.powers():
        run = power.run
        print(
            f"{run.model:<15}{run.device}  batch {run.batch_size:<3}{run.energy_j:>6g} J in "
            f"{1e3 * run.latency_s:>5.0f} ms = {power.watts:>5.2f} W"
        )
    for advantage in energy.advantages():
        print(
            f"{advantage.model}: the GPU is {advantage.faster:.1f} times as fast, with "
            f"1/{advantage.less_energy:.0f} of the energy"
        )
    gpu = next(p.run for p in energy.powers() if p.run.device == "GPU" and p.run.batch_size == 16)
    stated = next(rate.clips_per_s for rate in RATES if rate.model == gpu.model)
    print(
        f"{gpu.model} at batch {gpu.batch_size}: {energy.rate_of(gpu):.1f} clips/s by its latency, "
        f"{stated:g} as published"
    )
    for model in energy.same_energy():
        print(f"{model}: the same joules at batch 1 and at batch 16")


def _rates() -> None:
    from runner.published.rates import P100_FLOPS_PER_S, demands

    peak = P100_FLOPS_PER_S / 1e12
    print("TFLOP/s that the published GPU figures ask for, clips of 60 s, the encoder alone")
    print(f"{'model':<16}{'table':>6}{'clips/s':>9}{'needed':>9}{'30 s heard':>12}")
    for demand in demands():
        needed, heard = demand.flops_per_s / 1e12, demand.flops_per_s_one_window / 1e12
        window = f"{heard:.1f}{'!' if heard > peak else ' '}" if demand.windows > 1 else "- "
        print(
            f"{demand.model:<16}{demand.table:>6}{demand.clips_per_s:>9.1f}"
            f"{needed:>8.1f}{'!' if needed > peak else ' '}{window:>12}"
        )
    print(f"! more than the peak of a P100 in single precision, {peak:g} TFLOP/s")


def _wer() -> None:
    from runner.published.wer import MODELS, suspects

    print("WER in %, built-in speech, by way of scoring")
    print(f"{'':<58}{''.join(f'{name:>20}' for name in MODELS)}")
    for suspect in suspects():
        rates = "".join(f"{100 * rate:>20.1f}" for rate in suspect.wer)
        print(f"{suspect.title:<58}{rates}")
    published = ", ".join(f"{name} {100 * rate:.0f}" for name, rate in WER.items())
    print(f"published, on other speech: {published}")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


if __name__ == "__main__":
    sys.exit(main())
