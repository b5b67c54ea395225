"""The engine of a server: one thread computes what the dynamic batcher gives it."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from runner.clips.clip import Waveform
from runner.engines.base import Engine
from runner.traffic.batcher import DynamicBatcher

END_S = 10.0
"""For the batch in hand, when the server ends."""


@dataclass(frozen=True)
class _Job:
    audio: Waveform
    text: Future[str]


class Overloaded(Exception):
    """More requests wait than are taken in."""


class EngineWorker:
    """Loads an engine and runs it, all in one thread of its own.

    Some libraries keep their number of threads, or a context, for each thread that calls them.
    """

    def __init__(
        self, load: Callable[[], Engine], *, max_batch: int, max_wait_s: float, most_waiting: int
    ) -> None:
        """Returns when the engine is loaded.

        Args:
            load: Loads the engine, and runs it once.
            max_batch: Most utterances in a batch.
            max_wait_s: Longest that the first of a batch waits for others.
            most_waiting: Most utterances that wait or are computed at once.

        Raises:
            Exception: what ``load`` raised.
        """
        self.most_waiting = most_waiting
        self._load = load
        self._batcher = DynamicBatcher(max_batch=max_batch, max_wait_s=max_wait_s)
        self._numbers = itertools.count()
        self._jobs: dict[int, _Job] = {}
        self._lock = threading.Lock()
        self._loaded: Future[Engine] = Future()
        self._thread = threading.Thread(target=self._run, name="asrprof-engine", daemon=True)
        self._thread.start()
        self.engine = self._loaded.result()

    @property
    def alive(self) -> bool:
        """Whether it still computes."""
        return self._thread.is_alive()

    @property
    def open(self) -> int:
        """Utterances that wait or are computed."""
        with self._lock:
            return len(self._jobs)

    def submit(self, audio: Waveform) -> Future[str]:
        """Takes in an utterance; a future that is cancelled while it waits costs nothing.

        Args:
            audio: Shape (samples,), 16 kHz.

        Raises:
            Overloaded: too many wait.
        """
        job = _Job(audio, Future())
        with self._lock:
            if len(self._jobs) >= self.most_waiting:
                raise Overloaded(f"{len(self._jobs)} requests wait already")
            number = next(self._numbers)
            self._jobs[number] = job
        self._batcher.add(number, number)
        return job.text

    def close(self) -> None:
        """Ends the thread after the batch in hand."""
        self._batcher.close()
        self._thread.join(END_S)

    def _run(self) -> None:
        try:
            engine = self._load()
        except BaseException as error:  # noqa: BLE001  (raised again in the thread that waits)
            self._loaded.set_exception(error)
            return
        self._loaded.set_result(engine)
        while batch := self._batcher.take():
            with self._lock:
                jobs = [self._jobs[one.number] for one in batch]
            wanted = [job for job in jobs if job.text.set_running_or_notify_cancel()]
            if wanted:
                _transcribe(engine, wanted)
            with self._lock:
                for one in batch:
                    del self._jobs[one.number]


def _transcribe(engine: Engine, jobs: list[_Job]) -> None:
    try:
        texts = engine.transcribe([job.audio for job in jobs]).texts
        engine.synchronize()
    except Exception as error:  # noqa: BLE001  (told to those who asked; the next batch may go well)
        for job in jobs:
            job.text.set_exception(error)
        return
    for job, text in zip(jobs, texts, strict=True):
        job.text.set_result(text)
