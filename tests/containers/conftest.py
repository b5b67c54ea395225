"""A real Docker engine, the runner's image, and a quick stand-in for the runner in it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from runner.dispatch.container import ContainerLauncher
from runner.dispatch.dispatcher import Dispatcher
from runner.dispatch.place import IMAGE_USER
from runner.dispatch.process import ProcessLauncher
from runner.docker_engine import Engine, EngineError
from store import JobRequest, Store
from tests.conftest import clean_environment
from tests.dispatch.conftest import RUNNER

IMAGE = "asrprof-runner:cpu"
QUICK_IMAGE = "asrprof-test:quick"

DISPATCHER = """
import sys
from pathlib import Path
from runner.dispatch.container import ContainerLauncher
from runner.dispatch.dispatcher import Dispatcher
from store import Store

path = Path(sys.argv[1])
with Store.open(path) as store:
    dispatcher = Dispatcher(
        store, {"docker-cpu": ContainerLauncher(path)}, parallel=int(sys.argv[2]), poll_s=0.1,
        say=lambda words: print(words, flush=True),
    )
    dispatcher.run(drain=True)
    print("ended", *dispatcher.ended, flush=True)
"""


@pytest.fixture(scope="session")
def engine() -> Any:
    """The SDK's client of an engine that has the runner's image."""
    try:
        with Engine().asked() as client:
            client.images.get(IMAGE)
    except EngineError as error:
        pytest.skip(f"no Docker engine with {IMAGE}: {error}")
    return client


@pytest.fixture(scope="session")
def quick_image(engine: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The runner's image with a program that begins its job and writes rows, and no more."""
    folder = tmp_path_factory.mktemp("image")
    (folder / "quick_runner.py").write_text(RUNNER)
    (folder / "Dockerfile").write_text(
        f"FROM {IMAGE}\nCOPY quick_runner.py /asrprof/quick_runner.py\n"
        'ENTRYPOINT ["python", "/asrprof/quick_runner.py"]\n'
    )
    engine.images.build(path=str(folder), tag=QUICK_IMAGE, rm=True, forcerm=True)
    yield QUICK_IMAGE
    with suppress(Exception):
        engine.images.remove(QUICK_IMAGE, force=True)


class ContainerYard:
    """A store with its queue, whose jobs run in containers that share its folder."""

    def __init__(self, folder: Path, client: Any, image: str) -> None:
        self.folder = folder
        self.client = client
        self.image = image
        self.path = folder / "asrprof.db"
        if os.getuid() == 0:
            # Root's containers run as the owner of the folder.
            os.chown(folder, IMAGE_USER, IMAGE_USER)
        self.store = Store.open(self.path)
        if os.getuid() == 0:
            for path in (*folder.iterdir(), folder):
                os.chown(path, IMAGE_USER, IMAGE_USER)
        self.environ = {
            "ASRPROF_CPU_IMAGE": image,
            "ASRPROF_CACHE": str(folder / "cache"),
            "PATH": os.environ["PATH"],
        }
        self.said: list[str] = []
        self._processes: list[subprocess.Popen[str]] = []

    def add(self, cases: int = 2, target: str = "docker-cpu", **options: Any) -> int:
        """Queues a job of the stand-in."""
        config = '{"name": "quick", "models": ["pocketsphinx"], "data": {}}'
        benchmark = self.store.add_benchmark("quick", config)
        return self.store.queue.add(
            benchmark,
            JobRequest(target=target, folder=str(self.folder), **options),
            cases_total=cases,
        )

    def flag(self, name: str, on: bool = True) -> None:
        """Changes what runners do."""
        if on:
            (self.folder / name).touch()
        else:
            (self.folder / name).unlink()

    def lines(self, name: str) -> list[str]:
        """What the runners noted in a file."""
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else []

    def launcher(self, **options: Any) -> ContainerLauncher:
        """Starts containers."""
        return ContainerLauncher(self.path, environ=self.environ, **options)

    def dispatcher(self, **options: Any) -> Dispatcher:
        """A dispatcher in this process, for containers and processes."""
        given = {"poll_s": 0.1, "grace_s": 2.0, "say": self.said.append, **options}
        launchers = {
            "docker-cpu": given.pop("launcher", None) or self.launcher(),
            "local": ProcessLauncher(self.path, command=(sys.executable, "-c", RUNNER)),
        }
        return Dispatcher(self.store, launchers, **given)

    def spawn(self, parallel: int = 1) -> subprocess.Popen[str]:
        """A dispatcher in a process of its own, which drains the queue."""
        process = subprocess.Popen(
            [sys.executable, "-c", DISPATCHER, str(self.path), str(parallel)],
            env={**clean_environment(self.folder), **self.environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._processes.append(process)
        return process

    def containers(self) -> list[Any]:
        """The containers of this store's runners."""
        label = f"io.asrprof.store-id={self.store.id}"
        found = self.client.containers.list(all=True, filters={"label": label}, ignore_removed=True)
        return list(found)

    def container(self, job: int) -> Any:
        """The container of a job."""
        handle = self.store.job(job).handle
        assert handle is not None
        return self.client.containers.get(handle.rpartition("/")[2])

    def close(self) -> None:
        for process in self._processes:
            if process.poll() is None:
                process.kill()
            process.communicate()
        for container in self.containers():
            with suppress(Exception):
                container.remove(force=True, v=True)
        self.store.close()


@pytest.fixture
def make_yard(tmp_path: Path, engine: Any) -> Iterator[Callable[[str], ContainerYard]]:
    made: list[ContainerYard] = []

    def make(image: str) -> ContainerYard:
        folder = tmp_path / f"store{len(made)}"
        folder.mkdir()
        made.append(ContainerYard(folder, engine, image))
        return made[-1]

    yield make
    for yard in made:
        yard.close()


@pytest.fixture
def yard(make_yard: Callable[[str], ContainerYard], quick_image: str) -> ContainerYard:
    """A yard with the stand-in."""
    return make_yard(quick_image)


def turn_until(dispatcher: Dispatcher, condition: Callable[[], bool], seconds: float = 30) -> float:
    """Lets a dispatcher work until something has happened; gives the seconds that took."""
    began = time.monotonic()
    dispatcher.run(lambda: condition() or time.monotonic() - began > seconds)
    assert condition(), f"it did not happen within {seconds} s"
    return time.monotonic() - began
