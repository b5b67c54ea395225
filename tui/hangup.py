"""Ends the app when its terminal has gone.

The thread of Textual that reads keys takes the end of input for nothing to read, and asks again at
once: without SIGHUP, which nohup and others have ignored, it would keep a core busy for ever.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable
from threading import Thread

GRACE_S = 3.0
"""What the app has to end by itself; it writes to the terminal as it does, and may not get on."""
EXIT_CODE = 129
"""Of a shell for a process that SIGHUP ended."""


def hung_up(terminal: int) -> bool:
    """Waits until a terminal has gone.

    Args:
        terminal: Its file descriptor.

    Returns:
        False where this system cannot tell.
    """
    watched = select.poll()
    watched.register(terminal, 0)  # Errors and hang-ups are told in any case.
    return any(told & (select.POLLHUP | select.POLLERR) for _, told in watched.poll())


def end_with_terminal(terminal: int, end: Callable[[], object]) -> None:
    """Has this process end with its terminal, whatever it is doing.

    Args:
        terminal: Its file descriptor.
        end: Asks the app to end.
    """

    def watch() -> None:
        if not hung_up(terminal):
            return
        Thread(target=end, daemon=True).start()
        time.sleep(GRACE_S)
        os._exit(EXIT_CODE)

    Thread(target=watch, name="asrprof-hangup", daemon=True).start()
