"""One thread with a store of its own: no SQL ever runs on the UI's thread.

A request is a function of the store; its answer comes back as a message. A request of a group
replaces the one of that group that still waits, and an answer that is no longer wanted is dropped,
so what a view receives is always what it asked for last.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from textual.message import Message
from textual.message_pump import MessagePump

from store import Store, StoreError
from tui.messages import StoreFailed

T = TypeVar("T")
Key = tuple[int, str]


class StoreThread:
    """Answers requests in their order; a daemon, because a query cannot hold up the app's end."""

    def __init__(self, path: Path, *, readonly: bool) -> None:
        """Opens nothing yet: the store at ``path`` may not be there before the first request."""
        self._path = path
        self._readonly = readonly
        self._waiting: dict[Key, _Request] = {}
        self._latest: dict[Key, int] = {}
        self._number = 0
        self._busy = False
        self._stopped = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._serve, name=f"store-{readonly=}", daemon=True)

    def start(self) -> None:
        """Begins to answer."""
        self._thread.start()

    def stop(self, timeout_s: float = 0.2) -> None:
        """Ends after the request in hand, or leaves it behind."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def ask(
        self,
        asker: MessagePump,
        group: str,
        query: Callable[[Store], T],
        answer: Callable[[T], Message],
    ) -> None:
        """Has ``query`` run, and ``answer(its value)`` posted to ``asker``.

        What the store cannot do is posted as ``StoreFailed``, which bubbles to the app.

        Args:
            asker: The widget that wants to know.
            group: What it is about; a later request of the same asker and group replaces this one.
            query: Runs in the thread; it must not touch a widget.
            answer: Makes the message, usually the message's class.
        """
        with self._changed:
            key = (id(asker), group)
            self._number += 1
            self._latest[key] = self._number
            self._waiting.pop(key, None)  # Last again.
            self._waiting[key] = _Request(self._number, asker, query, answer)
            self._changed.notify_all()

    @property
    def idle(self) -> bool:
        """Whether every request has been answered."""
        with self._changed:
            return not self._waiting and not self._busy

    def _serve(self) -> None:
        store: Store | None = None
        while True:
            with self._changed:
                self._busy = False
                self._changed.wait_for(lambda: self._waiting or self._stopped)
                if self._stopped:
                    break
                key = next(iter(self._waiting))
                request = self._waiting.pop(key)
                self._busy = True
            try:
                if store is None:
                    store = Store.open(self._path, readonly=self._readonly)
                message = request.answer(request.query(store))
            except StoreError as error:
                message = StoreFailed(str(error))
            with self._changed:
                wanted = self._latest[key] == request.number
            if wanted:
                request.asker.post_message(message)
        if store is not None:
            store.close()


class _Request:
    """One request that waits."""

    def __init__(
        self,
        number: int,
        asker: MessagePump,
        query: Callable[[Store], Any],
        answer: Callable[[Any], Message],
    ) -> None:
        self.number = number
        self.asker = asker
        self.query = query
        self.answer = answer
