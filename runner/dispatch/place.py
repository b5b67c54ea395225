"""How containers of an engine see this machine, found out by starting one."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from runner.dispatch.gpu_request import GpuDriver, gpu_request, why_no_gpu
from runner.dispatch.launcher import LaunchError
from runner.docker_engine import Engine, EngineError, short
from runner.preflight import Sight, read_sight

IMAGE_USER = 10001
"""The user of the image, for a dispatcher that runs as root: containers never do."""
PROBE, NONCE = Path("/probe"), "nonce"
PREFLIGHT_S = 120
"""A cold start from a slow disk included."""
LOCKED_DOWN: dict[str, Any] = {
    "init": True,  # Without it a killed Python is reported as exit code 0 and SIGTERM is ignored.
    "read_only": True,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
    "tmpfs": {"/tmp": "mode=1777"},
}

Mode = Literal["direct", "spool", "remote"]


@dataclass(frozen=True)
class Place:
    """How a runner in a container gets at this machine's files."""

    mode: Mode
    """``direct``: it writes to the store itself. ``spool``: it shares this machine's files, but the
    store is not safe to share; it writes a spool. ``remote``: it shares nothing; files go in and
    the spool comes out through the engine."""
    user: str
    """``uid:gid`` that containers run as."""
    gpus: tuple[str, ...] = ()
    """UUIDs of the boards that containers can be given."""
    gpu_driver: GpuDriver = ""


def find_place(
    engine: Engine, image: str, store_path: Path, *, cuda: bool, labels: dict[str, str]
) -> Place:
    """Starts a container for a moment and asks it what it sees.

    Args:
        engine: The engine.
        image: The image of the runner.
        store_path: The store's real path; its folder exists.
        cuda: Whether it must see a GPU.
        labels: Labels of the container.

    Raises:
        LaunchError: No container can be started, or it sees no GPU.
        EngineError: The engine does not answer, or it refuses for a reason of its own.
    """
    with engine.asked() as client:
        info = client.info()
    rootless = any("rootless" in option for option in info.get("SecurityOptions") or ())
    user = choose_user(store_path.parent, rootless=rootless)
    with _nonce(store_path.parent) as (folder, content):
        drivers: tuple[GpuDriver, ...] = ("",)
        if cuda and info.get("CDISpecDirs"):
            drivers = ("", "cdi")
        failure = ""
        for driver in drivers:
            try:
                sight = _ask(engine, image, folder, store_path, user, labels, cuda, driver)
            except EngineError as error:
                failure = str(error)
                if not cuda:
                    raise
                continue
            if cuda and not sight.gpus:
                failure = sight.gpu_reason or "its NVML shows no board"
                continue
            return Place(mode_of(sight, content), user, sight.gpus, driver)
    raise LaunchError(why_no_gpu(failure, local=engine.is_local))


def choose_user(folder: Path, *, rootless: bool) -> str:
    """``uid:gid`` for containers that write into ``folder``: never root of this machine."""
    if not hasattr(os, "getuid"):
        return f"{IMAGE_USER}:{IMAGE_USER}"
    if rootless:
        return "0:0"  # Of its user namespace: outside it is the one who runs the engine.
    if os.getuid() != 0:
        return f"{os.getuid()}:{os.getgid()}"
    owner = folder.stat()
    if owner.st_uid != 0:
        return f"{owner.st_uid}:{owner.st_gid}"
    return f"{IMAGE_USER}:{IMAGE_USER}"


def mode_of(sight: Sight, content: str) -> Mode:
    """How a runner gets at files, from what a container saw.

    Args:
        sight: What it saw.
        content: What stands in the file that was put there for it.
    """
    if sight.nonce != content:
        return "remote"
    return "direct" if sight.wal_safe and sight.writable else "spool"


@contextmanager
def _nonce(folder: Path) -> Iterator[tuple[Path, str]]:
    """A folder with a file that only a container on this very file system can read."""
    content = secrets.token_hex(16)
    # A folder of its own, which any user may read: the store's may be closed to others.
    with tempfile.TemporaryDirectory(prefix=".asrprof-", dir=folder) as made:
        (Path(made) / NONCE).write_text(content, encoding="ascii")
        (Path(made) / NONCE).chmod(0o644)
        Path(made).chmod(0o755)
        yield Path(made), content


def _ask(
    engine: Engine,
    image: str,
    nonce: Path,
    store_path: Path,
    user: str,
    labels: dict[str, str],
    cuda: bool,
    driver: GpuDriver,
) -> Sight:
    from docker.types import Mount

    folder = str(store_path.parent)
    probe = str(PROBE)
    options: dict[str, Any] = {
        **LOCKED_DOWN,
        "user": user,
        "labels": {**labels, "io.asrprof.kind": "preflight"},
        "entrypoint": ["python", "-m", "runner.preflight"],
        "command": [str(PROBE / NONCE), str(store_path)],
        "network_mode": "none",
        "pids_limit": 256,
        **(gpu_request((), driver) if cuda else {}),
    }
    with engine.asked() as client:
        try:
            container = client.containers.create(
                image,
                mounts=[
                    Mount(folder, folder, type="bind"),
                    Mount(probe, str(nonce), type="bind", read_only=True),
                ],
                **options,
            )
        except Exception as error:
            # A mount fails where a bind would make an empty folder: the files are elsewhere.
            if "bind source path does not exist" not in str(error):
                raise
            container = client.containers.create(image, **options)
        try:
            container.start()
            end = container.wait(timeout=PREFLIGHT_S)
            lines = container.logs(stdout=True, stderr=False).decode().splitlines()
            if end["StatusCode"] != 0 or not lines:
                said = container.logs(tail=1).decode("utf-8", "replace").strip()
                raise EngineError(
                    f"the image {image} does not start (exit code {end['StatusCode']}): "
                    f"{said[:200] or short(container.id)}"
                )
            try:
                return read_sight(lines[-1])
            except ValueError as error:
                raise EngineError(
                    f"the image {image} is another asrprof's: build it again"
                ) from error
        finally:
            with suppress(Exception):
                container.remove(force=True)
