"""Where a session writes what it did: into the store, or into a spool that others bring there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from runner.event_notes import EventNotes
from runner.lease import LEASE_S
from runner.taken import TakenQuality
from store import Event, FinalState, Result, Stop, Store, process_owner, stop_of


class Ledger(ABC):
    """One job's place to write. Everything may raise ``StoreError`` when it cannot be written."""

    def __init__(self, job_id: int) -> None:
        self.job_id = job_id
        self.tell = EventNotes(self.note)
        """Takes the session's events, and writes what of them is kept."""

    @property
    @abstractmethod
    def place(self) -> str:
        """Where that is, for people."""

    @property
    @abstractmethod
    def traces(self) -> Path:
        """The folder for profiler traces."""

    @abstractmethod
    def begin(self, attempt: int) -> None:
        """Takes a job that a dispatcher has claimed.

        Raises:
            LeaseLostError: This attempt was given up, or another runner has begun it.
        """

    @abstractmethod
    def settled(self) -> set[str]:
        """Keys of the cases that need not be run again.

        A failure may have been the machine's and a refusal the network's; too little memory would
        come again.
        """

    @abstractmethod
    def speech(self) -> Mapping[float, str]:
        """Fingerprints of the clips that rows of this job were measured with, by their length."""

    @abstractmethod
    def taken(self) -> Mapping[str, TakenQuality]:
        """The quality records of earlier attempts, by their key: no case need take them again."""

    @abstractmethod
    def note(self, event: Event) -> None:
        """Writes an event."""

    @abstractmethod
    def write(self, result: Result) -> None:
        """Writes a case's row; one that failed or was refused before gives way to it.

        Raises:
            ValueError: A figure is no number; the message names it. Nothing is written.
        """

    @abstractmethod
    def beat(self) -> Stop | None:
        """Says that the job goes on; returns why it must end, or None if it may go on.

        Raises:
            LeaseLostError: The job is another's by now.
        """

    @abstractmethod
    def stop(self) -> Stop | None:
        """Why the job must end, as far as that is known here."""

    @abstractmethod
    def finish(self, state: FinalState, reason: str | None) -> None:
        """Ends the job."""


class StoreLedger(Ledger):
    """Writes into the store at once."""

    def __init__(self, store: Store, job_id: int) -> None:
        """A ledger of one job of ``store``."""
        super().__init__(job_id)
        self._store = store
        self._owner = process_owner()

    @property
    def place(self) -> str:
        return str(self._store.path)

    @property
    def traces(self) -> Path:
        return self._store.path.parent / "traces" / f"job-{self.job_id}"

    def begin(self, attempt: int) -> None:
        self._store.attempts.begin(self.job_id, attempt, self._owner, LEASE_S)

    def settled(self) -> set[str]:
        return self._store.case_keys(self.job_id, states=("ok", "oom"))

    def speech(self) -> Mapping[float, str]:
        return self._store.clips_fingerprints(self.job_id)

    def taken(self) -> Mapping[str, TakenQuality]:
        return taken_of(self._store, self.job_id)

    def note(self, event: Event) -> None:
        self._store.add_event(self.job_id, event)

    def write(self, result: Result) -> None:
        self._store.write_result(self.job_id, result, replace=True)

    def beat(self) -> Stop | None:
        return self._store.heartbeat(self.job_id, LEASE_S, owner=self._owner)

    def stop(self) -> Stop | None:
        return stop_of(self._store.job(self.job_id), datetime.now(UTC))

    def finish(self, state: FinalState, reason: str | None) -> None:
        self._store.finish_job(self.job_id, state, reason, owner=self._owner)


def taken_of(store: Store, job_id: int) -> dict[str, TakenQuality]:
    """The quality records of a job that its cases can share, by their key.

    Those of packed clips, of an older asrprof, are none: a case would now find other words.
    """
    return {
        stored.key: TakenQuality(
            stored.quality, tuple((text.clip_id, text.hypothesis) for text in stored.transcripts)
        )
        for stored in store.qualities(job_id)
        if stored.quality.of == "utterances"
        and (stored.quality.wer is not None or stored.quality.reason is not None)
    }
