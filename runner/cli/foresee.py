"""What can be told of a benchmark before it runs: what cannot run here, and how long it takes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from rich.console import Console

from report.text import plural
from runner.budget import fit
from runner.catalogue.models import CATALOGUE, REPOSITORY
from runner.cli.plain import cell
from runner.cli.table import grid_table
from runner.config import Benchmark, Data, Limits, Measure
from runner.estimate import Before, Estimate, as_now, duration, estimate, measured_otherwise
from runner.grid import Case, expand
from store import Store

LOCAL = "local"
"""The target that is this machine."""


def foresee(benchmark: Benchmark, path: Path, target: str, budget_s: float | None = None) -> None:
    """Prints the cases, which of them cannot run here, and how long they will take.

    Args:
        benchmark: The benchmark.
        path: The store.
        target: Where it would run.
        budget_s: Seconds that it may take; as long as it needs when None.

    Raises:
        UserError: The target is unknown, the speech is not there, or the budget is too short.
    """
    if target != LOCAL:
        # The launchers take a moment that a run here should not wait for.
        from runner.dispatch.catalogue import check_target

        check_target(target)
    check_speech(benchmark)
    cases, console = expand(benchmark), Console()
    plan = None if budget_s is None else fit(benchmark, cases, times_before(path), budget_s)
    if plan is not None:
        benchmark, cases = plan.benchmark, plan.cases
    console.print(grid_table(cases))
    for line in not_asked(cases):
        console.print(cell(line, "yellow"))
    if plan is not None:
        for line in plan.lines():
            console.print(cell(line))
    if target != LOCAL:
        for line in cannot_start(target, path):
            console.print(cell(line, "yellow"))
    else:
        for line in (*missing_devices(cases), *refused_threads(cases)):
            console.print(cell(line, "yellow"))
        if plan is None:
            console.print(cell(how_long(benchmark, cases, path), "dim"))
        else:
            console.print(cell(how_known(plan.estimate), "dim"))


def not_asked(cases: Sequence[Case]) -> list[str]:
    """A line for each model that only the hub knows, which a dry run does not ask."""
    names = {
        case.model.name: None
        for case in cases
        if case.model.server is None
        and case.model.name not in CATALOGUE
        and REPOSITORY.fullmatch(case.model.name)
    }
    found = []
    for name in names:
        near = get_close_matches(name, CATALOGUE, n=1, cutoff=0.8)
        hint = f'; did you mean "{near[0]}"?' if near else ""
        found.append(f"the hub was not asked whether there is {name}{hint}")
    return found


def cannot_start(target: str, path: Path) -> list[str]:
    """A line that says why a target cannot start runners now; none where it can.

    Args:
        target: A known one.
        path: The store.
    """
    from runner.dispatch.catalogue import launcher_of
    from runner.dispatch.launcher import LaunchError

    try:
        launcher_of(target, path).check()
    except LaunchError as error:
        return [f"{target} cannot start it now: {error}"]
    return []


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
    found = _by_before(benchmark, cases, times_before(store))
    return f"about {duration(found.seconds)} ({how_known(found)})"


def times_before(store: Path) -> dict[str, Before]:
    """What cases took before, by their keys; none where there is no store yet."""
    if not store.exists() or not store.stat().st_size:
        return {}
    with Store.open_to_read(store) as opened:
        return times_in(opened)


def foretell(benchmark: Benchmark, cases: Sequence[Case], store: Store) -> Estimate:
    """How long a benchmark will take.

    Args:
        benchmark: The benchmark.
        cases: Its cases.
        store: It knows what they took before.
    """
    return _by_before(benchmark, cases, times_in(store))


def _by_before(
    benchmark: Benchmark, cases: Sequence[Case], before: Mapping[str, Before]
) -> Estimate:
    took_s = as_now(benchmark, cases, before)
    return estimate(benchmark, cases, took_s, measured_otherwise(benchmark, before))


def times_in(store: Store) -> dict[str, Before]:
    """What the cases of a store took when they were last measured, by their keys."""
    times = store.case_times()
    kinds = {
        number: _measured(store, number) for number in {number for _, number in times.values()}
    }
    return {
        key: Before(seconds, *kind)
        for key, (seconds, number) in times.items()
        if (kind := kinds[number]) is not None
    }


def _measured(store: Store, benchmark_id: int) -> tuple[Limits, tuple[Measure, ...], Data] | None:
    """How a benchmark measured, and what; None for one of an asrprof that had other fields."""
    config = json.loads(store.benchmark(benchmark_id).config)
    try:
        limits = Limits.model_validate(config.get("limits") or {})
        data = Data.model_validate(config.get("data") or {})
    except ValueError:
        return None
    measures = config.get("measures") or Benchmark.model_fields["measures"].default
    return limits, tuple(measures), data


def how_known(found: Estimate) -> str:
    """What an estimate rests on, in words: how many cases are known from where."""
    new, same = found.cases - found.known, found.known - found.otherwise
    parts = (
        (same, "as long as {they} took before"),
        (found.otherwise, "by earlier runs with other limits, measures or speech"),
        (new, "not run before in this store: guessed from the models' sizes, to a factor of three"),
    )
    return "; ".join(
        f"{plural(count, 'case')} {words.format(they='it' if count == 1 else 'they')}"
        for count, words in parts
        if count
    )
