"""``python -m tools.published``: the published study's tables, recomputed and explained."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from runner.errors import UserError
from tools.published import energy
from tools.published.figures import RATES, WER


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the chosen parts; returns the exit code."""
    parts: dict[str, Callable[[argparse.Namespace], None]] = {
        "flops": lambda _: _flops(),
        "energy": lambda _: _energy(),
        "rates": lambda _: _rates(),
        "wer": lambda _: _wer(),
        "real": _real,
        "long": _long,
    }
    parser = argparse.ArgumentParser(
        prog="python -m tools.published",
        description="Recompute the published study's figures, and try out what explains them.",
    )
    parser.add_argument("part", nargs="*", help=f"{', '.join(parts)} (all)")
    of_real = parser.add_argument_group("real and long")
    of_real.add_argument("--weights", type=Path, help="folder made by .ci/weights")
    of_real.add_argument("--speech", type=Path, help="folder of real speech with a manifest")
    of_real.add_argument("--threads", type=int, help="of the CPU (one a physical core)")
    of_real.add_argument("--write", type=Path, help="also write the tables as a page, Markdown")
    options = parser.parse_args(arguments)
    chosen = options.part or list(parts)
    for part in chosen:
        if part not in parts:
            print(f"error: no part {part!r}: write {', '.join(parts)}", file=sys.stderr)
            return 2
    for place, part in enumerate(chosen):
        if place:
            print()
        try:
            parts[part](options)
        except UserError as error:
            if options.part:
                print(f"error: {error}", file=sys.stderr)
                return 2
            print(f"{part}: left out: {error}")
    return 0


def _flops() -> None:
    from tools.published.flops import origins

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
    from tools.published.rates import P100_FLOPS_PER_S, demands

    peak = P100_FLOPS_PER_S / 1e12
    print("TFLOP/s that the published GPU figures ask for, clips of 60 s, the encoder alone")
    print(f"{'model':<16}{'table':>6}{'clips/s':>9}{'needed':>9}{'30 s alone':>12}")
    for demand in demands():
        needed, heard = demand.flops_per_s / 1e12, demand.flops_per_s_one_window / 1e12
        window = f"{heard:.1f}{'!' if heard > peak else ' '}" if demand.windows > 1 else "- "
        print(
            f"{demand.model:<16}{demand.table:>6}{demand.clips_per_s:>9.1f}"
            f"{needed:>8.1f}{'!' if needed > peak else ' '}{window:>12}"
        )
    print(f"! more than the peak of a P100 in single precision, {peak:g} TFLOP/s")


def _wer() -> None:
    from tools.published.wer import MODELS, suspects

    print("WER in %, built-in speech, by way of scoring")
    print(f"{'':<58}{''.join(f'{name:>20}' for name in MODELS)}")
    for suspect in suspects():
        rates = "".join(f"{100 * rate:>20.1f}" for rate in suspect.wer)
        print(f"{suspect.title:<58}{rates}")
    published = ", ".join(f"{name} {100 * rate:.0f}" for name, rate in WER.items())
    print(f"published, on other speech: {published}")


def _check_folders(options: argparse.Namespace) -> None:
    """Looks at the options of the parts that run models.

    Raises:
        UserError: one is missing or makes no sense.
    """
    if options.weights is None or options.speech is None:
        raise UserError("name real weights and speech: --weights DIR (.ci/weights) --speech DIR")
    if options.threads is not None and options.threads < 1:
        raise UserError("--threads must be 1 or more")
    if options.write is not None and not options.write.parent.is_dir():
        raise UserError(f"there is no folder {options.write.parent} to write the page to")


def _long(options: argparse.Namespace) -> None:
    _check_folders(options)
    import runner.quiet  # noqa: F401  (before what it silences)
    from runner.case import default_threads
    from runner.measure.environment import read_environment
    from tools.published import long_form, long_form_page

    threads = options.threads or default_threads()
    recording, rows, lacking = long_form.measure(
        options.weights,
        options.speech,
        threads,
        lambda what: print(f"long: {what}", file=sys.stderr, flush=True),
    )
    print(long_form_page.as_text(long_form_page.table(rows)))
    for line in lacking:
        print(f"left out: {line}")
    if options.write is not None:
        written = long_form_page.page(
            recording, rows, threads, read_environment("cpu"), datetime.now(UTC).date()
        )
        options.write.write_text(written, encoding="utf-8")


def _real(options: argparse.Namespace) -> None:
    _check_folders(options)
    import runner.quiet  # noqa: F401  (before what it silences)
    from runner.case import default_threads
    from runner.measure.environment import read_environment
    from tools.published import real_page
    from tools.published.real import CLIP_S, measure

    found = measure(
        options.weights,
        options.speech,
        options.threads or default_threads(),
        lambda what: print(f"real: {what}", file=sys.stderr, flush=True),
    )
    print("Real weights on real speech, each utterance by itself")
    print(real_page.as_text(real_page.apart(found)))
    if found.joined:
        print(f"\nThe same words, joined to clips of {CLIP_S:g} s, by transformers in fp32")
        print(real_page.as_text(real_page.joined(found)))
    for line in found.lacking:
        print(f"left out: {line}")
    if options.write is not None:
        day = datetime.now(UTC).date()
        written = real_page.page(found, read_environment("cpu"), day)
        options.write.write_text(written, encoding="utf-8")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


if __name__ == "__main__":
    sys.exit(main())
