"""The signals that end a run in order, and what becomes of its output then."""

from __future__ import annotations

import os
import signal


def stop_signals() -> tuple[signal.Signals, ...]:
    """SIGINT, SIGTERM, and SIGHUP where nobody has it ignored, as nohup does."""
    found = (signal.SIGINT, signal.SIGTERM)
    ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    return found if ignored else (*found, signal.SIGHUP)


def terminals() -> tuple[int, ...]:
    """File descriptors of the output that lead to a terminal."""
    return tuple(number for number in (1, 2) if os.isatty(number))


def drop_output(numbers: tuple[int, ...]) -> None:
    """Sends what is still printed nowhere: a terminal that has gone would give an error.

    Args:
        numbers: File descriptors, of :func:`terminals` while they were there.
    """
    if numbers:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for number in numbers:
            os.dup2(nowhere, number)
        os.close(nowhere)
