"""The targets that a job can name, and the launcher of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import partial
from pathlib import Path

from runner.dispatch.container import ContainerLauncher
from runner.dispatch.fleet.launcher import RayLauncher
from runner.dispatch.launcher import Launcher
from runner.dispatch.process import ProcessLauncher
from runner.errors import UserError

TARGETS: Mapping[str, Callable[[Path], Launcher]] = {
    "local": ProcessLauncher,  # a process of this machine
    "docker-cpu": partial(ContainerLauncher, flavour="cpu"),
    "docker-cuda": partial(ContainerLauncher, flavour="cuda"),
    "ray": RayLauncher,  # nodes of a fleet
}
"""Each takes the path of the store, and must neither connect nor fail before it is used."""


def check_target(name: str) -> None:
    """Refuses an unknown target.

    Raises:
        UserError: It is unknown; the message names the nearest.
    """
    if name not in TARGETS:
        near = get_close_matches(name[:100], TARGETS, n=1, cutoff=0.5)
        hint = f'did you mean "{near[0]}"?' if near else f"known: {', '.join(TARGETS)}"
        raise UserError(f'unknown target "{name[:60]}"; {hint}')


def launcher_of(target: str, store_path: Path) -> Launcher:
    """The launcher of a target.

    Raises:
        UserError: There is no such target.
    """
    check_target(target)
    return TARGETS[target](store_path)


def launchers(store_path: Path) -> dict[str, Launcher]:
    """One launcher for each target, for a dispatcher."""
    return {name: make(store_path) for name, make in TARGETS.items()}
