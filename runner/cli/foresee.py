"""What can be told of a benchmark before it runs: what cannot run here, and how long it takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from report.text import plural
from runner.cli.plain import cell
from runner.cli.table import grid_table
from runner.config import Benchmark
from runner.estimate import duration, estimate
from runner.grid import Case, expand
from store import Store

LOCAL = "local"
"""The target that is this machine."""


def foresee(benchmark: Benchmark, path: Path, target: str) -> None:
    """Prints the cases, which of them cannot run here, and how long they will take.

    Args:
        benchmark: The benchmark.
        path: The store.
        target: Where it would run.

    Raises:
        UserError: The target is unknown, or the speech is not there.
    """
    if target != LOCAL:
        # The launchers take a moment that a run here should not wait for.
        from runner.dispatch.catalogue import check_target

        check_target(target)
    check_speech(benchmark)
    cases, console = expand(benchmark), Console()
    console.print(grid_table(cases))
    if target == LOCAL:
        for line in (*missing_devices(cases), *refused_threads(cases)):
            console.print(cell(line, "yellow"))
        console.print(cell(how_long(benchmark, cases, path), "dim"))


def check_speech(benchmark: Benchmark) -> None:
    """Checks that a folder of speech is there.

    Raises:
        UserError: There is no such folder, or no manifest in it.
    """
    if benchmark.data.path is not None:
        # numpy and soundfile take a moment that no other command should wait for.
        from runner.clips.folder import find_speech

        data = benchmark.data
        find_speech(Path(data.path or ""), data.format, data.split)


def missing_devices(cases: Sequence[Case]) -> list[str]:
    """A line for each device of the cases that this machine does not have."""
    wanted = Counter(case.device for case in cases if case.device != "cpu")
    if not wanted:
        return []
    from runner.measure.nvml import NoGpu, open_nvml

    boards = open_nvml()
    found = {device: boards.find(device) for device in wanted}
    return [
        f"{plural(wanted[device], 'case')} on {device} will be refused here: {board.reason}"
        for device, board in found.items()
        if isinstance(board, NoGpu)
    ]


def refused_threads(cases: Sequence[Case]) -> list[str]:
    """A line for the cases with more threads than this machine has cores for."""
    wanted = [case.threads for case in cases if case.threads is not None]
    if not wanted:
        return []
    from runner.measure.environment import read_cpu

    cores = read_cpu().affinity
    return [
        f"{plural(count, 'case')} with {threads} threads will be refused here: a process may use "
        f"{plural(cores, 'core')}"
        for threads, count in sorted(Counter(wanted).items())
        if threads > cores
    ]


def how_long(benchmark: Benchmark, cases: Sequence[Case], store: Path) -> str:
    """A line that says how long a run will take, and how well that is known.

    Args:
        benchmark: The benchmark.
        cases: Its cases.
        store: The results file, which need not exist: what ran before tells best.
    """
    took_s: dict[str, float] = {}
    if store.exists():
        with Store.open_to_read(store) as opened:
            took_s = opened.case_seconds()
    found = estimate(benchmark, cases, took_s)
    source = "guessed from the models' sizes, to a factor of three"
    if found.known == found.cases:
        source = "as long as they took before"
    elif found.known:
        source = f"{found.known} of {plural(found.cases, 'case')} as before, the others guessed"
    return f"about {duration(found.seconds)} ({source})"
