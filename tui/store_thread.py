"""Threads that answer requests, so that no SQL and no file is ever read on the UI's thread.

A request is a function; its answer comes back as a message. A request of a group replaces the one
of that group that still waits, and an answer that is no longer wanted is dropped, so what a view
receives is always what it asked for last.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from textual.message import Message
from textual.message_pump import MessagePump

from runner.errors import UserError
from store import Store, StoreError
from tui.messages import Failed

T = TypeVar("T")
Given = TypeVar("Given")
Key = tuple[int, str]


class AskThread(ABC, Generic[Given]):
    """Answers requests in their order; a daemon, because none of them can hold up the app's end."""

    def __init__(self, name: str) -> None:
        self._waiting: dict[Key, _Request] = {}
        self._latest: dict[Key, int] = {}
        self._number = 0
        self._busy = False
        self._stopped = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)

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
        query: Callable[[Given], T],
        answer: Callable[[T], Message],
    ) -> None:
        """Has ``query`` run, and ``answer(its value)`` posted to ``asker``.

        What cannot be done is posted as ``Failed``, which bubbles to the app.

        Args:
            asker: The widget that wants to know.
            group: What it is about; a later request of the same asker and group replaces this one.
            query: Runs in the thread; it must not touch a widget.
            answer: Makes the message, usually the message's class.
        """
        self._put((id(asker), group), _Request(asker, query, answer))

    def do(
        self,
        asker: MessagePump,
        action: Callable[[Given], T],
        answer: Callable[[T], Message],
    ) -> None:
        """Has ``action`` run as ``ask`` does, for what must happen each time: nothing replaces it.

        Args:
            asker: The widget that wants it done.
            action: Runs in the thread; it must not touch a widget.
            answer: Makes the message of its value, usually the message's class.
        """
        self._put((id(asker), f"do-{self._number}"), _Request(asker, action, answer))

    @property
    def idle(self) -> bool:
        """Whether every request has been answered."""
        with self._changed:
            return not self._waiting and not self._busy

    @abstractmethod
    def _given(self) -> Given:
        """What each request is given; asked for each of them, in the thread."""

    def _put(self, key: Key, request: _Request) -> None:
        with self._changed:
            self._number += 1
            request.number = self._latest[key] = self._number
            self._waiting.pop(key, None)  # Last again.
            self._waiting[key] = request
            self._changed.notify_all()

    def _serve(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.wait_for(lambda: self._waiting or self._stopped)
                if self._stopped:
                    return
                key = next(iter(self._waiting))
                request = self._waiting.pop(key)
                self._busy = True
            message = self._answer(request)
            with self._changed:
                wanted = self._latest[key] == request.number
                if wanted:
                    del self._latest[key]
            if wanted:
                request.asker.post_message(message)

    def _answer(self, request: _Request) -> Message:
        try:
            return request.answer(request.query(self._given()))
        except (StoreError, UserError, OSError) as error:
            return Failed(str(error))
        except Exception as error:  # noqa: BLE001  (a thread that dies would leave the app mute)
            return Failed(f"{type(error).__name__}: {error}")


class StoreThread(AskThread[Store]):
    """Gives each request the thread's own store."""

    def __init__(self, path: Path, *, readonly: bool) -> None:
        """Opens nothing yet: the store may not be there before the first request."""
        super().__init__(f"store {'reader' if readonly else 'writer'}")
        self._path = path
        self._readonly = readonly
        self._store: Store | None = None

    def _given(self) -> Store:
        if self._store is None:
            self._store = Store.open(self._path, readonly=self._readonly)
        return self._store


class TaskThread(AskThread[None]):
    """A thread for slow work without a store: files, the machine, large grids."""

    def _given(self) -> None:
        return None


@dataclass
class _Request:
    """One request that waits."""

    asker: MessagePump
    query: Callable[[Any], Any]
    answer: Callable[[Any], Message]
    number: int = 0
