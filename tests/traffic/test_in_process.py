"""An engine behind the dynamic batcher: two real processes and a pipe."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from runner.config.load import Load
from runner.traffic.batcher import DynamicBatcher
from runner.traffic.generator import Held, quiet
from runner.traffic.in_process import SenderLost, load_engine_here
from runner.traffic.summary import first_texts, meets, summarise


def run(
    transcribe: Callable[[Sequence[int]], Sequence[str]],
    load: Load,
    *copies: Callable[[Sequence[int]], Sequence[str]],
) -> tuple[list[Held], list[bool]]:
    windows: list[bool] = []
    held = load_engine_here(
        [transcribe, *copies],
        load,
        seed=3,
        utterances=5,
        on_level=lambda _: quiet,
        on_window=windows.append,
    )
    return list(held), windows


def short(**changes: Any) -> Load:
    fields = {"warmup_s": 0.2, "duration_s": 1.0, "max_batch": [1], "max_wait_s": 0.0, **changes}
    return Load.model_validate(fields)


def at_rate(*rates: float, **changes: Any) -> Load:
    fields = {"mode": "open", "rate_per_s": list(rates), "arrivals": "constant", **changes}
    return short(**fields)


@pytest.mark.timed
@pytest.mark.e2e
def test_levels_are_held_in_order_and_batches_form() -> None:
    seen: list[int] = []

    def transcribe(numbers: Sequence[int]) -> Sequence[str]:
        seen.append(len(numbers))
        time.sleep(0.02)
        return [f"text {number}" for number in numbers]

    held, windows = run(transcribe, short(concurrency=[4], max_batch=[1, 4]))
    assert windows == [True, False] * 2
    one, four = (summarise(found, [1.0] * 5, seed=1) for found in held)
    assert (one.max_batch, one.batch_mean, one.errors) == (1, 1.0, 0)
    assert max(seen) <= 4
    assert four.batch_mean is not None and four.batch_mean > 2
    # Four requests share a batch of the same time: nearly four times as many are answered.
    assert one.requests_per_s is not None and four.requests_per_s is not None
    assert four.requests_per_s > 1.5 * one.requests_per_s
    assert one.service_mean_s is not None and one.service_mean_s >= 0.02
    # Waits and service make up the latency, but for the way through the pipe.
    assert one.queue_mean_s is not None and one.latency_mean_s is not None
    assert one.queue_mean_s + one.service_mean_s <= one.latency_mean_s
    texts, changed = first_texts(held[0])
    assert changed == 0
    assert texts == {number: f"text {number}" for number in range(5)}


@pytest.mark.timed
@pytest.mark.e2e
def test_two_models_carry_twice_as_much_and_one_level_leaves_the_other_idle() -> None:
    asked: list[list[float]] = [[], []]

    def model(which: int) -> Callable[[Sequence[int]], Sequence[str]]:
        def transcribe(numbers: Sequence[int]) -> Sequence[str]:
            asked[which].append(time.monotonic())
            time.sleep(0.05)
            return [f"text {number}" for number in numbers]

        return transcribe

    held, _ = run(model(0), short(concurrency=[4], replicas=[1, 2], duration_s=2.0), model(1))
    one, two = (summarise(found, [1.0] * 5, seed=1) for found in held)
    assert (one.replicas, two.replicas) == (1, 2)
    assert held[1].level.title == "4 at once, batches to 1, 2 models"
    assert one.requests_per_s is not None and two.requests_per_s is not None
    assert 1.7 < two.requests_per_s / one.requests_per_s < 2.3
    assert min(asked[1]) > held[0].window_end_s - 0.2
    assert first_texts(held[1]) == ({number: f"text {number}" for number in range(5)}, 0)


def test_an_engine_that_fails_fails_the_requests_of_its_batch() -> None:
    def transcribe(numbers: Sequence[int]) -> Sequence[str]:
        if 3 in numbers:
            raise ValueError("no such\nword")
        return ["text"] * len(numbers)

    held, _ = run(transcribe, at_rate(50.0))
    found = summarise(held[0], [1.0] * 5, seed=1)
    assert 0 < found.errors < found.requests
    assert found.errors_by_kind == f'{{"engine": {found.errors}}}'
    assert found.error_words == "ValueError: no such word"


@pytest.mark.timed
@pytest.mark.e2e
def test_a_search_finds_what_an_engine_can_carry() -> None:
    """Twenty a second is the most of an engine that takes 50 ms for each."""

    def transcribe(numbers: Sequence[int]) -> Sequence[str]:
        time.sleep(0.05)
        return ["text"] * len(numbers)

    load = at_rate(8.0, search=True, slo={"p95_s": 0.3}, duration_s=3.0)
    held, windows = run(transcribe, load)
    rates = [one.level.rate_per_s for one in held]
    assert rates[:3] == [8.0, 16.0, 32.0]
    assert windows == [True, False] * len(rates)
    met = [rate for one, rate in zip(held, rates, strict=True) if meets(one) and rate is not None]
    # A queue of six, which takes the 0.3 s of the SLO, may have grown by the end of 3 s.
    assert 15 < max(met) < 20 + 6 / 3


@pytest.mark.timed
@pytest.mark.e2e
def test_what_one_level_left_undone_is_not_done_in_the_next() -> None:
    asked: list[float] = []

    def transcribe(numbers: Sequence[int]) -> Sequence[str]:
        asked.append(time.monotonic())
        time.sleep(0.2)
        return ["text"] * len(numbers)

    held, _ = run(transcribe, at_rate(100.0, 1.0, slo={"p95_s": 0.01}, duration_s=2.0))
    assert held[0].ended_early is not None
    assert held[1].ended_early is None
    assert len(held[1].requests) == 3
    assert len([at for at in asked if at > held[1].requests[0].due_s + 0.3]) <= 2


def test_the_death_of_the_sender_is_told() -> None:
    """kill -9 of the process that sends."""
    begun = threading.Event()

    def transcribe(numbers: Sequence[int]) -> Sequence[str]:
        begun.set()
        return ["text"] * len(numbers)

    def kill() -> None:
        begun.wait(60)
        command = ["pgrep", "-P", str(os.getpid()), "-f", "runner.traffic.sender"]
        for pid in subprocess.run(
            command, check=False, capture_output=True, text=True
        ).stdout.split():
            os.kill(int(pid), signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    with pytest.raises(SenderLost, match=r"code -9 after 0 levels"):
        run(transcribe, short(duration_s=60.0))
    thread.join()


@pytest.mark.e2e
def test_the_sender_ends_with_the_process_that_computes(tmp_path: Path) -> None:
    """kill -9 of the process with the engine leaves no sender behind."""
    script = (
        "import time\n"
        "from tests.traffic.test_in_process import run, short\n"
        "def transcribe(numbers):\n"
        "    print('begun', flush=True)\n"
        "    return ['text'] * len(numbers)\n"
        "run(transcribe, short(duration_s=60.0))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "begun\n"
    command = ["pgrep", "-P", str(process.pid), "-f", "runner.traffic.sender"]
    (sender,) = subprocess.run(command, check=False, capture_output=True, text=True).stdout.split()
    process.kill()
    process.wait()
    process.stdout.close()
    deadline = time.monotonic() + 30
    while Path(f"/proc/{sender}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{sender}").exists()


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_a_batch_is_taken_when_it_is_full_or_its_first_has_waited() -> None:
    clock = Clock()
    batcher = DynamicBatcher(max_batch=3, max_wait_s=0.5, clock=clock)
    for number in range(4):
        batcher.add(number, 10 + number)
    assert [one.number for one in batcher.take()] == [0, 1, 2]
    clock.now_s = 0.5
    assert [(one.number, one.utterance) for one in batcher.take()] == [(3, 13)]
    batcher.add(4, 0)
    batcher.reset(max_batch=1, takers=2)
    for number in (5, 6):
        batcher.add(number, 0)
    assert [one.number for taker in (1, 0) for one in batcher.take(taker)] == [5, 6]
    batcher.close()
    assert batcher.take() == ()
