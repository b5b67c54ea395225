"""One runner in a container: whether it lives, what it said, how it ended."""

from __future__ import annotations

import contextlib
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from runner.dispatch.container_log import LogPump
from runner.dispatch.ingest import Bringer
from runner.dispatch.launcher import Exited, Handle, Running, Unreachable, UnreachableError
from runner.dispatch.logs import last_line
from runner.docker_engine import Engine, EngineError, EngineGoneError, NoSuchThingError, short
from runner.spool import SPOOL
from store import Store

LAUNCH_FAILED = (125, 126, 127, 128)
"""Exit codes that an engine gives to a container which never ran its program."""
POLL_S = 0.1


class ContainerHandle(Handle):
    """A container, running or just ended."""

    def __init__(
        self,
        engine: Engine,
        container_id: str,
        log: Path,
        *,
        bringer: Bringer | None = None,
        spool: Path | None = None,
    ) -> None:
        """A handle of a container that exists.

        Args:
            engine: Its engine.
            container_id: Its id.
            log: The file on this machine that takes its output.
            bringer: Takes in its spool, where it has one.
            spool: The folder on this machine of that spool, deleted in the end.
        """
        self._engine = engine
        self._id = self.container_id = container_id
        self._log = log
        self._bringer = bringer
        self._spool = spool
        self._pump = LogPump(engine, container_id, log)
        self._memory_limit = 0

    @property
    def ref(self) -> str:
        """``engine/container``: another engine does not have it, and cannot say that it is gone."""
        return f"{self._engine.identity()}/{self._id}"

    @property
    def log(self) -> Path:
        return self._log

    def poll(self) -> Running | Exited | Unreachable:
        try:
            state = self._inspect()
        except NoSuchThingError:
            words = f"its container {short(self._id)} is gone: something removed it"
            return Exited(None, words)
        except EngineGoneError as error:
            return Unreachable(str(error))
        except EngineError as error:
            return Unreachable(f"the engine says: {error}")
        # After the state: what it wrote before its end is then complete. A log that cannot be had
        # says nothing of the runner.
        with contextlib.suppress(EngineError, OSError):
            self._pump.draw()
        if state["Status"] in ("exited", "dead") or (
            state["Status"] == "created" and state["Error"]
        ):
            return Exited(state["ExitCode"], self._words(state))
        return Running()

    def bring(self, store: Store, *, last: bool) -> None:
        """Takes in what the container has spooled, where it cannot write to the store.

        Raises:
            UnreachableError: The engine does not give it.
        """
        if self._bringer is not None:
            try:
                self._bringer.bring(store, last=last)
            except EngineError as error:
                raise UnreachableError(str(error)) from error

    def gives_sign(self, within_s: float) -> bool:
        if self._spool is None:
            return False
        try:
            silent_s = time.time() - (self._spool / SPOOL).stat().st_mtime
        except OSError:
            return False
        return silent_s < within_s

    def stop(self, grace_s: float) -> None:
        # The SDK's own stop would wait in one call, longer than the engine's answers may take.
        for number, timeout_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, 10.0)):
            try:
                with self._engine.asked() as client:
                    client.api.kill(self._id, number.name)
            except EngineError:
                return  # It has ended meanwhile, or the engine has.
            if self._wait(lambda: isinstance(self.poll(), Exited | Unreachable), timeout_s):
                return

    def release(self) -> bool:
        if self._spool is not None:
            shutil.rmtree(self._spool, ignore_errors=True)
        try:
            remove(self._engine, self._id)
        except EngineError:
            return False
        return True

    @staticmethod
    def _wait(done: Callable[[], bool], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not done():
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_S)
        return True

    def _inspect(self) -> dict[str, Any]:
        with self._engine.asked() as client:
            found: dict[str, Any] = client.api.inspect_container(self._id)
        self._memory_limit = int(found["HostConfig"].get("Memory") or 0)
        state: dict[str, Any] = found["State"]
        return state

    def _words(self, state: dict[str, Any]) -> str:
        code, error = int(state["ExitCode"]), " ".join(str(state.get("Error") or "").split())
        if error and code in LAUNCH_FAILED:
            return f"its container could not be started: {error}"
        if state.get("OOMKilled") and code == 128 + signal.SIGKILL:
            limit = f" of {self._memory_limit / 2**30:.3g} GiB" if self._memory_limit else ""
            return f"out of memory: its container reached its limit{limit} and was killed"
        memory = " (something in it was killed for memory)" if state.get("OOMKilled") else ""
        if code > 128:
            with contextlib.suppress(ValueError):
                name = signal.Signals(code - 128).name
                how = (
                    "crashed with" if name in ("SIGSEGV", "SIGABRT", "SIGBUS") else "was killed by"
                )
                return f"its container {how} {name}{memory}"
        last = last_line(self._log)
        return f"its runner ended with exit code {code}{memory}{': ' if last else ''}{last}"


def remove(engine: Engine, container_id: str) -> None:
    """Removes a container with its unnamed volumes, whatever its state; fine if it is gone.

    Raises:
        EngineError: The engine does not do it.
    """
    try:
        with engine.asked() as client:
            client.api.remove_container(container_id, v=True, force=True)
    except NoSuchThingError:
        return
    except EngineError as error:
        # Another dispatcher is at it.
        if "already in progress" not in str(error):
            raise
