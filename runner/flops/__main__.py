"""``python -m runner.flops``: FLOPs and memory of published models, from shapes alone."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from runner.engines.architectures import PUBLISHED, SAMPLING_RATE, published_config
from runner.errors import UserError
from runner.flops.count import count_flops
from runner.flops.memory import model_memory
from runner.flops.study import study_flops
from store.records import FlopsReading


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints one line a reading; returns the exit code (2 for bad input)."""
    parser = argparse.ArgumentParser(
        prog="python -m runner.flops",
        description="FLOPs by stage, from the published architecture: no weights, no download.",
        epilog=f"Models: {', '.join(PUBLISHED)}",
    )
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--model", help="a published name")
    which.add_argument("--all", action="store_true", help="a line for every published model")
    parser.add_argument("--seconds", type=float, default=30.0, help="length of a clip (30)")
    parser.add_argument("--batch", type=int, default=1, help="clips in a batch (1)")
    parser.add_argument("--prompt", type=int, default=4, help="decoder prompt tokens (4)")
    parser.add_argument("--tokens", type=int, default=100, help="tokens generated a row (100)")
    parser.add_argument("--no-cache", action="store_true", help="decode without key-value cache")
    parser.add_argument("--no-study", action="store_true", help="leave out thop and fvcore")
    options = parser.parse_args(arguments)
    samples = round(options.seconds * SAMPLING_RATE)
    try:
        if samples < 1 or options.batch < 1 or options.prompt < 1:
            raise UserError("--seconds, --batch and --prompt must be more than 0")
        if options.all:
            _print_all(samples, options.batch, options.prompt, options.tokens)
            return 0
        config = published_config(options.model)
        readings = count_flops(
            config,
            samples=samples,
            batch=options.batch,
            prompt_tokens=options.prompt,
            tokens=options.tokens,
            cached=not options.no_cache,
        )
        if not options.no_study:
            readings += study_flops(config, samples=samples, batch=options.batch)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(f"{options.model}, batch {options.batch} x {options.seconds:g} s")
    print(f"{'method':<8}{'stage':<9}{'GFLOP':>13}{'GMAC':>13}  note")
    for reading in readings:
        print(_line(reading))
    return 0


def _print_all(samples: int, batch: int, prompt: int, tokens: int) -> None:
    heading = (
        f"{'model':<52}{'M':>8}{'weights':>9}{'activ.':>9}{'cache':>8}{'encoder':>11}{'total':>11}"
    )
    units = f"{'':<52}{'':>8}{'MB':>9}{'MB':>9}{'MB':>8}{'GFLOP':>11}{'GFLOP':>11}"
    print(f"{heading}\n{units}")
    for name in PUBLISHED:
        config = published_config(name)
        size = model_memory(
            config, samples=samples, batch=batch, tokens=tokens, prompt_tokens=prompt
        )
        readings = count_flops(
            config, samples=samples, batch=batch, prompt_tokens=prompt, tokens=tokens
        )
        flops = {reading.stage: reading.flops or 0 for reading in readings}
        print(
            f"{name:<52}{size.parameters / 1e6:>8.1f}{size.weights_bytes / 1e6:>9.0f}"
            f"{size.activations_bytes / 1e6:>9.0f}{size.cache_bytes / 1e6:>8.0f}"
            f"{flops['encoder'] / 1e9:>11.1f}{flops['total'] / 1e9:>11.1f}"
        )


def _line(reading: FlopsReading) -> str:
    flops, macs = (
        "-" if value is None else f"{value / 1e9:.4f}" for value in (reading.flops, reading.macs)
    )
    note = reading.note or ""
    return f"{reading.method:<8}{reading.stage:<9}{flops:>13}{macs:>13}  {note}"


if __name__ == "__main__":
    sys.exit(main())
