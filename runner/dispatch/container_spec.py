"""What a runner's container is made of: its command, its mounts, its limits."""

from __future__ import annotations

import os
import re
import socket
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from runner.dispatch.gpu_request import gpu_request
from runner.dispatch.launcher import LaunchError
from runner.dispatch.needs import Needs
from runner.dispatch.place import LOCKED_DOWN, Place

MOST_FILES = 10_000
"""Files of a folder that are looked at before it is given to a container."""
PIDS = 4096
"""Threads count; torch starts some for each core, and fails below ("Thread creation failed")."""
SHARED_MEMORY = "1g"
"""The engine's default, 64 MB, is too little for tensors that processes share."""
MEMORY_SHARE = 0.9
"""Of the machine's memory: beyond, the kernel might end something else instead."""
HUB_VOLUME, CACHE_VOLUME = "asrprof-hub", "asrprof-cache"
REMOTE_SPOOL = Path("/spool")
PASSED_ON = (
    *("HF_TOKEN", "HF_ENDPOINT"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
)
"""Environment variables that a container gets which downloads."""
POWERCAP = Path("/sys/devices/virtual/powercap")
_OWN = ("/", "/asrprof", "/bin", "/dev", "/etc", "/lib", "/proc", "/sbin", "/sys", "/tmp", "/usr")
"""Folders that a container needs for itself."""


@dataclass(frozen=True)
class Settings:
    """What users set for all containers, in environment variables."""

    image: str
    cpus: str | None
    """``ASRPROF_CPUS``: the CPUs to pin to, as ``0-3,6``."""
    memory: str | None
    """``ASRPROF_MEMORY``: the limit, as ``12g``."""
    network: bool | None
    """``ASRPROF_NETWORK``: ``on`` or ``off``; by default on only where something must be
    downloaded."""


def read_settings(image: str, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of this environment.

    Raises:
        LaunchError: A variable cannot be understood.
    """
    cpus, memory = environ.get("ASRPROF_CPUS") or None, environ.get("ASRPROF_MEMORY") or None
    if cpus is not None and not re.fullmatch(r"\d+(-\d+)?(,\d+(-\d+)?)*", cpus):
        raise LaunchError(f'ASRPROF_CPUS="{cpus[:40]}": write CPU numbers such as 0-3,6')
    if memory is not None and not re.fullmatch(r"\d+[bkmgBKMG]?", memory):
        raise LaunchError(f'ASRPROF_MEMORY="{memory[:40]}": write a size such as 12g')
    switch = environ.get("ASRPROF_NETWORK", "auto")
    if switch not in ("on", "off", "auto"):
        raise LaunchError(f'ASRPROF_NETWORK="{switch[:40]}": write on, off or auto')
    return Settings(image, cpus, memory, {"on": True, "off": False}.get(switch))


@dataclass(frozen=True)
class Folders:
    """Where a job's container finds things; the same paths inside as outside, where it can be."""

    store: Path
    """The store's real path."""
    spool: Path
    """The job's spool folder on this machine."""
    work: Path
    """Where relative paths of the config start."""


def container_options(
    *,
    name: str,
    labels: Mapping[str, str],
    command: list[str],
    place: Place,
    needs: Needs,
    folders: Folders,
    settings: Settings,
    info: Mapping[str, Any],
    environ: Mapping[str, str] = os.environ,
) -> dict[str, Any]:
    """Arguments for the SDK's ``containers.create``.

    Args:
        name: The container's name.
        labels: Its labels.
        command: What it runs.
        place: What containers see of this machine.
        needs: What the benchmark needs.
        folders: Where things are.
        settings: What the user has set.
        info: What the engine says of its machine.
        environ: Environment variables, for the hub's token.

    Raises:
        LaunchError: A folder cannot be had in a container, or a download is needed that the
            settings forbid.
    """
    mounts, cache, hub_cache = _mounts(place, needs, folders)
    network = bool(needs.uses_hub if place.mode == "remote" else needs.downloads)
    if settings.network is not None:
        if network and not settings.network and place.mode != "remote":
            raise LaunchError(
                f"{', '.join(needs.downloads)} must be downloaded, and ASRPROF_NETWORK is off"
            )
        network = settings.network
    environment = {
        "ASRPROF_CACHE": cache,
        "ASRPROF_IMAGE": settings.image,
        "HF_HUB_CACHE": hub_cache,
    }
    if not network:
        environment["HF_HUB_OFFLINE"] = "1"
    else:
        environment |= {name: environ[name] for name in PASSED_ON if environ.get(name)}
    memory: Any = settings.memory or int(info["MemTotal"] * MEMORY_SHARE)
    options: dict[str, Any] = {
        **LOCKED_DOWN,
        "name": name,
        "labels": dict(labels),
        "command": command,
        "user": place.user,
        "working_dir": str(folders.work),
        "environment": environment,
        "mounts": mounts,
        "network_mode": "bridge" if network else "none",
        # The machine's, because results name the machine that they were measured on.
        "hostname": (info["Name"] if place.mode == "remote" else socket.gethostname())[:63],
        "pids_limit": PIDS,
        "mem_limit": memory,
        "memswap_limit": memory,  # No swap: a figure from swapped memory means nothing.
        "shm_size": SHARED_MEMORY,
        # The engine's own choice may rotate files away, or keep none.
        "log_config": {"Type": "local", "Config": {"max-size": "100m", "max-file": "3"}},
        "group_add": [],
    }
    cpus = settings.cpus or _own_cpus(place, info)
    if cpus is not None:
        options["cpuset_cpus"] = cpus
    if place.mode != "remote" and POWERCAP.is_dir():
        options["mounts"].append(_bind(POWERCAP, Path("/host/powercap"), read_only=True))
        options["group_add"] = sorted(_powercap_groups())
    if place.gpus:
        options |= gpu_request(place.gpus, place.gpu_driver)
    return options


def _mounts(place: Place, needs: Needs, folders: Folders) -> tuple[list[Any], str, str]:
    """The mounts, the cache folder and the hub's cache folder inside."""
    for path in (*needs.folders, folders.store.parent):
        if str(path) in _OWN or path.is_relative_to("/asrprof"):
            raise LaunchError(f"{path} cannot be had in a container: use a folder within it")
    if needs.own_cache and (place.mode == "remote" or not _may_write(needs.cache, place.user)):
        raise LaunchError(
            f"data.cache {needs.cache} cannot be written by a container there: leave data.cache out"
        )
    if place.mode == "remote":
        return (
            [
                _volume(None, REMOTE_SPOOL),
                *(_volume(None, path) for path in needs.folders),
                _volume(CACHE_VOLUME, Path("/cache")),
                _volume(HUB_VOLUME, Path("/hub")),
            ],
            "/cache",
            "/hub",
        )
    for path in needs.folders:
        _check_readable(path, place.user)
    shared = folders.store.parent if place.mode == "direct" else folders.spool
    mounts = [_bind(shared, shared)]
    mounts += [_bind(path, path, read_only=True) for path in needs.folders if path.is_dir()]
    if _may_write(needs.cache, place.user):
        mounts.append(_bind(needs.cache, needs.cache))
        cache = str(needs.cache)
    else:
        mounts.append(_volume(CACHE_VOLUME, Path("/cache")))
        if needs.kept is not None:
            inside = Path("/cache/hub") / needs.kept.name
            mounts.append(_bind(needs.kept, inside, read_only=True))
        cache = "/cache"
    if needs.downloads and not _may_write(needs.hub_cache, place.user):
        mounts.append(_volume(HUB_VOLUME, Path("/hub")))
        return mounts, cache, "/hub"
    if needs.uses_hub and needs.hub_cache.is_dir():
        read_only = not needs.downloads
        mounts.append(_bind(needs.hub_cache, needs.hub_cache, read_only=read_only))
    return mounts, cache, str(needs.hub_cache)


def _bind(source: Path, target: Path, *, read_only: bool = False) -> Any:
    from docker.types import Mount

    # A mount, not a bind: it fails where the source is missing, instead of making an empty folder.
    return Mount(str(target), str(source), type="bind", read_only=read_only)


def _volume(name: str | None, target: Path) -> Any:
    from docker.types import Mount

    return Mount(str(target), name, type="volume")


def _may_write(folder: Path, user: str) -> bool:
    """Whether containers can write to a folder, which is made if it can be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        owner = str(folder.stat().st_uid)
    except OSError:
        return False
    # A rootless engine's root is the user who runs it.
    return owner == user.partition(":")[0] or user == "0:0"


def _check_readable(folder: Path, user: str) -> None:
    """Refuses a folder that root may read, who started all this, but its container may not.

    Checkpoints are such folders: their weights are saved for their owner alone.
    """
    uid = int(user.partition(":")[0])
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or uid == 0:
        return
    for path in islice((folder, *folder.rglob("*")), MOST_FILES):
        try:
            status = path.stat()
        except OSError:
            continue
        if status.st_uid != uid and not status.st_mode & stat.S_IROTH:
            raise LaunchError(
                f"{path} cannot be read by the container's user {uid}: chmod -R a+rX {folder}"
            )


def _own_cpus(place: Place, info: Mapping[str, Any]) -> str | None:
    """The CPUs that this process may use, so that a container is measured on the same ones."""
    if place.mode == "remote" or not hasattr(os, "sched_getaffinity"):
        return None
    cpus = sorted(os.sched_getaffinity(0))
    return ",".join(map(str, cpus)) if cpus[-1] < int(info.get("NCPU") or 0) else None


def _powercap_groups() -> set[int]:
    """Groups that may read the energy counters, where someone has allowed one to."""
    groups = set()
    for path in POWERCAP.glob("*/*/energy_uj"):
        status = path.stat()
        if status.st_mode & 0o040 and status.st_gid != 0:
            groups.add(status.st_gid)
    return groups
