"""The Docker engine, as the launchers talk to it: one client, and errors in words.

The SDK raises its own errors, those of requests and those of the system; callers of this module
see three kinds only. The engine is found as the `docker` command finds it: ``DOCKER_HOST``, then
the context of ``DOCKER_CONTEXT`` or of the configuration.
"""

from __future__ import annotations

import importlib
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TIMEOUT_S = 10.0
"""For one answer of the engine."""


class EngineError(Exception):
    """The engine refused something; the message is its reason, on one line."""


class EngineGoneError(EngineError):
    """There is no engine, or it does not answer; the message says why and what to do."""


class NoSuchThingError(EngineError):
    """The engine does not have this container or image."""


class Engine:
    """A connection that is made when it is needed first."""

    def __init__(self, connect: Callable[[], Any] | None = None) -> None:
        """``connect`` gives a `docker.DockerClient`; by default as the environment says."""
        self._connect = connect or connect_from_environment
        self._client: Any = None
        self._identity: str | None = None

    @contextmanager
    def asked(self) -> Iterator[Any]:
        """The SDK's client; errors within the block become this module's.

        Raises:
            EngineGoneError: no engine answers.
            NoSuchThingError: a container or an image is not there.
            EngineError: anything else that the engine says.
        """
        try:
            if self._client is None:
                self._client = self._connect()
            yield self._client
        except EngineError:
            raise
        except Exception as error:
            raise translate(error) from error

    def identity(self) -> str:
        """What tells this engine from others."""
        if self._identity is None:
            with self.asked() as client:
                self._identity = str(client.info()["ID"])
        return self._identity

    @property
    def is_local(self) -> bool:
        """Whether it is asked over a socket of this machine, as far as its address says."""
        host = os.environ.get("DOCKER_HOST")
        if host:
            return host.startswith(("unix:", "npipe:"))
        return _context() in ("default", "rootless", "desktop-linux")


def connect_from_environment(timeout_s: float = TIMEOUT_S) -> Any:
    """A client of the SDK; its first question has been answered."""
    docker = importlib.import_module("docker")  # Not needed by the rest, and slow to import.
    return docker.from_env(timeout=timeout_s, use_ssh_client=True)


def translate(error: Exception) -> EngineError:
    """What an error of the SDK, of requests or of the system means here.

    Raises:
        Exception: ``error`` itself, where it is none of those.
    """
    docker = importlib.import_module("docker.errors")
    requests = importlib.import_module("requests.exceptions")
    said = " ".join(str(getattr(error, "explanation", None) or error).split())
    if isinstance(error, docker.NotFound):
        return NoSuchThingError(said)
    if isinstance(error, docker.APIError):
        return EngineError(said or type(error).__name__)
    gone = (docker.DockerException, requests.RequestException, OSError, ImportError)
    if isinstance(error, gone):
        return EngineGoneError(_why_gone(said, type(error).__name__))
    raise error


def _why_gone(said: str, kind: str) -> str:
    known = (
        ("paramiko", "an engine over ssh needs paramiko: pip install 'docker[ssh]'"),
        ("No module named 'docker'", "the Docker SDK is not installed: pip install docker"),
        ("PermissionError", "no permission to use the engine's socket: join the group `docker`"),
        ("FileNotFoundError", "no engine at its socket: start Docker, or set DOCKER_HOST"),
        ("ConnectionRefused", "the engine is not running: start Docker"),
        ("Connection aborted", "the engine has gone: start Docker"),
        ("Remote end closed", "the engine has gone: start Docker"),
        ("ChunkedEncoding", "the engine has gone: start Docker"),
        ("Name or service", "the engine's host is unknown: correct DOCKER_HOST"),
        ("timed out", "the engine does not answer: look at its machine"),
        ("certificate", "the engine's certificate is refused: look at DOCKER_CERT_PATH"),
    )
    text = f"{kind} {said}"
    return next((words for needle, words in known if needle in text), said[:200] or kind)


def _context() -> str:
    named = os.environ.get("DOCKER_CONTEXT")
    if named:
        return named
    folder = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    try:
        document = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        return str(document.get("currentContext") or "default")
    except (OSError, ValueError, AttributeError):
        return "default"


def short(container_id: str) -> str:
    """An id as people see it."""
    return re.sub(r"^sha256:", "", container_id)[:12]
