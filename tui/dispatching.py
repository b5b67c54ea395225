"""The dispatcher inside the app: a thread with a store of its own.

It may end at any moment with the app: runners go on by themselves, and the next dispatcher, in
this app or as `asrprof work`, adopts them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from store import Store, StoreError

if TYPE_CHECKING:
    from runner.dispatch.launcher import Launcher

RETRY_S = 5.0
"""Before another try after the store has failed."""


class DispatchThread:
    """Serves the queue while the app runs."""

    def __init__(
        self,
        path: Path,
        launchers: Callable[[Path], Mapping[str, Launcher]],
        *,
        parallel: int,
        tell: Callable[[str], None],
        fail: Callable[[str], None],
    ) -> None:
        """Starts nothing yet.

        Args:
            path: The store.
            launchers: Makes the launchers for a store, by target.
            parallel: How many jobs may run here at once.
            tell: Told what the dispatcher does, in the dispatcher's thread.
            fail: Told why the store cannot be served, in the dispatcher's thread.
        """
        self._path = path
        self._launchers = launchers
        self._parallel = parallel
        self._tell = tell
        self._fail = fail
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def serves(self) -> bool:
        """Whether it starts jobs, or is paused."""
        return self._thread is not None and not self._stop.is_set()

    def start(self) -> None:
        """Begins to serve, or goes on after ``stop``."""
        if self.serves:
            return
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._serve, args=(self._stop,), name="dispatcher", daemon=True
        )
        self._thread.start()

    def stop(self, timeout_s: float = 0.0) -> None:
        """Ends at the next poll, or is left behind: the runners do not need it."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _serve(self, stop: threading.Event) -> None:
        from runner.dispatch.dispatcher import Dispatcher

        said = ""
        while not stop.is_set():
            try:
                with Store.open(self._path) as store:
                    dispatcher = Dispatcher(
                        store, self._launchers(self._path), self._parallel, say=self._tell
                    )
                    dispatcher.run(stop.is_set)
            except StoreError as error:
                if str(error) != said:
                    said = str(error)
                    self._fail(said)
                stop.wait(RETRY_S)
