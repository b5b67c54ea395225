"""Every way a container can end: a state with its reason, within seconds, and the queue goes on."""

from __future__ import annotations

import os
from typing import Any

import psutil
import pytest

from runner.docker_engine import Engine
from store import FINAL
from tests.containers.conftest import ContainerYard, turn_until
from tests.dispatch.conftest import wait_for

pytestmark = pytest.mark.docker

SOON_S = 15.0
"""How long a state may take to be known."""


def begun(yard: ContainerYard, job: int) -> bool:
    return yard.store.job(job).state == "running"


def ended(yard: ContainerYard, job: int) -> bool:
    return yard.store.job(job).state in FINAL


def in_mid_run(yard: ContainerYard, **options: Any) -> tuple[int, Any]:
    """A job whose runner waits, and the dispatcher that follows it."""
    yard.flag("hold")
    job = yard.add(**options)
    dispatcher = yard.dispatcher()
    turn_until(dispatcher, lambda: begun(yard, job) and yard.store.job(job).handle is not None)
    return job, dispatcher


def test_done_and_cleared_away(yard: ContainerYard) -> None:
    jobs = [yard.add(), yard.add(cases=3)]
    dispatcher = yard.dispatcher()
    dispatcher.run(drain=True)
    assert dispatcher.ended == jobs
    for job in jobs:
        row = yard.store.job(job)
        assert (row.state, row.reason, row.cases_done) == ("done", None, row.cases_total)
    assert yard.containers() == []
    assert not (yard.folder / "spool").exists(), "the store itself was shared"


def test_locked_down(yard: ContainerYard) -> None:
    job, _ = in_mid_run(yard)
    container = yard.container(job)
    host, user = container.attrs["HostConfig"], container.attrs["Config"]["User"]
    assert user == (f"{os.getuid()}:{os.getgid()}" if os.getuid() else "10001:10001")
    assert host["ReadonlyRootfs"] and host["Init"] and host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges"] and host["NetworkMode"] == "none"
    assert host["PidsLimit"] and host["Memory"] == host["MemorySwap"] and host["CpusetCpus"]
    assert not host["AutoRemove"]
    # One stream: of two the order is the engine's.
    tried = "exec 2>&1; id -u; touch /asrprof/x /etc/x; ls /sys/class/net"
    outcome = container.exec_run(["sh", "-c", tried])
    words = outcome.output.decode()
    assert words.splitlines()[0] != "0"
    assert words.count("Read-only file system") == 2
    assert words.splitlines()[-1] == "lo", "no network but its own"


@pytest.mark.parametrize(
    ("ending", "state", "reason"),
    [
        ("kill", "failed", "its container was killed by SIGKILL"),
        ("kill-process", "failed", "its container was killed by SIGKILL"),
        ("remove", "lost", "is gone: something removed it"),
    ],
)
def test_ended_from_outside(yard: ContainerYard, ending: str, state: str, reason: str) -> None:
    job, dispatcher = in_mid_run(yard)
    after = yard.add()
    container = yard.container(job)
    if ending == "kill":
        container.kill()
    elif ending == "kill-process":
        container.reload()
        # The init process takes the runner's end for its own.
        (runner,) = psutil.Process(container.attrs["State"]["Pid"]).children()
        runner.kill()
    else:
        container.remove(force=True)
    yard.flag("hold", on=False)
    assert turn_until(dispatcher, lambda: ended(yard, job)) < SOON_S
    row = yard.store.job(job)
    assert row.state == state
    assert reason in (row.reason or "")
    assert row.cases_done >= 1, "what was finished is kept"
    turn_until(dispatcher, lambda: after in dispatcher.ended)
    assert yard.store.job(after).state == "done"
    assert yard.containers() == []


def test_exit_code_0_is_not_enough(yard: ContainerYard) -> None:
    yard.flag("no-end")
    job = yard.add()
    yard.dispatcher().run(drain=True)
    row = yard.store.job(job)
    assert (row.state, row.reason) == ("failed", "its runner ended with exit code 0")


def test_out_of_memory(yard: ContainerYard) -> None:
    yard.flag("hog")
    yard.environ["ASRPROF_MEMORY"] = "64m"
    job = yard.add()
    dispatcher = yard.dispatcher()
    assert turn_until(dispatcher, lambda: ended(yard, job)) < SOON_S
    row = yard.store.job(job)
    assert row.state == "failed"
    assert (
        row.reason == "out of memory: its container reached its limit of 0.0625 GiB and was killed"
    )


def test_cancel_keeps_finished_rows(yard: ContainerYard) -> None:
    job, dispatcher = in_mid_run(yard, cases=5)
    wait_for(lambda: yard.store.job(job).cases_done >= 1)
    yard.store.queue.cancel(job)
    assert turn_until(dispatcher, lambda: ended(yard, job)) < 5
    row = yard.store.job(job)
    assert (row.state, row.reason) == ("cancelled", "cancelled on request")
    assert row.cases_done == 1


def test_a_stubborn_runner_is_killed_after_its_grace(yard: ContainerYard) -> None:
    yard.flag("stubborn")
    job, dispatcher = in_mid_run(yard)
    yard.store.queue.cancel(job)
    assert 2 <= turn_until(dispatcher, lambda: ended(yard, job)) < SOON_S
    assert yard.store.job(job).reason == "cancelled on request"


def test_time_limit(yard: ContainerYard) -> None:
    job, dispatcher = in_mid_run(yard, time_limit_s=1.0)
    turn_until(dispatcher, lambda: ended(yard, job))
    row = yard.store.job(job)
    assert (row.state, row.reason) == ("failed", "stopped after 1 s (its time limit)")


def test_a_missing_image(yard: ContainerYard) -> None:
    yard.environ["ASRPROF_CPU_IMAGE"] = "asrprof-test:nowhere"
    job, beside = yard.add(), yard.add(target="local")
    dispatcher = yard.dispatcher()
    dispatcher.run(drain=True)
    row = yard.store.job(job)
    assert row.state == "failed"
    assert row.reason == (
        "target docker-cpu: the engine has no image asrprof-test:nowhere: build it with "
        "`just images cpu`"
    )
    assert yard.store.job(beside).state == "done"


def test_an_engine_socket_that_is_not_there(
    yard: ContainerYard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{yard.folder}/nowhere.sock")
    job, beside = yard.add(), yard.add(target="local")
    yard.dispatcher(launcher=yard.launcher(engine=Engine())).run(drain=True)
    row = yard.store.job(job)
    assert row.state == "failed"
    assert row.reason == (
        "target docker-cpu: no engine at its socket: start Docker, or set DOCKER_HOST"
    )
    assert yard.store.job(beside).state == "done"
