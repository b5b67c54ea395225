"""Targets ``docker-cpu`` and ``docker-cuda``: a runner in a container of a Docker engine.

A container outlives its dispatcher. A later one knows it by its labels, which name the store, the
job and the attempt; its name is made of the same, so that the engine itself refuses a second one.
"""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from runner import __version__
from runner.dispatch.container_handle import ContainerHandle
from runner.dispatch.container_spec import (
    REMOTE_SPOOL,
    Folders,
    container_options,
    read_settings,
)
from runner.dispatch.engine import (
    Engine,
    EngineError,
    NoSuchThingError,
    short,
)
from runner.dispatch.gpu_request import why_no_gpu
from runner.dispatch.ingest import Bringer, FolderSpool, VolumeSpool
from runner.dispatch.launcher import Handle, Launcher, LaunchError, UnreachableError
from runner.dispatch.logs import log_path, log_paths, tail
from runner.dispatch.needs import needs_of
from runner.dispatch.place import Mode, Place, find_place
from runner.ledger import speech_of
from runner.measure.nvml import open_nvml
from runner.spool import TICKET, Ticket, write_ticket
from store import HELD, JobRow, Store, StoreError, owner_is_dead
from store.schema import MIGRATIONS

Flavour = Literal["cpu", "cuda"]
LABEL = "io.asrprof"
CONFLICT = "is already in use by container"


@dataclass(frozen=True)
class _Left:
    """What the labels of a container say."""

    id: str
    job_id: int
    attempt: int
    mode: Mode
    status: str


class ContainerLauncher(Launcher):
    """Starts runners in containers."""

    def __init__(
        self,
        store_path: Path,
        flavour: Flavour = "cpu",
        *,
        engine: Engine | None = None,
        environ: Mapping[str, str] = os.environ,
        mode: Mode | None = None,
    ) -> None:
        """A launcher of one store's jobs.

        Args:
            store_path: The store.
            flavour: Which image.
            engine: The engine; by default the one that the environment names.
            environ: Environment variables with the user's settings.
            mode: How containers write, instead of what is found out.
        """
        self._store_path = store_path.absolute()
        self._flavour = flavour
        self._engine = engine or Engine()
        self._environ = environ
        self._mode = mode
        self._found: dict[str, Place] = {}

    @property
    def image(self) -> str:
        """The image's name, from ``ASRPROF_CPU_IMAGE`` or ``ASRPROF_CUDA_IMAGE``."""
        named = self._environ.get(f"ASRPROF_{self._flavour.upper()}_IMAGE")
        return named or f"asrprof-runner:{self._flavour}"

    @property
    def target(self) -> str:
        """What jobs call it."""
        return f"docker-{self._flavour}"

    def check(self) -> None:
        """Asks the engine, looks for the image and, for CUDA, starts a container with the GPU."""
        with self._explained():
            if self._flavour == "cuda":
                self._place(self._image())
            else:
                self._image()

    def launch(self, job: JobRow) -> Handle:
        """Creates and starts a container for a claimed job."""
        with self._explained():
            image = self._image()
            place = self._place(image)
            container_id, spool = self._create(job, image, place)
            try:
                with self._engine.asked() as client:
                    client.api.start(container_id)
            except EngineError:
                with suppress(EngineError), self._engine.asked() as client:
                    client.api.remove_container(container_id, v=True, force=True)
                raise
        return self._handle(job, container_id, place.mode, spool)

    def find(self, job: JobRow) -> Handle | None:
        """The container with this attempt's labels; one that never started is removed."""
        with self._reached():
            for left in self._left(job_id=job.id, attempt=job.attempt):
                if left.status == "created":
                    with self._engine.asked() as client:
                        client.api.remove_container(left.id, v=True, force=True)
                    continue
                return self._handle(job, left.id, left.mode, self._spool_of(job))
        return None

    def logs(self, job: JobRow, follow: Callable[[], bool]) -> Iterator[str]:
        """Lines of the file beside the store, which the dispatcher fills."""
        return tail(log_path(self._store_path, job.id, job.attempt), follow)

    def forget(self, job: JobRow) -> None:
        """Deletes the log files."""
        for path in log_paths(self._store_path, job.id):
            path.unlink(missing_ok=True)

    def tidy(self, store: Store) -> None:
        """Removes containers of this store whose attempt is over, their rows taken in first."""
        jobs = {job.id: job for job in store.jobs()}
        with self._reached():
            for left in self._left():
                job = jobs.get(left.job_id)
                current = job is not None and job.attempt == left.attempt
                if job is not None and current and job.state in HELD:
                    continue
                if job is not None and job.dispatcher and not owner_is_dead(job.dispatcher):
                    continue  # Another dispatcher is at it right now.
                if job is None or not current:
                    with self._engine.asked() as client:
                        client.api.remove_container(left.id, v=True, force=True)
                    continue
                handle = self._handle(job, left.id, left.mode, self._spool_of(job))
                handle.stop(0)
                handle.poll()
                with suppress(StoreError):
                    handle.bring(store, last=True)
                handle.release()

    # The engine's errors, for those who launch and for those who look

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except EngineError as error:
            if self._flavour == "cuda" and not open_nvml().gpus:
                raise LaunchError(why_no_gpu(str(error))) from error
            raise LaunchError(f"target {self.target}: {error}") from error

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except EngineError as error:
            raise UnreachableError(f"the Docker engine: {error}") from error

    def _image(self) -> str:
        """The image's id.

        Raises:
            EngineError: It is not there, or another asrprof's.
        """
        try:
            with self._engine.asked() as client:
                image = client.images.get(self.image)
        except NoSuchThingError as error:
            raise EngineError(
                f"the engine has no image {self.image}: build it with `just images {self._flavour}`"
            ) from error
        labels = image.labels or {}
        schema = labels.get(f"{LABEL}.schema", "unknown")
        if schema.isdecimal() and int(schema) != len(MIGRATIONS):
            version = labels.get("org.opencontainers.image.version")
            raise EngineError(
                f"the image {self.image} holds asrprof {version} with store schema {schema}, this "
                f"is {__version__} with {len(MIGRATIONS)}: build it again with `just images "
                f"{self._flavour}`"
            )
        return str(image.id)

    def _place(self, image: str) -> Place:
        if image not in self._found:
            self._store_path.parent.mkdir(parents=True, exist_ok=True)
            place = find_place(
                self._engine,
                image,
                self._store_path.resolve(),
                cuda=self._flavour == "cuda",
                labels={f"{LABEL}.managed": "1"},
            )
            if self._mode is not None:
                place = Place(self._mode, "as asked", place.user, place.gpus, place.gpu_driver)
            self._found[image] = place
        return self._found[image]

    # Containers

    def _create(self, job: JobRow, image: str, place: Place) -> tuple[str, Path | None]:
        """Creates a job's container, or finds the one that was created before."""
        with Store.open(self._store_path, readonly=True) as store:
            store_id = store.id
            config = store.benchmark(job.benchmark_id).config
            ticket = Ticket(
                job_id=job.id,
                attempt=job.attempt,
                target=job.target,
                config=config,
                settled=tuple(sorted(store.case_keys(job.id, states=("ok", "oom")))),
                speech=tuple(speech_of(store, job.id).items()),
            )
        work = Path(job.folder or Path.cwd())
        needs = needs_of(config, work, self._environ)
        spool = None if place.mode == "direct" else self._spool_of(job)
        real = self._store_path.resolve()
        if place.mode == "direct":
            command = ["--job", str(job.id), "--attempt", str(job.attempt), "--store", str(real)]
        elif place.mode == "spool":
            command = ["--spool", str(spool)]
        else:
            command = ["--spool", str(REMOTE_SPOOL)]
        with self._engine.asked() as client:
            info = client.info()
        options = container_options(
            name=f"asrprof-{store_id[:8]}-{job.id}-{job.attempt}",
            labels={
                f"{LABEL}.managed": "1",
                f"{LABEL}.kind": "runner",
                f"{LABEL}.store-id": store_id,
                f"{LABEL}.job": str(job.id),
                f"{LABEL}.attempt": str(job.attempt),
                f"{LABEL}.mode": place.mode,
            },
            command=command,
            place=place,
            needs=needs,
            folders=Folders(store=real, spool=spool or real.parent, work=work),
            settings=read_settings(f"{self.image}@{short(image)}", self._environ),
            info=info,
            environ=self._environ,
        )
        if spool is not None:
            _hand_over(spool, ticket, place.user)
        with self._engine.asked() as client:
            try:
                container_id = str(client.containers.create(image, **options).id)
            except Exception as error:
                if CONFLICT not in str(error):
                    raise
                # A dispatcher before died between creating and noting it.
                client.api.remove_container(options["name"], v=True, force=True)
                container_id = str(client.containers.create(image, **options).id)
            if place.mode == "remote" and spool is not None:
                client.api.put_archive(container_id, str(REMOTE_SPOOL), _tar(spool / TICKET))
                for path in needs.folders:
                    client.api.put_archive(container_id, str(path), _tar(path, within=True))
        return container_id, spool

    def _handle(
        self, job: JobRow, container_id: str, mode: Mode, spool: Path | None
    ) -> ContainerHandle:
        log = log_path(self._store_path, job.id, job.attempt)
        if mode == "direct" or spool is None:
            return ContainerHandle(self._engine, container_id, log)
        remote = VolumeSpool(self._engine, container_id, REMOTE_SPOOL)
        source = FolderSpool(spool) if mode == "spool" else remote
        bringer = Bringer(source, job.id, job.attempt)
        return ContainerHandle(self._engine, container_id, log, bringer=bringer, spool=spool)

    def _spool_of(self, job: JobRow) -> Path:
        store = self._store_path.resolve()
        return store.parent / "spool" / f"{store.stem}-job-{job.id}-{job.attempt}"

    def _left(self, job_id: int | None = None, attempt: int | None = None) -> Iterator[_Left]:
        """Containers of this store's runners, in whatever state."""
        with Store.open(self._store_path, readonly=True) as store:
            wanted = {"store-id": store.id, "kind": "runner", "job": job_id, "attempt": attempt}
        labels = [f"{LABEL}.{name}={value}" for name, value in wanted.items() if value is not None]
        with self._engine.asked() as client:
            found = client.api.containers(all=True, filters={"label": labels})
        for container in found:
            given = container["Labels"]
            yield _Left(
                id=container["Id"],
                job_id=int(given[f"{LABEL}.job"]),
                attempt=int(given[f"{LABEL}.attempt"]),
                mode=given[f"{LABEL}.mode"],
                status=container["State"],
            )


def _hand_over(folder: Path, ticket: Ticket, user: str) -> None:
    """Makes the spool folder for its runner.

    Raises:
        LaunchError: It cannot be made.
    """
    try:
        write_ticket(folder, ticket)
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            uid, _, gid = user.partition(":")
            os.chown(folder, int(uid), int(gid))
    except OSError as error:
        raise LaunchError(f"cannot write the spool folder {folder}: {error.strerror}") from error


def _tar(path: Path, *, within: bool = False) -> bytes:
    """A file, or what is within a folder, as an archive that everybody can read."""

    def readable(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.mode |= 0o555 if member.isdir() else 0o444
        member.uid = member.gid = 0
        return member

    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", dereference=True) as archive:
        archive.add(path, arcname="." if within else path.name, filter=readable)
    return content.getvalue()
