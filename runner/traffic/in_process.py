"""Loads an engine of this process: it computes here, and the requests come from another process."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from runner.config.load import Load
from runner.traffic.batcher import DynamicBatcher, Waiting
from runner.traffic.generator import Gauge, Held, Tell, quiet
from runner.traffic.level import Level
from runner.traffic.messages import Ask, Begun, LevelDone, Order, Reply, Settle, ToEngine, Window

Transcribe = Callable[[Sequence[int]], Sequence[str]]
"""Gives the texts of a batch of utterances, by their numbers."""

END_S = 5.0
"""For the other process to end by itself."""
_ROOT = Path(__file__).parents[2]


class SenderLost(Exception):
    """The process that sends the requests ended before its time."""


def load_engine_here(
    transcribe: Transcribe,
    load: Load,
    *,
    seed: int,
    utterances: int,
    on_level: Callable[[Level], Tell],
    on_window: Callable[[bool], None],
) -> tuple[Held, ...]:
    """Holds levels of load on an engine, which computes in the calling thread.

    Args:
        transcribe: The engine. What it raises fails the requests of the batch.
        load: What is asked for.
        seed: Seed of arrivals and orders.
        utterances: How many there are.
        on_level: Told of each level as it begins, gives what is told how it goes; from a thread.
        on_window: Told when the counted time of a level begins and ends; from a thread.

    Returns:
        What came of each level. Nothing is made of it before the last one is over: it would take
        the engine's time.

    Raises:
        SenderLost: the other process ended early.
    """
    batcher = DynamicBatcher(max_batch=1, max_wait_s=load.max_wait_s)
    with _sender() as (connection, process):
        connection.send(Order(load, seed, utterances))
        done: list[Held] = []
        errors: list[BaseException] = []
        whole = threading.Event()

        def hear() -> None:
            tell: Tell = quiet
            try:
                while True:
                    message: ToEngine = connection.recv()
                    if isinstance(message, Ask):
                        batcher.add(message.number, message.utterance)
                    elif isinstance(message, Settle):
                        batcher.reset(message.max_batch)
                    elif isinstance(message, Window):
                        on_window(message.begins)
                    elif isinstance(message, Begun):
                        tell = on_level(message.level)
                    elif isinstance(message, Gauge):
                        tell(message)
                    elif isinstance(message, LevelDone):
                        done.append(message.held)
                    else:
                        whole.set()
            except (EOFError, OSError):
                return
            except Exception as error:  # noqa: BLE001  (raised again in the calling thread)
                errors.append(error)
            finally:
                batcher.close()

        listener = threading.Thread(target=hear, name="asrprof-requests", daemon=True)
        listener.start()
        while batch := batcher.take():
            for reply in _replies(transcribe, batch):
                try:
                    connection.send(reply)
                except OSError:
                    batcher.close()
                    break
        listener.join(END_S)
        if errors:
            raise errors[0]
        if not whole.is_set():
            process.wait(END_S)
            raise SenderLost(
                f"the process that sends the requests ended with code {process.returncode} after "
                f"{len(done)} levels"
            )
        return tuple(done)


def _replies(transcribe: Transcribe, batch: Sequence[Waiting]) -> list[Reply]:
    start_s = time.monotonic()
    texts: Sequence[str | None]
    error = None
    try:
        texts = transcribe([one.utterance for one in batch])
    except Exception as failure:  # noqa: BLE001  (counted by the generator; the next batch may go well)
        texts = [None] * len(batch)
        error = f"{type(failure).__name__}: {' '.join(str(failure).split())[:160]}"
    end_s = time.monotonic()
    return [
        Reply(one.number, text, error, start_s, end_s, len(batch))
        for one, text in zip(batch, texts, strict=True)
    ]


@contextmanager
def _sender() -> Iterator[tuple[Connection, subprocess.Popen[bytes]]]:
    """The other process, and the pipe to it; both are gone at the end."""
    ours, theirs = multiprocessing.Pipe()
    command = [sys.executable, "-m", "runner.traffic.sender", str(theirs.fileno())]
    process = subprocess.Popen(
        command, pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, cwd=_ROOT
    )
    theirs.close()
    try:
        yield ours, process
    finally:
        ours.close()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
