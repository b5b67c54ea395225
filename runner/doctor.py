"""What this machine can measure, what it cannot, why, and what to change.

Nothing is loaded to find out: torch is judged by its metadata, and no packet leaves the machine
unless the hub is asked for.
"""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from runner.catalogue.engines import ENGINES, installed
from runner.catalogue.extras import install_line
from runner.docker_engine import Engine, EngineError, connect_from_environment
from runner.measure.energy.discover import Discovery, discover
from runner.measure.environment import (
    read_container,
    read_cpu,
    read_memory_bytes,
    read_virtualization,
)
from runner.measure.nvml import Boards, open_nvml
from store.mounts import MOUNTINFO, mount_of

State = Literal["ok", "missing", "limited"]

LOW_DISK_BYTES = 5 * 2**30
"""Less free space than this does not hold a large model."""

HUB_TIMEOUT_S = 3.0
DOCKER_TIMEOUT_S = 1


@dataclass(frozen=True)
class Check:
    """One thing examined."""

    name: str
    state: State
    """``ok``, ``limited`` (works in part) or ``missing``."""
    detail: str
    remedy: str | None = None
    """What to change, or None."""


@dataclass(frozen=True)
class Report:
    """Every check, in the order to print them."""

    checks: tuple[Check, ...]


def examine(
    *,
    store_path: Path | None = None,
    check_hub: bool = False,
    boards: Boards | None = None,
    find_energy: Callable[..., Discovery] = discover,
    version: Callable[[str], str] = importlib.metadata.version,
    environ: Mapping[str, str] | None = None,
    ask_docker: Callable[[], tuple[str, list[str]]] | None = None,
    connect_hub: Callable[[], None] | None = None,
    proc_root: Path = Path("/proc"),
    sysfs_root: Path = Path("/sys"),
    container_root: Path = Path("/"),
    home: Path | None = None,
) -> Report:
    """Examines this machine in under two seconds; sends nothing unless ``check_hub``.

    Args:
        store_path: The store file; ``ASRPROF_STORE`` or ``results/asrprof.db`` when None.
        check_hub: Open a connection to the Hugging Face hub.
        boards: NVML's boards; opened when None.
        find_energy: Finds energy sources, as `discover`.
        version: Gives the version of an installed distribution.
        environ: Environment variables, by default `os.environ`.
        ask_docker: Gives the engine's version and the runner images it has, or raises an
            `EngineError`.
        connect_hub: Connects to the hub or raises `OSError`.
        proc_root: Where procfs is mounted.
        sysfs_root: Where sysfs is mounted.
        container_root: Where container engines leave their marker files.
        home: The user's home.
    """
    variables = os.environ if environ is None else environ
    found = open_nvml() if boards is None else boards
    folder = Path.home() if home is None else home
    checks = [
        _cpu(variables, proc_root, sysfs_root, container_root),
        _memory(proc_root),
        *_gpus(found, variables),
        _torch(found, version),
        *_engines(version),
        *_energy(found, find_energy, sysfs_root),
        _hub(variables, check_hub, connect_hub or _connect_hub),
        _token(variables, folder),
        _docker(ask_docker or _ask_docker),
        _espeak(variables),
        _store(store_path or Path(variables.get("ASRPROF_STORE", "results/asrprof.db"))),
        _cache(variables, folder),
    ]
    return Report(tuple(checks))


def _cpu(
    environ: Mapping[str, str], proc_root: Path, sysfs_root: Path, container_root: Path
) -> Check:
    cpu = read_cpu(proc_root, sysfs_root)
    words = [cpu.model, f"{cpu.physical_cores or '?'} cores, {cpu.logical_cores} threads"]
    remedies: list[str] = []
    state: State = "ok"
    if cpu.affinity < cpu.logical_cores:
        words.append(f"{cpu.affinity} threads usable here")
    if cpu.governor is not None:
        words.append(f"governor {cpu.governor}")
        if cpu.governor != "performance":
            state = "limited"
            remedies.append("sudo cpupower frequency-set -g performance steadies latencies")
    virtual = read_virtualization(proc_root, sysfs_root)
    if virtual is not None:
        state = "limited"
        words.append(f"virtual machine ({virtual})")
        remedies.append("neighbours disturb a virtual machine; the stable flag shows it")
    image = read_container(environ, container_root)
    if image is not None:
        words.append(f"container ({image})")
    return Check("CPU", state, ", ".join(words), "; ".join(remedies) or None)


def _memory(proc_root: Path) -> Check:
    return Check("memory", "ok", f"{read_memory_bytes(proc_root) / 2**30:.1f} GiB")


def _gpus(boards: Boards, environ: Mapping[str, str]) -> list[Check]:
    if not boards.gpus:
        return [Check("GPU", "missing", boards.reason or "no board", boards.remedy)]
    checks: list[Check] = []
    for number, gpu in enumerate(boards.gpus):
        memory, limit = gpu.memory_bytes(), gpu.enforced_limit_w()
        words = [gpu.name]
        if memory is not None:
            words.append(f"{memory / 2**30:.0f} GiB")
        if limit is not None:
            words.append(f"{limit:.0f} W limit")
        words.append(f"driver {boards.driver}, CUDA up to {boards.cuda}")
        others = len(gpu.processes() or ())
        if others:
            words.append(f"{others} processes on it")
        checks.append(
            Check(
                f"GPU {number}",
                "limited" if others else "ok",
                ", ".join(words),
                "other processes on the board disturb time and refuse energy" if others else None,
            )
        )
    visible = environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None and not visible.strip(" -1"):
        checks.append(
            Check(
                "GPU use",
                "limited",
                f'CUDA_VISIBLE_DEVICES="{visible}" hides every board',
                "unset CUDA_VISIBLE_DEVICES",
            )
        )
    return checks


def _torch(boards: Boards, version: Callable[[str], str]) -> Check:
    try:
        text = version("torch")
    except importlib.metadata.PackageNotFoundError:
        return Check(
            "torch", "missing", "not installed", "pip install torch (or run in a container)"
        )
    # Wheels of the CPU index carry "+cpu"; PyPI's for Linux x86 carry CUDA and no suffix.
    built_for_cpu = text.endswith("+cpu") or sys.platform == "darwin"
    if boards.gpus and built_for_cpu:
        return Check(
            "torch",
            "limited",
            f"{text}: a CPU build, but there is a GPU",
            "pip install --force-reinstall torch --index-url https://download.pytorch.org/whl/cu130",
        )
    return Check("torch", "ok", f"{text} ({'CPU' if built_for_cpu else 'CUDA'} build)")


def _engines(version: Callable[[str], str]) -> list[Check]:
    """Those that asrprof does not bring along."""
    checks: list[Check] = []
    for name, entry in ENGINES.items():
        if entry.extra is None:
            continue
        library = installed(entry, version)
        what = f"engine: {name}"
        if library is None:
            runs = f"not installed; it {entry.about}"
            checks.append(Check(what, "missing", runs, install_line(entry.extra)))
        else:
            checks.append(Check(what, "ok", f"{library}; it {entry.about}"))
    return checks


_METER = "only a meter measures: RAPL of a machine that is not virtual, or an NVIDIA GPU"


def _energy(boards: Boards, find_energy: Callable[..., Discovery], sysfs_root: Path) -> list[Check]:
    device = "cuda" if boards.gpus else "cpu"
    discovery = find_energy(device, boards=boards, sysfs_root=sysfs_root)
    checks = [
        Check(
            f"energy: {found.source.name}",
            "limited" if found.source.label == "estimated" else "ok",
            ", ".join(
                part
                for part in (
                    found.source.label,
                    found.source.scope,
                    None
                    if found.available.refresh_s is None
                    else f"refresh {found.available.refresh_s * 1000:.3g} ms",
                    found.available.note,
                )
                if part
            ),
            _METER if found.source.label == "estimated" else None,
        )
        for found in discovery.found
    ]
    checks += [
        Check(
            f"energy: {gone.source.name}",
            "missing",
            gone.unavailable.reason,
            gone.unavailable.remedy,
        )
        for gone in discovery.missing
    ]
    return checks


def _hub(environ: Mapping[str, str], ask: bool, connect: Callable[[], None]) -> Check:
    if environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        return Check(
            "hub",
            "limited",
            "HF_HUB_OFFLINE is set: only cached models, and random weights",
            "unset HF_HUB_OFFLINE to download",
        )
    if not ask:
        return Check("hub", "ok", "not asked whether it answers; `asrprof doctor --hub` asks")
    try:
        connect()
    except OSError as error:
        return Check(
            "hub",
            "missing",
            f"huggingface.co does not answer: {error}",
            'use cached models, "weights": "random" or pocketsphinx',
        )
    return Check("hub", "ok", "huggingface.co answers")


def _token(environ: Mapping[str, str], home: Path) -> Check:
    default = Path(environ.get("HF_HOME", home / ".cache" / "huggingface")) / "token"
    if environ.get("HF_TOKEN") or Path(environ.get("HF_TOKEN_PATH", default)).is_file():
        return Check("hub token", "ok", "present")
    return Check(
        "hub token",
        "limited",
        "none: gated models and data sets (GigaSpeech) cannot be loaded",
        "accept the terms on huggingface.co, then: hf auth login",
    )


def _docker(ask: Callable[[], tuple[str, list[str]]]) -> Check:
    try:
        engine, images = ask()
    except EngineError as error:
        return Check(
            "Docker",
            "missing",
            str(error),
            "start the Docker engine and join the group `docker`, or use target `local`",
        )
    if not images:
        return Check(
            "Docker",
            "limited",
            f"engine {engine}, no image of the runner",
            "just images",
        )
    return Check("Docker", "ok", f"engine {engine}, {', '.join(images)}")


def _espeak(environ: Mapping[str, str]) -> Check:
    path = shutil.which("espeak-ng", path=environ.get("PATH"))
    if path is None:
        return Check(
            "espeak-ng",
            "limited",
            "not found; only training synthetic checkpoints needs it",
            "apt install espeak-ng",
        )
    return Check("espeak-ng", "ok", path)


def _store(path: Path, mountinfo: Path = MOUNTINFO) -> Check:
    mount = mount_of(path.expanduser().absolute(), mountinfo)
    if mount is not None and not mount.keeps_wal_safe:
        words = f"{path} lies on {mount.filesystem}, where several processes would damage it"
        return Check("store", "missing", words, "give --store or set ASRPROF_STORE: a local disk")
    if mount is not None and not mount.known_local:
        words = f"{path} lies on {mount.filesystem}, which may be no local disk"
        return Check("store", "limited", words, "keep it on one that is: others may damage it")
    if path.exists():
        usable = os.access(path, os.R_OK | os.W_OK) and os.access(path.parent, os.W_OK)
        return _writable("store", path, usable, "exists")
    try:  # Some folders, as /proc, take no files whatever their rights say.
        tempfile.TemporaryFile(dir=_existing(path.parent)).close()
    except OSError:
        return _writable("store", path, usable=False, words="")
    return _writable("store", path, usable=True, words="will be made")


def _writable(name: str, path: Path, usable: bool, words: str) -> Check:
    if usable:
        return Check(name, "ok", f"{path} {words}")
    return Check(name, "missing", f"{path} is not writable", "give --store or set ASRPROF_STORE")


def _cache(environ: Mapping[str, str], home: Path) -> Check:
    path = Path(environ.get("ASRPROF_CACHE", home / ".cache" / "asrprof"))
    folder = _existing(path)
    try:
        with tempfile.TemporaryFile(dir=folder):
            free = shutil.disk_usage(folder).free
    except OSError as error:
        return Check(
            "cache", "missing", f"{path} is not writable ({error.strerror})", "set ASRPROF_CACHE"
        )
    detail = f"{path}, {free / 2**30:.1f} GiB free"
    if free < LOW_DISK_BYTES:
        return Check("cache", "limited", detail, "free some disk, or set ASRPROF_CACHE elsewhere")
    return Check("cache", "ok", detail)


def _existing(path: Path) -> Path:
    """The nearest folder above that exists."""
    absolute = path.absolute()
    return next((p for p in (absolute, *absolute.parents) if p.is_dir()), Path("/"))


def _connect_hub() -> None:
    with socket.create_connection(("huggingface.co", 443), timeout=HUB_TIMEOUT_S):
        return


def _ask_docker() -> tuple[str, list[str]]:
    """The engine's version and the runner images that it has."""
    with Engine(partial(connect_from_environment, DOCKER_TIMEOUT_S)).asked() as client:
        try:
            version = str(client.version()["Version"])
            images = client.api.images(name="asrprof-runner")
        finally:
            client.close()
    tags = {tag for image in images for tag in image.get("RepoTags") or ()}
    return version, sorted(tag for tag in tags if tag.rpartition(":")[2] in ("cpu", "cuda"))
