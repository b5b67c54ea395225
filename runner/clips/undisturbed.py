"""Ctrl-C, held back while libsndfile is at work.

soundfile reads from memory through callbacks: an exception in one of them is lost, and the file
then seems to be cut off. One between closing a file and writing down that it is closed has it
closed a second time, which damages the memory of the process.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Generator, Iterator
from types import FrameType
from typing import TypeVar

Step = TypeVar("Step")


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """A block that Ctrl-C does not end; what it does otherwise is done when the block is over."""
    handler = signal.getsignal(signal.SIGINT)
    # Python runs handlers in the main thread alone. What is no function interrupts nothing.
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    held: list[tuple[int, FrameType | None]] = []
    signal.signal(signal.SIGINT, lambda number, frame: held.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if held:
            handler(*held[0])


def whole(steps: Generator[Step, None, None]) -> Iterator[Step]:
    """What a generator gives, each step of it undisturbed, and its end."""
    try:
        while True:
            with undisturbed():
                step = next(steps, None)
            if step is None:
                return
            yield step
    except BaseException:
        with undisturbed():
            steps.close()
        raise
