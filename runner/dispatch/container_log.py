"""A container's output, brought into a file of this machine while it runs."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from runner.docker_engine import Engine


class LogPump:
    """Appends to a log file what a container has written since the last time.

    The engine's own follower would hold a thread, and loses lines when it rotates its files.
    """

    def __init__(self, engine: Engine, container_id: str, log: Path) -> None:
        """Begins where the container began, so the file is written anew.

        Args:
            engine: The container's engine.
            container_id: The container's id there.
            log: The file.
        """
        self._engine = engine
        self._container_id = container_id
        self._log = log
        self._last = b""
        """Time stamp of the last line that is in the file."""
        self._same = 0
        """How many lines in the file carry that stamp."""
        self._begun = False

    def draw(self) -> None:
        """Brings what is new.

        Raises:
            EngineError: The engine does not give it.
        """
        since = {"since": _seconds(self._last)} if self._last else {}
        with self._engine.asked() as client:
            content: bytes = client.api.logs(
                self._container_id, stdout=True, stderr=True, timestamps=True, **since
            )
        fresh = self._fresh(content)
        if fresh or not self._begun:
            self._log.parent.mkdir(parents=True, exist_ok=True)
            with self._log.open("ab" if self._begun else "wb") as file:
                file.write(fresh)
            self._begun = True

    def _fresh(self, content: bytes) -> bytes:
        """The lines that are not in the file yet, without their stamps."""
        fresh, seen = [], 0
        for line in content.split(b"\n")[:-1]:
            stamp, _, text = line.partition(b" ")
            if stamp < self._last:
                continue
            if stamp == self._last:
                seen += 1
                if seen <= self._same:
                    continue
            else:
                self._last, seen, self._same = stamp, 1, 0
            self._same += 1
            fresh.append(text + b"\n")
        return b"".join(fresh)


def _seconds(stamp: bytes) -> float:
    """A moment before a stamp such as ``2026-01-01T00:00:00.123456789Z``, in Unix seconds.

    A float is not exact to the nanosecond; what comes twice is known by its stamp.
    """
    text = stamp.decode("ascii")
    whole, _, _ = text.partition(".")
    return datetime.fromisoformat(whole.removesuffix("Z") + "+00:00").timestamp()
