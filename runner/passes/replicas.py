"""Copies of a case's model in processes of their own, for a load that several serve."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection

from runner.engines.base import Unmeasurable
from runner.passes.replica import Begin, Said
from runner.traffic.child import child
from runner.traffic.in_process import ModelGone, Transcribe

_MODULE = "runner.passes.replica"
_GONE = "the process of a copy of the model is gone"


class ReplicaFailed(Exception):
    """A copy could not transcribe a batch; the words are its own."""


@contextmanager
def replicas(
    begin: Begin, count: int, progress: Callable[[int], None]
) -> Iterator[list[Transcribe]]:
    """Copies of a model that are loaded and have run once; they are gone at the end.

    Args:
        begin: What each loads.
        count: How many.
        progress: Told how many are ready.

    Raises:
        Unmeasurable: One could not be loaded.
    """
    with ExitStack() as stack:
        started = [stack.enter_context(child(_MODULE))[0] for _ in range(count)]
        for connection in started:
            connection.send(begin)
        for number, connection in enumerate(started):
            said = _hear(connection)
            if said.error is not None:
                raise Unmeasurable(f"a second model beside the first cannot be had: {said.error}")
            progress(number + 1)
        yield [_transcriber(connection) for connection in started]


def _transcriber(connection: Connection) -> Transcribe:
    def transcribe(numbers: Sequence[int]) -> Sequence[str]:
        try:
            connection.send(tuple(numbers))
        except OSError as error:
            raise ModelGone(_GONE) from error
        said = _hear(connection)
        if said.texts is None:
            raise ModelGone(_GONE) if said.error == _GONE else ReplicaFailed(said.error)
        return said.texts

    return transcribe


def _hear(connection: Connection) -> Said:
    try:
        said: Said = connection.recv()
    except (EOFError, OSError):
        return Said(error=_GONE)
    return said
