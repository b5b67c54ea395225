"""What an engine that is not there, or that refuses, is called; and how its log lines are taken."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

import docker
from runner.dispatch.container_log import LogPump
from runner.docker_engine import (
    Engine,
    EngineError,
    EngineGoneError,
    NoSuchThingError,
    connect_from_environment,
    translate,
)


def ask(monkeypatch: pytest.MonkeyPatch, host: str) -> EngineError:
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(EngineError) as caught, Engine().asked() as client:
        client.info()
    return caught.value


def test_no_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = ask(monkeypatch, f"unix://{tmp_path}/nowhere.sock")
    assert isinstance(error, EngineGoneError)
    assert str(error) == "no engine at its socket: start Docker, or set DOCKER_HOST"


def test_a_socket_that_nobody_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
    assert str(ask(monkeypatch, f"unix://{path}")) == "the engine is not running: start Docker"


def test_a_socket_that_hangs_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(20)
        import threading

        def hang_up() -> None:
            while True:
                try:
                    listener.accept()[0].close()
                except OSError:
                    return

        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        assert "the engine has gone: start Docker" in str(ask(monkeypatch, f"unix://{path}"))
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def test_ssh_needs_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("docker")
    try:
        import paramiko  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: F401
    except ImportError:
        error = ask(monkeypatch, "ssh://nobody@127.0.0.1:9")
        assert str(error) == "an engine over ssh needs paramiko: pip install 'docker[ssh]'"


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (docker.errors.NotFound("x", explanation="No such container: a"), NoSuchThingError, "No"),
        (docker.errors.ImageNotFound("x", explanation="No such image"), NoSuchThingError, "image"),
        (docker.errors.APIError("x", explanation="two\nlines"), EngineError, "two lines"),
        (PermissionError(13, "PermissionError"), EngineGoneError, "join the group `docker`"),
        (TimeoutError("timed out"), EngineGoneError, "does not answer"),
    ],
)
def test_errors_have_one_kind_and_one_line(
    error: Exception, kind: type[EngineError], words: str
) -> None:
    found = translate(error)
    assert type(found) is kind
    assert words in str(found)


def test_a_mistake_of_ours_is_not_the_engines() -> None:
    with pytest.raises(KeyError):
        translate(KeyError("x"))


def test_the_client_is_made_once_and_when_needed() -> None:
    made: list[int] = []

    def connect() -> object:
        made.append(1)
        return object()

    engine = Engine(connect)
    assert made == []
    for _ in range(2):
        with engine.asked():
            pass
    assert made == [1]
    assert connect_from_environment.__doc__


class _Client:
    """Gives what a container has written so far, from the asked second on, as the engine does."""

    def __init__(self) -> None:
        self.api = self
        self.lines: list[tuple[str, str]] = []

    def logs(self, _: str, since: float | None = None, **__: Any) -> bytes:
        from datetime import datetime

        def second(stamp: str) -> float:
            return datetime.fromisoformat(stamp.partition(".")[0] + "+00:00").timestamp()

        chosen = [pair for pair in self.lines if since is None or second(pair[0]) >= since]
        return "".join(f"{stamp} {text}\n" for stamp, text in chosen).encode()


def test_each_log_line_is_taken_once(tmp_path: Path) -> None:
    client, log = _Client(), tmp_path / "logs" / "x.log"
    pump = LogPump(Engine(lambda: client), "c", log)
    pump.draw()
    assert log.read_text() == ""
    stamps = ["2026-01-01T00:00:01.1Z"] * 3 + ["2026-01-01T00:00:01.2Z", "2026-01-01T00:00:09.1Z"]
    for number, stamp in enumerate(stamps):
        client.lines.append((stamp, f"line {number}\rx"))
        pump.draw()
        pump.draw()
    assert log.read_bytes() == b"".join(b"line %d\rx\n" % number for number in range(5))
    LogPump(Engine(lambda: client), "c", log).draw()
    assert log.read_bytes().count(b"\n") == 5, "another dispatcher writes the same file"
