"""Notices what anyone writes to the store, and tells the app: at most four times a second.

``PRAGMA data_version`` costs microseconds, so it is polled; the rows are read only when it moved.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from store import FINAL, Clock, JobRow, Store, StoreError, utc_now
from tui.following import Follower, JobProgress
from tui.snapshot import Snapshot

POLL_S = 0.25
LATEST = 40
"""Results in a snapshot: as many as the tallest screen shows."""


class Watcher:
    """A thread that polls the store and hands out snapshots."""

    def __init__(
        self,
        path: Path,
        tell: Callable[[Snapshot], None],
        fail: Callable[[str], None],
        *,
        readonly: bool,
        clock: Clock = utc_now,
        poll_s: float = POLL_S,
    ) -> None:
        """Starts nothing yet.

        Args:
            path: The store.
            tell: Told each new snapshot, in the watcher's thread.
            fail: Told why the store cannot be read, in the watcher's thread.
            readonly: Whether the store is opened only to be read.
            clock: Gives the time of day, with a time zone.
            poll_s: Seconds between two polls.
        """
        self._path = path
        self._tell = tell
        self._fail = fail
        self._readonly = readonly
        self._clock = clock
        self._poll_s = poll_s
        self._generation = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="store-watcher", daemon=True)

    def start(self) -> None:
        """Begins to watch; the first snapshot follows at once."""
        self._thread.start()

    def stop(self, timeout_s: float = 0.2) -> None:
        """Ends at the next poll."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _watch(self) -> None:
        said = ""
        while not self._stop.is_set():
            try:
                self._watch_store()
            except StoreError as error:
                if str(error) != said:
                    said = str(error)
                    self._fail(said)
                self._stop.wait(1.0)

    def _watch_store(self) -> None:
        if not self._path.exists():
            if self._readonly:
                self._tell(Snapshot(at=self._clock()))
                while not self._path.exists():
                    if self._stop.wait(self._poll_s):
                        return
            else:
                Store.open(self._path).close()  # Made, so that everyone can read it.
        elif not self._readonly:
            Store.open(self._path).close()  # Brought up to date.
        with Store.open(self._path, readonly=True) as store:
            version: int | None = None
            read = Reading()
            while not self._stop.is_set():
                now = store.data_version()
                if now != version:
                    version = now
                    self._generation += 1
                    self._tell(read(store, self._generation, self._clock()))
                self._stop.wait(self._poll_s)


class Reading:
    """Reads snapshots, and remembers of the jobs that run what their events said before."""

    def __init__(self) -> None:
        self._followers: dict[int, Follower] = {}

    def __call__(self, store: Store, generation: int, at: datetime) -> Snapshot:
        """Reads what the views share."""
        ended = store.jobs(states=FINAL)
        held = store.attempts.held()
        waiting = store.queue.waiting()
        return Snapshot(
            generation=generation,
            at=at,
            exists=True,
            held=tuple(held),
            waiting=tuple(waiting),
            ended=tuple(
                sorted(ended, key=lambda job: (job.finished_at or "", job.id), reverse=True)
            ),
            latest=tuple(store.leaderboard(order="result_id DESC", limit=LATEST)),
            results=sum(job.cases_done for job in (*ended, *held, *waiting)),
            progress={job.id: self._follow(store, job, at) for job in held},
        )

    def _follow(self, store: Store, job: JobRow, at: datetime) -> JobProgress:
        follower = self._followers.get(job.id)
        if follower is None or follower.attempt != job.attempt:
            follower = self._followers[job.id] = Follower.of(store, job)
        return follower.read(store, job, at)
