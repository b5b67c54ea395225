"""Runs the app headless over a store and times it.

As a script: ``python -m benchmarks.tui.measure STORE SECONDS STARTED`` prints the figures as JSON,
where ``STARTED`` is the monotonic clock just before the interpreter was started.
"""

from __future__ import annotations

import asyncio
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from tui.app import AsrprofApp
from tui.options import Options
from tui.views.results import ResultsView

WRITES_PER_S = 100
SIZE = (140, 45)
REPEATS = 5
TICK_S = 0.01
SETTLE_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Figure:
    """One measured figure and the bound that it must keep."""

    name: str
    value: float
    unit: str
    bound: float

    @property
    def kept(self) -> bool:
        """Whether it is within the bound."""
        return self.value <= self.bound


def measure_in_own_process(store: Path, *, seconds: float) -> list[Figure]:
    """Measures in a fresh interpreter, as the app is started; the store gets more results by it.

    Raises:
        RuntimeError: The app did not come up.
    """
    command = [sys.executable, "-m", "benchmarks.tui.measure", str(store), str(seconds)]
    done = subprocess.run(
        [*command, str(time.monotonic())], stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"the app could not be measured (exit code {done.returncode})")
    return [Figure(**figure) for figure in json.loads(done.stdout.splitlines()[-1])]


async def measure(store: Path, seconds: float, started: float) -> list[Figure]:
    """All figures, from within the process that runs the app."""
    app = AsrprofApp(Options(store=store, dispatch=False))
    app.animation_level = "none"
    async with app.run_test(size=SIZE):
        # The app says that it is ready when its first screen has been painted.
        figures = [Figure("first paint", time.monotonic() - started, "s", 0.8)]
        await app.open_tab("results")
        view = app.view
        assert isinstance(view, ResultsView)
        await _rest(app, lambda: len(view.table.table.ids) > 0)

        figures.append(await _cpu(app, "page down", lambda: view.table.table.action_page(1)))
        for key, name in (("latency_ms", "latency"), ("wer", "WER"), ("p95_ms", "p95")):
            figures.append(await _cpu(app, f"sort by {name}", partial(view.table.sort, key)))
        view.table.sort("result_id")
        await _rest(app)
        figures += await _under_writes(store, seconds)
        figures.append(Figure("memory, peak resident", _peak_mb(), "MB", 200))
    return figures


async def _cpu(app: AsrprofApp, name: str, action: Callable[[], object]) -> Figure:
    """CPU time of an action, reading and painting included."""
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        action()
        await _rest(app)
        times.append(1e3 * (time.process_time() - start))
    return Figure(f"{name}, CPU", statistics.median(times), "ms", 100)


async def _under_writes(store: Path, seconds: float) -> list[Figure]:
    """How the app keeps up while another process stores results."""
    command = [sys.executable, "-m", "benchmarks.tui.writer", str(store)]
    writer = subprocess.Popen(
        [*command, str(WRITES_PER_S), str(seconds + 1)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    await asyncio.to_thread(writer.stdout.readline)  # It has begun.
    lags = []
    begin, cpu = time.monotonic(), time.process_time()
    while (now := time.monotonic()) < begin + seconds:
        await asyncio.sleep(TICK_S)
        lags.append(1e3 * (time.monotonic() - now - TICK_S))
    share = 100 * (time.process_time() - cpu) / (time.monotonic() - begin)
    wrote, _ = await asyncio.to_thread(writer.communicate)
    rate = int(wrote.split()[-1]) / (seconds + 1)
    lags.sort()
    return [
        Figure(f"loop lag at {rate:.0f} writes/s, p95", lags[int(0.95 * len(lags))], "ms", 25),
        Figure(f"share of a core at {rate:.0f} writes/s", share, "%", 30),
    ]


async def _rest(app: AsrprofApp, condition: Callable[[], bool] = lambda: True) -> None:
    """Waits until every request is answered and painted."""
    end = time.monotonic() + SETTLE_TIMEOUT_S
    quiet = 0
    while quiet < 3:
        if time.monotonic() > end:
            raise RuntimeError("the app did not come to rest")
        await asyncio.sleep(0.02)  # More than one frame.
        quiet = quiet + 1 if condition() and app.reader.idle else 0


def _peak_mb() -> float:
    """Peak resident memory of this program.

    What getrusage() says includes the process that started this one, up to its start.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1e3
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


if __name__ == "__main__":
    found = asyncio.run(measure(Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])))
    print(json.dumps([asdict(figure) for figure in found]))
