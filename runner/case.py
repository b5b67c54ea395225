"""What runs inside a case's process: set it up, measure, and map every ending to a result.

This module is imported once by the server that children are forked from, so torch and
transformers are imported here, at the top, and must not be *used* here: a GPU context or a thread
pool does not survive a fork.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import replace
from pkgutil import resolve_name

import torch
import transformers
import whisper_normalizer.english  # noqa: F401  (imported once, for every child)

from runner.catalogue.engines import ENGINES
from runner.catalogue.measures import MEASURES
from runner.counting import count_case
from runner.errors import NoEffect, Refused, error_words, is_out_of_memory
from runner.held import Held
from runner.load import load_engine
from runner.measure.environment import read_cpu, read_environment
from runner.measure.memory import PeakMemory
from runner.measurement import Measurement
from runner.task import CaseTask, Message, Progress, Started, utc_now
from runner.trial import try_batch
from store.records import Environment, Result, ResultState

# Imported once, for every child, and by no clock of a case.
for _target in (
    *(entry.target for entry in ENGINES.values() if entry.preloaded),
    *(entry.target for entry in MEASURES.values() if entry.target is not None),
):
    resolve_name(_target)

PROGRESS_EVERY_S = 0.2
"""Least time between two messages to the parent, so that telling costs nothing."""


def run_case(task: CaseTask, send: Callable[[Message], None], held: Held | None = None) -> Result:
    """Runs one case in this process. Every way it can end is a result.

    Args:
        task: The case.
        send: To the session.
        held: Its model, where this process was forked from one that had loaded it.
    """
    started_at, began = utc_now(), time.monotonic()
    taken_bytes = PeakMemory().resident_bytes()
    environment = prepared(task)
    send(Started(environment))

    def ended(state: ResultState, reason: str) -> Result:
        return task.outcome(
            state,
            reason,
            started_at=started_at,
            wall_s=time.monotonic() - began,
            environment=environment,
        )

    try:
        _bound_memory(task.limits.memory_bytes)
        torch.set_num_threads(_threads(task))
        if task.trial:
            result = _tried(task, send)
        elif task.counts_alone:
            result = count_case(task, Throttle(send), started_at)
        else:
            result = Measurement(task, Throttle(send), held, taken_bytes).run(started_at)
    except Refused as refusal:
        return ended("refused", str(refusal))
    except NoEffect as nothing:
        return ended("failed", str(nothing))
    except MemoryError:
        return ended("oom", task.out_of_memory("the process ran out of memory"))
    except Exception as error:  # noqa: BLE001  (the sweep goes on; the row says what happened)
        words = error_words(error, 400)
        if is_out_of_memory(words):
            return ended("oom", task.out_of_memory(words))
        return ended("failed", words)
    return replace(result, environment=environment, wall_s=time.monotonic() - began)


def prepared(task: CaseTask) -> Environment:
    """Silences the libraries, and tells what this process runs on."""
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    return read_environment(task.case.device)


def load_to_hold(task: CaseTask) -> Held:
    """Loads the model of a case on one thread, for processes that are forked from this one.

    Raises:
        Exception: Whatever loading raises.
    """
    _bound_memory(task.limits.memory_bytes)
    torch.set_num_threads(1)
    memory = PeakMemory(task.case.device)
    memory.reset()
    before_bytes = memory.resident_bytes()
    start = time.perf_counter()
    engine = load_engine(task.load_request())
    load_s = time.perf_counter() - start
    return Held(engine, load_s, before_bytes, memory.peak_bytes())


def _tried(task: CaseTask, send: Callable[[Message], None]) -> Result:
    started_at, began = utc_now(), time.monotonic()
    try_batch(task, send)
    return task.outcome("ok", "it fits", started_at=started_at, wall_s=time.monotonic() - began)


def _threads(task: CaseTask) -> int:
    """How many a case gets.

    Raises:
        Refused: They are more than the cores: such threads wait for each other, and the figures
            are of the waiting.
    """
    if task.threads is None:
        return default_threads()
    cores = read_cpu().affinity
    if task.threads > cores:
        where = "limits.threads" if task.case.threads is None else "threads"
        raise Refused(
            f"{task.threads} threads on {cores} {'core' if cores == 1 else 'cores'} that this "
            f"process may use: write at most {cores} in {where}"
        )
    return task.threads


def default_threads() -> int:
    """One thread for each physical core this process may use; hyperthreads only contend."""
    cpu = read_cpu()
    return min(cpu.affinity, cpu.physical_cores or cpu.affinity)


class Throttle:
    """Sends messages to the parent; progress a few times a second at most."""

    def __init__(self, send: Callable[[Message], None]) -> None:
        self._send = send
        self._last = ("", 0.0)

    def __call__(self, message: Message) -> None:
        if isinstance(message, Progress):
            now = time.monotonic()
            if message.what == self._last[0] and now - self._last[1] < PROGRESS_EVERY_S:
                return
            self._last = (message.what, now)
        self._send(message)


def _bound_memory(limit: int | None) -> None:
    """Bounds the private memory of this process for the rest of its life.

    ``RLIMIT_DATA`` counts private writable memory; ``RLIMIT_AS`` would count a GPU's huge address
    reservations too.
    """
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
