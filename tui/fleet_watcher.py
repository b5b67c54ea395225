"""A thread that asks about the fleet while somebody looks at it, and hands out what it sees."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.fleet import FleetSeen, FleetSource

EVERY_S = 3.0
"""From an answer to the next question."""
LEAVE_S = 60.0
"""Nobody has looked for so long: the cluster is left."""


class FleetWatcher:
    """Asks only while it is told that somebody looks; a daemon, because an answer may take long."""

    def __init__(
        self,
        source: Callable[[], FleetSource],
        tell: Callable[[FleetSeen], None],
        *,
        every_s: float = EVERY_S,
        leave_s: float = LEAVE_S,
    ) -> None:
        """Starts nothing yet.

        Args:
            source: Called in the thread when it begins.
            tell: Told in the thread what was found.
            every_s: Seconds from one look to the next.
            leave_s: Seconds without anybody looking after which the cluster is left.
        """
        self._source = source
        self._tell = tell
        self._every_s = every_s
        self._leave_s = leave_s
        self._changed = threading.Condition()
        self._wanted = False
        self._again = False
        self._stopped = False
        self._thread: threading.Thread | None = None

    def look(self, wanted: bool) -> None:
        """Whether somebody looks. The first time that somebody does, the thread begins."""
        with self._changed:
            if wanted == self._wanted:
                return
            self._wanted = wanted
            self._changed.notify_all()
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="fleet", daemon=True)
            self._thread.start()

    def refresh(self) -> None:
        """Asks at once, and each node what it is."""
        with self._changed:
            self._again = True
            self._changed.notify_all()

    def stop(self) -> None:
        """Ends when the question in hand is answered; waits for nothing."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _serve(self) -> None:
        # Imported here: neither the cluster's part nor its messages are needed before.
        from tui.fleet import FleetSeen

        source = self._source()
        while self._wait_until_wanted(source):
            try:
                for seen in source.look():
                    self._tell(seen)
            except Exception as error:  # noqa: BLE001  (a thread that dies would leave the tab mute)
                self._tell(FleetSeen(error=f"{type(error).__name__}: {error}"))
            if self._wait_for_next():
                source.forget()
        source.close()

    def _wait_until_wanted(self, source: FleetSource) -> bool:
        """Returns False when it is to end."""
        with self._changed:
            while not (self._wanted or self._stopped):
                if not self._changed.wait(self._leave_s):
                    source.close()
            return not self._stopped

    def _wait_for_next(self) -> bool:
        """Waits for its time, or until it is asked to look at once; whether it was."""
        with self._changed:
            self._changed.wait_for(lambda: self._again or self._stopped, self._every_s)
            again, self._again = self._again, False
            return again
