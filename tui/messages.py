"""Messages to the app: what threads say, and where its parts lead.

Views that read for themselves declare their own.
"""

from __future__ import annotations

from textual.message import Message

from tui.snapshot import Snapshot


class StoreChanged(Message):
    """Somebody has written to the store; only the latest matters."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self.snapshot = snapshot

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, StoreChanged)


class Failed(Message):
    """Something could not be done; ``reason`` is one line for the user."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class DispatcherSaid(Message):
    """The dispatcher inside this app says what happens, in one line."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words


class Told(Message):
    """Something was done; ``words`` is one line for the user."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words


class WatchJob(Message):
    """A job is to be shown as it runs."""

    def __init__(self, job_id: int) -> None:
        super().__init__()
        self.job_id = job_id


class ShowResults(Message):
    """A job's results are to be shown."""

    def __init__(self, job_id: int) -> None:
        super().__init__()
        self.job_id = job_id


class ShowResult(Message):
    """One result is to be shown with all its details."""

    def __init__(self, result_id: int) -> None:
        super().__init__()
        self.result_id = result_id
