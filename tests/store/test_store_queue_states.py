"""Whatever is asked of the queue in whatever order, its promises hold."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
)

from store import FINAL, HELD, JobRequest, JobState, LeaseLostError, Place, Store, StoreError

OWNERS = st.sampled_from(["alpha/1:10:1", "alpha/1:11:1", "beta/1:10:1"])
PLACES: st.SearchStrategy[Place] = st.sampled_from(["top", "bottom", "before", "after"])
ENDS: st.SearchStrategy[JobState] = st.sampled_from(["done", "failed", "cancelled", "lost"])

ALLOWED = {
    "queued": {"starting", "cancelled"},
    "starting": {"running", "queued", "cancelled", *FINAL},
    "running": set(FINAL),
    **{state: {"queued"} for state in FINAL},
}


class QueueMachine(RuleBasedStateMachine):
    """Dispatchers of two machines, runners and people, one step at a time."""

    jobs = Bundle("jobs")

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self._now = datetime(2026, 1, 31, 12, tzinfo=UTC)
        self._store = Store.open(Path(self._folder.name) / "s.db", clock=lambda: self._now)
        self._benchmark = self._store.add_benchmark("b", "{}")
        self._begun: set[tuple[int, int]] = set()
        self._before = self._states()

    def teardown(self) -> None:
        self._store.close()
        self._folder.cleanup()

    @initialize(target=jobs)
    def some_jobs(self) -> MultipleResults[int]:
        return multiple(*(self.add(priority=0) for _ in range(3)))

    @rule(target=jobs, priority=st.integers(-1, 1))
    def add(self, priority: int) -> int:
        job = self._store.queue.add(
            self._benchmark, JobRequest(target="local", priority=priority), cases_total=1
        )
        assert self._store.queue.waiting()[-1].priority <= priority
        self._before[job] = ("queued", 1)
        return job

    @rule(owner=OWNERS, parallel=st.integers(1, 2))
    def claim(self, owner: str, parallel: int) -> None:
        machine = owner.partition("/")[0]
        held = [job for job in self._store.attempts.held() if job.machine == machine]
        waiting = self._store.queue.waiting()
        job = self._store.attempts.claim(owner, 30, targets={"local"}, parallel=parallel)
        if len(held) >= parallel or not waiting:
            assert job is None
        else:
            assert job is not None
            assert job.id == waiting[0].id

    @rule(job=jobs, late=st.booleans())
    def begin(self, job: int, late: bool) -> None:
        row = self._store.job(job)
        attempt = row.attempt - 1 if late else row.attempt
        begun = self._try(lambda: self._store.attempts.begin(job, attempt, "alpha/1:99:1", 30))
        assert begun == (row.state == "starting" and not late)
        if begun:
            assert (job, attempt) not in self._begun, "an attempt begins once"
            self._begun.add((job, attempt))

    @rule(job=jobs, state=ENDS)
    def settle(self, job: int, state: JobState) -> None:
        row = self._store.job(job)
        assert self._store.attempts.settle(job, row.attempt, state, "r") == (row.state in HELD)
        assert not self._store.attempts.settle(job, row.attempt - 1, state, "r")

    @rule(job=jobs)
    def give_back(self, job: int) -> None:
        self._store.attempts.give_back(job, self._store.job(job).attempt)

    @rule(job=jobs, owner=OWNERS)
    def adopt(self, job: int, owner: str) -> None:
        row = self._store.job(job)
        if self._store.attempts.adopt(job, row.attempt, owner, 30):
            assert self._store.job(job).dispatcher == owner

    @rule(job=jobs)
    def cancel(self, job: int) -> None:
        self._try(lambda: self._store.queue.cancel(job))

    @rule(job=jobs)
    def retry(self, job: int) -> None:
        if self._try(lambda: self._store.queue.retry(job)):
            row = self._store.job(job)
            last = [
                other for other in self._store.queue.waiting() if other.priority == row.priority
            ]
            assert last[-1].id == job

    @rule(job=jobs, other=jobs, place=PLACES)
    def move(self, job: int, other: int, place: Place) -> None:
        before = [row.id for row in self._store.queue.waiting()]
        if not self._try(lambda: self._store.queue.move(job, place, other)):
            return
        after = [row.id for row in self._store.queue.waiting()]
        assert [row for row in after if row != job] == [row for row in before if row != job]
        distance = after.index(job) - after.index(other) if place in ("before", "after") else None
        assert distance == {"before": -1, "after": 1}.get(place)
        assert place != "top" or after[0] == job
        assert place != "bottom" or after[-1] == job

    @rule(seconds=st.sampled_from([1, 20, 60]))
    def wait(self, seconds: int) -> None:
        self._now += timedelta(seconds=seconds)

    @invariant()
    def states_change_as_drawn(self) -> None:
        now = self._states()
        for job, (state, attempt) in now.items():
            was, old_attempt = self._before[job]
            assert state == was or state in ALLOWED[was]
            assert attempt == old_attempt + (state == "queued" and was != "queued")
        self._before = now

    @invariant()
    def the_lease_goes_with_the_state(self) -> None:
        for job in self._store.jobs():
            held = job.state in HELD
            assert (job.lease_owner is not None) == (job.lease_expires_at is not None) == held
            assert (job.finished_at is not None) == (job.state in FINAL)
            if job.state == "queued":
                assert (job.machine, job.dispatcher, job.handle) == (None, None, None)

    @invariant()
    def at_most_two_on_a_machine(self) -> None:
        held = [job.machine for job in self._store.attempts.held()]
        assert all(held.count(machine) <= 2 for machine in held)

    def _states(self) -> dict[int, tuple[JobState, int]]:
        return {job.id: (job.state, job.attempt) for job in self._store.jobs()}

    @staticmethod
    def _try(action: Callable[[], object]) -> bool:
        try:
            action()
        except (StoreError, LeaseLostError):
            return False
        return True


TestQueue = QueueMachine.TestCase
TestQueue.settings = settings(
    max_examples=40,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
