"""Loads an engine of this process: it computes here, and the requests come from another process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from runner.config.load import Load
from runner.errors import error_words
from runner.traffic.batcher import DynamicBatcher, Waiting
from runner.traffic.child import END_S, child
from runner.traffic.generator import Gauge, Held, Tell, quiet
from runner.traffic.level import Level
from runner.traffic.messages import Ask, Begun, LevelDone, Order, Reply, Settle, ToEngine, Window

Transcribe = Callable[[Sequence[int]], Sequence[str]]
"""Gives the texts of a batch of utterances, by their numbers."""


class ModelGone(Exception):
    """A copy of the model whose process has ended: it is given no further batch."""


class SenderLost(Exception):
    """The process that sends the requests ended before its time."""


def load_engine_here(
    transcribers: Sequence[Transcribe],
    load: Load,
    *,
    seed: int,
    utterances: int,
    on_level: Callable[[Level], Tell],
    on_window: Callable[[bool], None],
) -> tuple[Held, ...]:
    """Holds levels of load on an engine, which computes in the calling thread, and on copies of it.

    Args:
        transcribers: The engine, and copies of it that compute elsewhere; a level takes the first
            so many. What one raises fails the requests of its batch.
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
    with child("runner.traffic.sender") as (connection, process):
        connection.send(Order(load, seed, utterances))
        heard = _Heard(connection, batcher, on_level, on_window)
        sending = threading.Lock()

        def work(number: int) -> None:
            while batch := batcher.take(number):
                replies, gone = _replies(transcribers[number], batch)
                try:
                    with sending:
                        for reply in replies:
                            connection.send(reply)
                except OSError:
                    batcher.close()
                    return
                if gone:
                    return

        others = [
            threading.Thread(target=work, args=(number,), name=f"asrprof-model-{number}")
            for number in range(1, len(transcribers))
        ]
        listener = threading.Thread(target=heard.listen, name="asrprof-requests", daemon=True)
        for thread in (listener, *others):
            thread.start()
        work(0)
        for thread in (listener, *others):
            thread.join(END_S)
        if heard.error is not None:
            raise heard.error
        if not heard.whole:
            process.wait(END_S)
            raise SenderLost(
                f"the process that sends the requests ended with code {process.returncode} after "
                f"{len(heard.done)} levels"
            )
        return tuple(heard.done)


@dataclass
class _Heard:
    """What the process of the generator says, heard in a thread of its own."""

    connection: Connection
    batcher: DynamicBatcher
    on_level: Callable[[Level], Tell]
    on_window: Callable[[bool], None]
    done: list[Held] = field(default_factory=list)
    """The levels that are over."""
    whole: bool = False
    """Whether it was the last one."""
    error: BaseException | None = None
    """What a listener raised; for the calling thread to raise again."""

    def listen(self) -> None:
        """Until there is no more; the batcher gives no batch after that."""
        tell: Tell = quiet
        try:
            while True:
                message: ToEngine = self.connection.recv()
                if isinstance(message, Ask):
                    self.batcher.add(message.number, message.utterance)
                elif isinstance(message, Settle):
                    self.batcher.reset(message.max_batch, message.replicas)
                elif isinstance(message, Window):
                    self.on_window(message.begins)
                elif isinstance(message, Begun):
                    tell = self.on_level(message.level)
                elif isinstance(message, Gauge):
                    tell(message)
                elif isinstance(message, LevelDone):
                    self.done.append(message.held)
                else:
                    self.whole = True
        except (EOFError, OSError):
            return
        except Exception as error:  # noqa: BLE001  (raised again in the calling thread)
            self.error = error
        finally:
            self.batcher.close()


def _replies(transcribe: Transcribe, batch: Sequence[Waiting]) -> tuple[list[Reply], bool]:
    """What is said of a batch, and whether the model is gone."""
    gone = False
    start_s = time.monotonic()
    texts: Sequence[str | None]
    error = None
    try:
        texts = transcribe([one.utterance for one in batch])
    except Exception as failure:  # noqa: BLE001  (counted by the generator; the next batch may go well)
        texts = [None] * len(batch)
        error = error_words(failure, 160)
        gone = isinstance(failure, ModelGone)
    end_s = time.monotonic()
    replies = [
        Reply(one.number, text, error, start_s, end_s, len(batch))
        for one, text in zip(batch, texts, strict=True)
    ]
    return replies, gone
