"""How the app was started."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import UserError
from store import Clock, utc_now
from tui.machine import Sampler

if TYPE_CHECKING:
    from runner.dispatch.launcher import Launcher
    from runner.doctor import Check
    from tui.fleet import FleetSource


def examine_machine(store: Path) -> tuple[Check, ...]:
    """What `asrprof doctor` finds; imported when it is asked, in a thread."""
    from runner.dispatch.catalogue import launcher_of
    from runner.doctor import Check, examine

    checks = examine(store_path=store).checks
    if not any(check.name == "Docker" and check.state == "ok" for check in checks):
        return checks
    # An engine alone starts nothing: the image must be there too.
    try:
        launcher_of("docker-cpu", store).check()
    except UserError as error:
        return (*checks, Check("docker-cpu", "limited", str(error)))
    return (*checks, Check("docker-cpu", "ok", "its image is there"))


def all_launchers(store: Path) -> Mapping[str, Launcher]:
    """One launcher for each target; imported when the dispatcher starts, in its thread."""
    from runner.dispatch.catalogue import launchers

    return launchers(store)


def cluster_source(store: Path) -> FleetSource:
    """Asks the Ray cluster; imported when the tab Fleet is opened, in its thread."""
    from tui.fleet import ClusterSource

    return ClusterSource(store)


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the command line and the user's settings say."""

    store: Path
    readonly: bool = False
    """Look, change nothing."""
    dispatch: bool = True
    """Run queued jobs from within the app."""
    parallel: int = 1
    """Jobs to run at once."""
    ascii: bool = False
    """Draw with ASCII only."""
    theme: str | None = None
    keymap: Mapping[str, str] = field(default_factory=dict)
    """Keys of actions that the user has changed, by the action's id."""
    configs: Path = field(default_factory=Path.cwd)
    """The folder whose configs are listed."""
    clock: Clock = utc_now
    examine: Callable[[Path], tuple[Check, ...]] = examine_machine
    """What this machine can measure, for a store."""
    sampler: Callable[[], Sampler] = Sampler
    """Reads what the machine does while a job runs."""
    launchers: Callable[[Path], Mapping[str, Launcher]] = all_launchers
    fleet: Callable[[Path], FleetSource] = cluster_source
    """Asks about the nodes of the fleet."""
    poll_s: float = 0.25
    """Between two looks at the store."""
