"""The dispatcher: claims queued jobs, has them started, and follows each to its end.

All it knows is in the store, so that it may die at any moment: the next one goes on from there.
Several may serve one store. Each job is followed by one of them, and by another only when that
one has gone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from runner.dispatch.fleet.needs import in_words
from runner.dispatch.followed import Followed
from runner.dispatch.launcher import (
    Exited,
    Handle,
    Launcher,
    LaunchError,
    Unreachable,
    UnreachableError,
)
from runner.dispatch.orphans import Found, NotBegun, find_orphans
from runner.lease import BEAT_S, LEASE_S
from store import (
    HELD,
    Event,
    EventKind,
    JobRow,
    JobState,
    LeaseLostError,
    Pool,
    SpoolError,
    Store,
    StoreError,
    machine_of,
    process_owner,
    stop_of,
    timestamp,
    utc_now,
)

POLL_S = 0.5
GRACE_S = 10.0
"""Between asking a runner to end and ending it."""
START_S = 120.0
"""How long a runner may take from its start until it begins its job."""
SILENCE_S = 2 * BEAT_S
"""How long neither a runner nor the place where it runs may give a sign of life."""

Say = Callable[[str], None]


@dataclass
class Dispatcher:
    """One dispatcher of one store; use it in the thread that opened the store."""

    store: Store
    launchers: Mapping[str, Launcher]
    parallel: int = 1
    """How many jobs may run on this machine at once, by whomever they were started."""
    only: int | None = None
    """Serve this job alone."""
    say: Say = lambda _: None
    """Told in one line what happens."""
    poll_s: float = POLL_S
    grace_s: float = GRACE_S
    start_s: float = START_S
    silence_s: float = SILENCE_S
    _ended: dict[int, None] = field(default_factory=dict, init=False)
    _followed: dict[int, Followed] = field(default_factory=dict, init=False)
    _owner: str = field(default_factory=process_owner, init=False)
    _waits_for: set[int] = field(default_factory=set, init=False)
    _untidy: set[str] = field(default_factory=set, init=False)
    """Targets where runners of jobs that ended may be left."""
    _complaints: set[str] = field(default_factory=set, init=False)

    def run(
        self,
        should_stop: Callable[[], bool] = lambda: False,
        *,
        jobs: int | None = None,
        drain: bool = False,
    ) -> None:
        """Serves the queue; runners that live when it returns go on.

        Args:
            should_stop: Asked twice a second.
            jobs: Claim at most so many; return when they have ended or nothing waits.
            drain: Return when nothing waits and what it follows has ended.

        Raises:
            StoreError: the store cannot be read or written.
        """
        left = jobs
        self._untidy |= set(self.store.queue.targets())
        self.tidy()
        while not should_stop():
            self.reconcile()
            self.follow()
            left = self._claim(left)
            nothing_left = left == 0 or ((drain or jobs is not None) and not self._waiting())
            if nothing_left and not self._followed:
                self.tidy()
                return
            self._explain_wait()
            time.sleep(self.poll_s)

    @property
    def in_hand(self) -> tuple[int, ...]:
        """The jobs that it follows."""
        return tuple(self._followed)

    @property
    def ended(self) -> list[int]:
        """The jobs that it has followed to their end, the latest last."""
        return list(self._ended)

    def tidy(self) -> None:
        """Clears away what is left of jobs that ended, where dispatchers died or engines went."""
        for target in tuple(self._untidy & self.launchers.keys()):
            with suppress(UnreachableError):
                self.launchers[target].tidy(self.store, self._followed)
                self._untidy.discard(target)

    def reconcile(self) -> None:
        """Compares the store with what runs: adopts, puts back, or ends what nobody follows."""
        for job, fate in find_orphans(self.store, self.launchers, self._owner, self._followed):
            if isinstance(fate, Found):
                if self.store.attempts.adopt(job.id, job.attempt, self._owner, LEASE_S):
                    self._take(job, fate.handle)
                    self._remember(job, fate.handle)
                    words = f"job {job.id} runs on, adopted: {fate.handle.ref}"
                    self._note(job, "job-adopted", words)
            elif isinstance(fate, NotBegun):
                if self.store.attempts.give_back(job.id, job.attempt):
                    words = f"job {job.id} had not begun when its dispatcher went: put back"
                    self._note(job, "job-put-back", words)
            elif self.store.attempts.settle(job.id, job.attempt, "lost", fate.reason):
                self._note(job, "job-lost", f"job {job.id} lost: {fate.reason}")

    def follow(self) -> None:
        """Looks at every job in hand: has it ended, must it end, does its lease need renewal?"""
        for followed in list(self._followed.values()):
            try:
                self._look(followed)
            except LeaseLostError:
                job = self.store.job(followed.job.id)
                if job.attempt == followed.job.attempt and job.dispatcher != self._owner:
                    # Another took it over, because this one was silent for too long.
                    del self._followed[job.id]

    def claim(self, pool: Pool | None = None) -> bool:
        """Takes the next job if there is a place, and has it started; False if it took none.

        Args:
            pool: Where there may be a slot; on this machine when None.
        """
        job = self.store.attempts.claim(
            self._owner,
            LEASE_S,
            targets=self._targets_here,
            parallel=self.parallel,
            pool=pool,
            only=self.only,
        )
        if job is None:
            return False
        # A runner that was given up may still be there, and would disturb this one.
        self.tidy()
        try:
            handle = self.launchers[job.target].launch(job)
        except LaunchError as error:
            self._settle(job, "failed", str(error))
            return True
        except UnreachableError as error:
            self._settle(job, "lost", str(error))
            return True
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - one job must not end the queue.
            words = " ".join(str(error).split())[:300]
            self._settle(job, "failed", f"cannot start it: {type(error).__name__}: {words}")
            return True
        self._take(job, handle)
        self._remember(job, handle)
        attempt = f", attempt {job.attempt}" if job.attempt > 1 else ""
        words = f"job {job.id} started on {job.target}{attempt}: {job.benchmark}"
        self._note(job, "job-launched", words)
        return True

    @property
    def _targets_here(self) -> list[str]:
        return [name for name, launcher in self.launchers.items() if not launcher.elsewhere]

    def _claim(self, left: int | None) -> int | None:
        """Starts what there are slots for, at most ``left``; returns how many are left then."""
        while left != 0 and self._has_room() and self.claim():
            left = None if left is None else left - 1
        for pool in self._pools():
            while left != 0 and self.claim(pool):
                left = None if left is None else left - 1
        return left

    def _pools(self) -> Iterator[Pool]:
        """Places on other machines that jobs wait for."""
        for target, launcher in self.launchers.items():
            if not (launcher.elsewhere and self.store.queue.is_waited_for([target], self.only)):
                continue
            try:
                pools = launcher.pools(self.store)
            except UnreachableError as error:
                self._complain(f"jobs for {target} wait: {error}")
                continue
            for pool in pools:
                if pool.slots:
                    yield pool
                else:
                    needed = f" has {in_words(pool.needs)}" if pool.needs else " is free to measure"
                    self._complain(f"jobs for {target} wait: no node{needed}")

    def _complain(self, words: str) -> None:
        """Says something that goes on, once."""
        if words not in self._complaints:
            self._complaints.add(words)
            self.say(words)

    def _look(self, followed: Followed) -> None:
        job = self._row(followed)
        if job is None:
            return
        found = followed.handle.poll()
        if isinstance(found, Unreachable):
            self._look_without(followed, found)
            return
        try:
            # An attempt that is over is seen below, by the job's row.
            with suppress(LeaseLostError):
                followed.handle.bring(self.store, last=isinstance(found, Exited))
        except UnreachableError as error:
            # What an ended runner wrote must come home before it is cleared away.
            if isinstance(found, Exited):
                self._look_without(followed, Unreachable(str(error)))
                return
        except SpoolError as error:
            followed.handle.stop(self.grace_s)
            self._settle(followed.job, "failed", str(error))
            return
        followed.unreachable = None
        # A short job may have ended at the first look.
        self._note_node(followed, found.node)
        if isinstance(found, Exited):
            self._finish(followed, found)
            return
        now = time.monotonic()
        if not found.placed:
            # A cluster may take its time to place a runner.
            followed.since = now
        job = self.store.job(followed.job.id)
        if job.state not in HELD or job.attempt != followed.job.attempt:
            # It has done its work, or lost the job; until it is gone the machine is not quiet.
            followed.over = now if followed.over is None else followed.over
            if now - followed.over > self.grace_s:
                followed.handle.stop(self.grace_s)
            return
        if now - followed.beat >= BEAT_S:
            job = self.store.attempts.renew(job.id, followed.job.attempt, self._owner, LEASE_S)
            followed.beat = now
        if stop_of(job, utc_now()) is not None:
            self.say(f"job {job.id} is being stopped")
            followed.handle.stop(self.grace_s)
            self._look_again(followed)
        elif job.state == "starting" and now - followed.since > self.start_s:
            followed.handle.stop(self.grace_s)
            self._settle(job, "failed", f"its runner did not begin within {self.start_s:g} s")

    def _note_node(self, followed: Followed, node: str | None) -> None:
        """Says once where a fleet has placed a runner."""
        job = followed.job
        if node is not None and node != followed.node:
            followed.node = node
            self.store.attempts.placed(job.id, job.attempt, node)
            self._note(job, "job-placed", f"job {job.id} is on node {node.partition('/')[0]}")

    def _look_again(self, followed: Followed) -> None:
        """After a stop: the end is written down at once, not at the next turn."""
        ended = followed.handle.poll()
        if isinstance(ended, Exited):
            try:
                with suppress(LeaseLostError, SpoolError):
                    followed.handle.bring(self.store, last=True)
            except UnreachableError:
                return
            self._finish(followed, ended)

    def _look_without(self, followed: Followed, found: Unreachable) -> None:
        """A runner whose place does not answer: what it writes to the store is all there is."""
        now = time.monotonic()
        if followed.unreachable is None:
            followed.unreachable = now
            self.say(f"job {followed.job.id} cannot be seen: {found.reason}")
        # A spool in a folder of this machine can be read all the same.
        with suppress(UnreachableError, LeaseLostError, SpoolError):
            followed.handle.bring(self.store, last=False)
        job = self.store.job(followed.job.id)
        if job.state not in HELD or job.attempt != followed.job.attempt:
            self._leave(followed)
        elif now - followed.unreachable > self.silence_s and followed.is_silent(
            job, self.silence_s
        ):
            reason = f"{found.reason}; its runner gives no sign of life"
            self.store.attempts.settle(job.id, job.attempt, "lost", reason)
            self._leave(followed)

    def _leave(self, followed: Followed) -> None:
        """Follows a runner no more that cannot be reached; it is cleared away when it can be."""
        self._untidy.add(followed.job.target)
        del self._followed[followed.job.id]
        self._report(followed.job.id)

    def _row(self, followed: Followed) -> JobRow | None:
        """A followed job's row; None if it ended and was removed, and its runner with it."""
        try:
            return self.store.job(followed.job.id)
        except StoreError:
            followed.handle.stop(self.grace_s)
            self._drop(followed.job)
            return None

    def _finish(self, followed: Followed, end: Exited) -> None:
        """A runner has gone; the job's state is its own verdict if it had the time to give one."""
        # Read after the runner's end, so that nothing it wrote can be missed.
        job = self._row(followed)
        if job is None:
            return
        stop = stop_of(job, utc_now())
        if stop is not None:
            self._settle(followed.job, stop.state, stop.reason)
        else:
            self._settle(followed.job, "lost" if end.code is None else "failed", end.reason)

    def _settle(self, job: JobRow, state: JobState, reason: str) -> None:
        self.store.attempts.settle(job.id, job.attempt, state, reason)
        self._drop(job)

    def _take(self, job: JobRow, handle: Handle) -> None:
        now = time.monotonic()
        self._followed[job.id] = Followed(job, handle, now, now)

    def _drop(self, job: JobRow) -> None:
        followed = self._followed.pop(job.id, None)
        if followed is not None and not followed.handle.release():
            self._untidy.add(job.target)
        self._report(job.id)

    def _remember(self, job: JobRow, handle: Handle) -> None:
        log = None if handle.log is None else str(handle.log)
        self.store.attempts.launched(job.id, job.attempt, handle.ref, log)

    def _report(self, job_id: int) -> None:
        """Counts a job as ended, and says how."""
        self._ended.pop(job_id, None)
        self._ended[job_id] = None
        try:
            now = self.store.job(job_id)
        except StoreError:
            return  # It ended and was removed in the same moment.
        reason = f": {now.reason}" if now.reason else ""
        self.say(f"job {job_id} {now.state}{reason}")

    def _has_room(self) -> bool:
        # Asked before each claim, which takes the store's write lock.
        here = sum(1 for one in self._followed.values() if one.job.machine == self._machine)
        return here < self.parallel and self._waiting(self._targets_here)

    def _waiting(self, targets: Collection[str] | None = None) -> bool:
        targets = self.launchers.keys() if targets is None else targets
        return self.store.queue.is_waited_for(targets, self.only)

    @property
    def _machine(self) -> str:
        return machine_of(self._owner)

    def _explain_wait(self) -> None:
        """Says once who keeps the machine busy when that is not a job in hand."""
        others: set[int] = set()
        if not self._followed and self._waiting(self._targets_here):
            others = {job.id for job in self.store.attempts.held() if job.machine == self._machine}
        if len(others) < self.parallel:
            others = set()
        if others - self._waits_for:
            names = ", ".join(str(job) for job in sorted(others))
            self.say(f"waiting until job {names} has ended, so that neither disturbs the other")
        self._waits_for = others

    def _note(self, job: JobRow, kind: EventKind, words: str) -> None:
        self.say(words)
        self.store.add_event(job.id, Event(kind=kind, at=timestamp(utc_now()), message=words))
