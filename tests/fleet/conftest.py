"""A Ray cluster, a store with a queue for it, and quick stand-ins for runners."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from runner.dispatch.dispatcher import Dispatcher
from runner.dispatch.fleet.launcher import RayLauncher
from runner.dispatch.fleet.link import Link
from store import JobRequest, Store

pytest.importorskip("ray", reason="needs the extra `fleet`")
CLUSTER = Path(__file__).with_name("cluster.py")
SETTINGS = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # Else 127.0.0.1 becomes the machine's address.
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_gcs_rpc_server_reconnect_timeout_s": "3",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_failure_threshold": "4",
}

# Writes a spool as a runner does, without a benchmark: so many cases, with a nap in each.
SLEEPER = """
import signal, sys, time
from pathlib import Path
from runner.spool import SpoolLedger, read_ticket
from store import Event, Result, timestamp, utc_now

folder = Path(sys.argv[-1])
ticket = read_ticket(folder)
naps = Path(sys.argv[1])
stopped = []
signal.signal(signal.SIGTERM, lambda *_: stopped.append(1))
ledger = SpoolLedger(folder, ticket)
ledger.begin(ticket.attempt)
with (naps / "ran.txt").open("a") as file:
    file.write(f"{ticket.job_id} {ticket.attempt}\\n")
print("hello from job", ticket.job_id, flush=True)
for case in range(2):
    if f"case-{case}" in ticket.settled:
        continue
    time.sleep(float((naps / "nap").read_text()))
    while (naps / "hold").exists() and case == 1 and not stopped:
        time.sleep(0.02)
    if stopped:
        ledger.finish("failed", "interrupted by SIGTERM")
        sys.exit(143)
    with (naps / "cases.txt").open("a") as file:
        file.write(f"{ticket.job_id} case-{case}\\n")
    ledger.write(Result(
        case_key=f"case-{case}", model="m", engine="e", weights="random", revision=None,
        device="cpu", variant="fp32", audio_seconds=5.0, batch_size=1, seed=0, state="ok",
        reason=None, started_at=timestamp(utc_now()), wall_s=0.0,
    ))
ledger.finish("done", None)
"""


class ClusterProcess:
    """A cluster on this machine."""

    def __init__(self, nodes: int, port: int | None = None) -> None:
        """Starts it, and waits until it is ready."""
        self.port = port or _free_port()
        # What Ray and killed agents leave goes with the test; short, for the paths of its sockets.
        self._folder = tempfile.mkdtemp(prefix="fleet-")
        self._process = subprocess.Popen(
            [sys.executable, str(CLUSTER), str(self.port), str(nodes)],
            env={
                **os.environ,
                **SETTINGS,
                "RAY_TMPDIR": self._folder,
                "TMPDIR": self._folder,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        answer = self._answer()
        assert answer.startswith("ready"), answer
        self.address = answer.split()[1]

    def tell(self, line: str) -> str:
        """Gives it a command and waits for the answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def processes(self) -> list[psutil.Process]:
        """All that Ray runs for it."""
        return psutil.Process(self._process.pid).children(recursive=True)

    def close(self) -> None:
        """Ends it and all of its nodes."""
        children = self.processes()
        self._process.communicate(timeout=60)
        for child in children:
            if child.is_running():
                child.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


class Fleet:
    """A store, and stand-ins for runners that nap on the nodes of a cluster."""

    def __init__(self, folder: Path, cluster: ClusterProcess) -> None:
        self.folder = folder
        self.path = folder / "results" / "asrprof.db"
        self.store = Store.open(self.path)
        self.cluster = cluster
        self.link = Link(cluster.address)
        self._sleeper = folder / "sleeper.py"
        self._sleeper.write_text(SLEEPER)
        self.nap(0.0)

    def nap(self, seconds: float) -> None:
        """How long a runner sleeps in each of its two cases."""
        (self.folder / "nap").write_text(str(seconds))

    def hold(self, on: bool = True) -> None:
        """Keeps runners in their second case."""
        if on:
            (self.folder / "hold").touch()
        else:
            (self.folder / "hold").unlink()

    def add(self, needs: str | None = None, retries: int = 0) -> int:
        """Queues a job."""
        return self.store.queue.add(
            self.store.add_benchmark("naps", '{"name": "naps", "models": []}'),
            JobRequest(target="ray", folder=str(self.folder), needs=needs, retries=retries),
            cases_total=2,
        )

    def lines(self, name: str) -> list[str]:
        """What the runners noted in a file."""
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else []

    @property
    def command(self) -> tuple[str, ...]:
        """What starts a stand-in."""
        return (sys.executable, str(self._sleeper), str(self.folder))

    @property
    def launcher(self) -> RayLauncher:
        return RayLauncher(self.path, link=self.link, command=self.command)

    def dispatcher(self, **options: object) -> Dispatcher:
        """A dispatcher in this process."""
        given = {"poll_s": 0.05, "grace_s": 2.0, "silence_s": 5.0, **options}
        return Dispatcher(self.store, {"ray": self.launcher}, **given)  # type: ignore[arg-type]

    def close(self) -> None:
        self.link.close()
        self.store.close()


@pytest.fixture(autouse=True)
def _ray_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def cluster() -> Iterator[ClusterProcess]:
    """Two nodes that stay."""
    made = ClusterProcess(2)
    yield made
    made.close()


@pytest.fixture
def fleet(tmp_path: Path, cluster: ClusterProcess) -> Iterator[Fleet]:
    made = Fleet(tmp_path, cluster)
    yield made
    made.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(condition: object, seconds: float = 60) -> None:
    """Waits for something that must happen soon."""
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
