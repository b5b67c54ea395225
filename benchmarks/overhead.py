"""What asrprof itself costs: a bare torch loop against asrprof's, interleaved in one run.

Both run the same loaded model over the same clips. The bare loop is what a person would write:
features, forward pass, argmax, text. The other is the timing loop that every case goes through,
with all that a case does beside it: the watch over load and memory, and progress told to another
process.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from statistics import median
from typing import Annotated

import numpy as np
import torch
import typer
from rich.console import Console

from runner.case import Throttle
from runner.cli.app import guarded
from runner.clips import SAMPLE_RATE, prepare
from runner.clips.clip import Waveform
from runner.config import Data, Limits, Variant
from runner.engines.base import LoadRequest
from runner.engines.ctc import CTCEngine
from runner.errors import UserError
from runner.load import load_engine
from runner.measure.conditions import ConditionsProbe
from runner.measure.cycle import between_batches, make_cycle
from runner.measure.latency import Cycle, Progress, time_loop
from runner.measure.memory import PeakMemory
from runner.task import Progress as Message

LIMIT = 1.02
"""Highest acceptable ratio of medians."""


def bare_loop(engine: CTCEngine, waveforms: Sequence[Sequence[Waveform]]) -> list[float]:
    """Seconds of each batch in a loop without asrprof."""
    seconds = []
    for batch in waveforms:
        start = time.perf_counter()
        inputs = engine.extractor(list(batch), sampling_rate=SAMPLE_RATE, return_tensors="pt")
        with torch.inference_mode():
            ids = engine.model(inputs.input_values).logits.argmax(dim=-1)
        engine.tokenizer.batch_decode(np.asarray(ids))
        seconds.append(time.perf_counter() - start)
    return seconds


def asrprof_loop(engine: CTCEngine, cycle: Cycle, between: Progress) -> list[float]:
    """Seconds of each batch in one round of asrprof's loop."""
    limits = Limits(min_iterations=1, min_seconds=0.0)
    timed = time_loop(engine, cycle, limits, clock=time.perf_counter, progress=between, seed=0)
    return [sample.seconds for sample in timed.samples]


def compare(
    engine: CTCEngine, cycle: Cycle, rounds: int, between: Progress
) -> tuple[list[float], list[float]]:
    """Rounds of both loops, alternating which goes first, so that drift meets both alike."""
    bare: list[float] = []
    ours: list[float] = []
    for number in range(rounds):
        if number % 2:
            ours += asrprof_loop(engine, cycle, between)
            bare += bare_loop(engine, cycle.waveforms)
        else:
            bare += bare_loop(engine, cycle.waveforms)
            ours += asrprof_loop(engine, cycle, between)
    return bare, ours


@contextmanager
def reader() -> Iterator[Callable[[object], None]]:
    """A process that reads what a case tells its parent, as the session does."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_drain, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    yield ours.send
    ours.close()
    process.join()


def _drain(connection: Connection) -> None:
    try:
        while True:
            connection.recv()
    except EOFError:
        return


def run(
    model: Annotated[str, typer.Option(help="A CTC model.")] = "facebook/wav2vec2-base-960h",
    seconds: Annotated[float, typer.Option(help="Clip length.")] = 5.0,
    rounds: Annotated[int, typer.Option(min=2, help="Rounds of each loop.")] = 20,
) -> int:
    """Print the ratio of medians; exit code 1 beyond 1.02."""
    torch.set_num_threads(1)
    clips = prepare(Data(), audio_seconds=seconds, seed=42)
    cycle = make_cycle(clips, 1, 2)
    engine = load_engine(LoadRequest(model, "random", None, "cpu", Variant(name="fp32"), 42, 4.0))
    if not isinstance(engine, CTCEngine):
        raise UserError(f"{model} is no CTC model")
    with reader() as send:
        probe, memory = ConditionsProbe(), PeakMemory()
        probe.start()
        throttle = Throttle(send)
        between = between_batches(probe, memory, lambda what, at: throttle(Message(what, at)))
        compare(engine, cycle, 2, between)
        bare, ours = compare(engine, cycle, rounds, between)
    ratio = median(ours) / median(bare)
    Console().print(
        f"bare torch loop {median(bare) * 1e3:.2f} ms, asrprof {median(ours) * 1e3:.2f} ms, "
        f"ratio of medians {ratio:.4f} over {len(ours)} batches each (limit {LIMIT})"
    )
    return 0 if ratio <= LIMIT else 1


def main() -> int:
    """The command; returns the exit code."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command("bench-overhead")(run)
    return guarded(app, sys.argv[1:], "python -m benchmarks.overhead")


if __name__ == "__main__":
    sys.exit(main())
