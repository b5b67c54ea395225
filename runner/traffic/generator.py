"""Sends the requests of a level when they are due, and keeps what became of each.

Open loop: a request's latency counts from the time it was due, not from when it was sent, and
requests fall due whatever the service does. A service that stalls is charged for everyone who
would have waited (no coordinated omission). Closed loop: a request is due when its client is free.

A stream is due when its speech begins, and its answer when that ends: its latency counts from then.

All times are those of the event loop's clock, the monotonic one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from runner.traffic.arrivals import due_times, endless_order
from runner.traffic.level import Level
from runner.traffic.target import Answer, Failure, Target
from stats.sequence import known_quantile

TIMEOUT, ABANDONED = "timeout", "abandoned"

PAUSE_S = 0.1
"""A client of a closed loop waits so long after a failure: a service that refuses at once would
otherwise be asked thousands of times a second."""

ALL_FAILED = 50
"""A level ends early when so many requests in a row have failed (at least four for each client)."""

HOPELESS = 4.0
"""An open level ends early when this many times more requests are open than the rate times the
SLO: by Little's law they then wait so much longer than the SLO allows."""

FEWEST_OPEN = 16
"""But never with fewer than this many open requests: a few come in any burst."""

ON_TIME_S = 0.05
"""A request that was sent later than this after it was due is not the service's fault."""

FAR_TOO_MANY = 10.0
"""An open level ends early also where the generator is late, with so many times more open."""

TELL_EVERY_S = 0.25

OF_LATE_S = 5.0
"""What is told of a level just now is of so many seconds,"""

OF_LATE = 500
"""and of so many requests at the most: telling must cost little."""


@dataclass(frozen=True)
class Request:
    """One request and what became of it; seconds of the monotonic clock."""

    utterance: int
    due_s: float
    sent_s: float
    done_s: float
    answer: Answer | None
    """None where it failed."""
    error: str | None = None
    """The kind of its failure."""
    words: str | None = None
    """What the failure said."""
    lasts_s: float = 0.0
    """Seconds of the speech of a stream, which is sent as slowly as it is spoken."""

    @property
    def latency_s(self) -> float:
        """From the time it was due; of a stream from the end of its speech."""
        return self.done_s - self.due_s - self.lasts_s

    @property
    def delay_s(self) -> float:
        """How late the generator itself sent, at the most."""
        own = self.answer.send_delay_s if self.answer is not None else None
        return max(self.sent_s - self.due_s, own or 0.0)


@dataclass(frozen=True)
class Held:
    """What was sent at a level, and what came of it."""

    level: Level
    requests: tuple[Request, ...]
    """Of the warm-up too, in the order of their due times."""
    window_start_s: float
    window_end_s: float
    ended_early: str | None
    """Why the level was not held for as long as asked, or None."""
    paced: bool = False
    """Whether the requests were streams at real-time pace."""


@dataclass(frozen=True)
class Gauge:
    """How a level goes just now."""

    share: float
    """How much of it is over, 0 to 1."""
    open: int
    """Requests without an answer yet."""
    per_s: float
    """Right answers a second, of late."""
    p95_s: float | None
    """Latency of those; None where they are too few."""
    errors: int
    """Failed requests of the level so far."""


Tell = Callable[[Gauge], None]


def quiet(_gauge: Gauge) -> None:
    """Tells nobody."""


async def hold(
    target: Target,
    level: Level,
    utterances: int,
    *,
    tell: Tell = quiet,
    on_window: Callable[[bool], None] = lambda _begins: None,
) -> Held:
    """Holds one level of load.

    Args:
        target: What the requests are sent to.
        level: The load.
        utterances: How many there are to be sent, 1 at least.
        tell: Told how far it is, a few times a second.
        on_window: Called when the counted time begins (True) and when it ends (False).
    """
    holding = _Holding(target, level, utterances)
    watch = asyncio.create_task(holding.watch(tell))
    bounds = asyncio.create_task(holding.bounds(on_window))
    try:
        await (holding.closed() if level.concurrency is not None else holding.open())
        await bounds
    finally:
        watch.cancel()
        bounds.cancel()
        await asyncio.gather(watch, bounds, return_exceptions=True)
    return holding.held()


@dataclass
class _Holding:
    """A level while it is held."""

    target: Target
    level: Level
    utterances: int
    requests: list[Request] = field(default_factory=list)
    open_now: dict[asyncio.Task[None], Request] = field(default_factory=dict)
    sleepers: set[asyncio.Future[None]] = field(default_factory=set)
    ended_early: str | None = None
    crash: BaseException | None = None
    """An error of the generator itself."""
    failures: int = 0
    """Failed requests since the last answer."""
    failed: int = 0
    """All failed requests."""

    def __post_init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.order = endless_order(self.utterances, self.level.seed)
        self.start_s = self.loop.time()
        self.window_s = self.start_s + self.level.warmup_s
        self.end_s = self.window_s + self.level.duration_s

    async def open(self) -> None:
        """Requests at a rate."""
        level = self.level
        assert level.rate_per_s is not None
        length_s = level.warmup_s + level.duration_s
        # Streams are open while they are spoken.
        allowed_s = level.slo_p95_s + self._spoken_s()
        hopeless = max(FEWEST_OPEN, HOPELESS * level.rate_per_s * allowed_s)
        for after_s in due_times(level.arrivals, level.rate_per_s, length_s, level.seed).tolist():
            await self._until(self.start_s + after_s)
            if len(self.open_now) > hopeless:
                self._end_if_hopeless(hopeless)
            if self.ended_early is not None:
                break
            self._start(next(self.order), self.start_s + after_s)
        await self._until(self.end_s)
        while self.open_now:  # Each ends by its own time limit.
            await asyncio.wait(self.open_now)

    def _end_if_hopeless(self, most: float) -> None:
        """Ends the level where more requests are open than will ever be answered in time.

        A generator that was late sends many at once, which says nothing of the service: those do
        not count, unless they are far too many.
        """
        count = len(self.open_now)
        on_time = sum(one.sent_s - one.due_s < ON_TIME_S for one in self.open_now.values())
        allowed = f"more than {HOPELESS:g} times what the rate and the SLO allow"
        if on_time > most:
            self._end(f"{count} requests were open, {allowed}")
        elif count > FAR_TOO_MANY * most:
            self._end(
                f"{count} requests were open, far {allowed}, and the generator was late itself: "
                "this machine cannot send so many a second"
            )

    async def closed(self) -> None:
        """Clients that each wait for their answer.

        Streams begin one after the other within the warm-up: nobody's end falls on all others'.
        """
        count = self.level.concurrency
        assert count is not None
        within_s = min(self._spoken_s(), self.level.warmup_s)
        begins = (self.start_s + within_s * number / count for number in range(count))
        await asyncio.gather(*map(self._client, begins))

    def _spoken_s(self) -> float:
        """Seconds that sending an utterance takes by its nature, in the mean."""
        return sum(map(self.target.lasts_s, range(self.utterances))) / self.utterances

    async def _client(self, begin_s: float) -> None:
        if begin_s > self.start_s:
            await self._until(begin_s)
        while self.ended_early is None and self.loop.time() < self.end_s:
            task = self._start(next(self.order), self.loop.time())
            await asyncio.wait((task,))
            if self.failures:
                await self._until(self.loop.time() + PAUSE_S)

    def _start(self, utterance: int, due_s: float) -> asyncio.Task[None]:
        sent_s = self.loop.time()
        lasts_s = self.target.lasts_s(utterance)
        request = Request(utterance, due_s, sent_s, sent_s, None, lasts_s=lasts_s)
        task = asyncio.create_task(self._one(request))
        self.open_now[task] = request
        task.add_done_callback(self._over)
        return task

    async def _one(self, request: Request) -> None:
        # When it begins to run, which is after all that was ready before it.
        request = replace(request, sent_s=self.loop.time())
        limit_s = self.level.timeout_s
        try:
            async with asyncio.timeout_at(request.due_s + request.lasts_s + limit_s):
                answer = await self.target.send(request.utterance)
        except TimeoutError:
            request = replace(request, error=TIMEOUT, words=f"no answer within {limit_s:g} s")
        except Failure as failure:
            request = replace(request, error=failure.kind, words=str(failure))
        else:
            request = replace(request, answer=answer)
        self._add(replace(request, done_s=self.loop.time()))

    def _over(self, task: asyncio.Task[None]) -> None:
        request = self.open_now.pop(task)
        if task.cancelled():
            words, now = "the level ended early", self.loop.time()
            self._add(replace(request, done_s=now, error=ABANDONED, words=words))
        elif (error := task.exception()) is not None:
            self.crash = error
            self._end(str(error))

    def _add(self, request: Request) -> None:
        self.requests.append(request)
        self.failures = 0 if request.answer is not None else self.failures + 1
        self.failed += request.answer is None
        if self.failures >= max(ALL_FAILED, 4 * (self.level.concurrency or 0)):
            self._end(
                f"the last {self.failures} requests failed, the last one with {request.error}"
            )

    def _end(self, reason: str) -> None:
        """Ends the level early; what is open is abandoned."""
        if self.ended_early is not None or self.loop.time() >= self.end_s:
            return
        self.ended_early = reason
        self.end_s = self.loop.time()
        self.window_s = min(self.window_s, self.end_s)
        for task in self.open_now:
            if task is not asyncio.current_task():
                task.cancel()
        for sleeper in self.sleepers:
            _wake(sleeper)

    async def _until(self, at_s: float) -> None:
        """Waits for a time, or for an early end."""
        if at_s <= self.loop.time() or self.ended_early is not None:
            await asyncio.sleep(0)  # Others must run too where a schedule is behind.
            return
        sleeper: asyncio.Future[None] = self.loop.create_future()
        alarm = self.loop.call_at(at_s, _wake, sleeper)
        self.sleepers.add(sleeper)
        try:
            await sleeper
        finally:
            alarm.cancel()
            self.sleepers.discard(sleeper)

    async def bounds(self, on_window: Callable[[bool], None]) -> None:
        """Says when the counted time begins and ends."""
        await self._until(self.window_s)
        on_window(True)
        await self._until(self.end_s)
        on_window(False)

    async def watch(self, tell: Tell) -> None:
        """Says how far it is."""
        while True:
            tell(self._gauge())
            await asyncio.sleep(TELL_EVERY_S)

    def _gauge(self) -> Gauge:
        now_s = self.loop.time()
        over_s = now_s - self.start_s
        recent = [one for one in self.requests[-OF_LATE:] if one.done_s > now_s - OF_LATE_S]
        good = [one.latency_s for one in recent if one.answer is not None]
        span_s = min(OF_LATE_S, over_s)
        if len(recent) == OF_LATE:
            span_s = now_s - recent[0].done_s
        return Gauge(
            share=min(1.0, over_s / (self.level.warmup_s + self.level.duration_s)),
            open=len(self.open_now),
            per_s=len(good) / span_s if span_s else 0.0,
            p95_s=known_quantile(good, 0.95),
            errors=self.failed,
        )

    def held(self) -> Held:
        """What came of it.

        Raises:
            Exception: an error of the generator itself.
        """
        if self.crash is not None:
            raise self.crash
        return Held(
            level=self.level,
            requests=tuple(sorted(self.requests, key=lambda request: request.due_s)),
            window_start_s=self.window_s,
            window_end_s=self.end_s,
            ended_early=self.ended_early,
            paced=self.target.paced,
        )


def _wake(sleeper: asyncio.Future[None]) -> None:
    if not sleeper.done():
        sleeper.set_result(None)
