"""Targets ``docker-cpu`` and ``docker-cuda``: a runner in a container of a Docker engine.

A container outlives its dispatcher. A later one knows it by its labels, which name the store, the
job and the attempt; its name is made of the same, so that the engine itself refuses a second one.
"""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Literal

from runner import __version__
from runner.dispatch.container_handle import ContainerHandle, remove
from runner.dispatch.container_spec import (
    REMOTE_SPOOL,
    Folders,
    container_options,
    read_settings,
)
from runner.dispatch.gpu_request import why_no_gpu
from runner.dispatch.ingest import Bringer, FolderSpool, VolumeSpool
from runner.dispatch.launcher import (
    Handle,
    Launcher,
    LaunchError,
    UnreachableError,
    is_anothers,
)
from runner.dispatch.logs import log_path, spool_path
from runner.dispatch.needs import Needs, needs_of
from runner.dispatch.place import Mode, Place, find_place
from runner.docker_engine import (
    Engine,
    EngineError,
    NoSuchThingError,
    short,
)
from runner.ledger import taken_of
from runner.measure.nvml import open_nvml
from runner.spool import TICKET, Ticket, write_ticket
from store import HELD, JobRow, Store, StoreError, owner_is_dead, process_owner
from store.schema import SCHEMA_VERSION

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
        ticket: Ticket | None = None,
    ) -> None:
        """A launcher of one store's jobs.

        Args:
            store_path: The store.
            flavour: Which image.
            engine: The engine; by default the one that the environment names.
            environ: Environment variables with the user's settings.
            mode: How containers write, instead of what is found out.
            ticket: The job as another store has it, on a node of a fleet.
        """
        super().__init__(store_path)
        self._flavour = flavour
        self._engine = engine or Engine()
        self._environ = environ
        self._mode = mode
        self._given = ticket
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

    def check(self, needs: str | None = None) -> None:
        """Asks the engine, looks for the image and, for CUDA, starts a container with the GPU."""
        super().check(needs)
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
            with Store.open(self._store_path, readonly=True) as store:
                store_id, ticket = store.id, self._given or ticket_of(store, job)
            needs = needs_of(ticket.config, _work(job), self._environ)
            created = self._create(job, image, place, store_id, ticket, needs)
            handle = self._handle(job, created, place.mode)
            try:
                if place.mode == "remote":
                    self._hand_over(job, handle, needs)
                with self._engine.asked() as client:
                    client.api.start(handle.container_id)
            except BaseException:
                handle.release()
                raise
        return handle

    def find(self, job: JobRow) -> Handle | None:
        """The container with this attempt's labels; one that never started is removed.

        Raises:
            UnreachableError: The engine does not answer, or is not the one that has it.
        """
        engine, _, _ = (job.handle or "").rpartition("/")
        with self._reached():
            if engine and engine != self._engine.identity():
                raise UnreachableError("the job's container is on another Docker engine")
            for left in self._left(job_id=job.id, attempt=job.attempt):
                handle = self._handle(job, left.id, left.mode)
                if left.status != "created":
                    return handle
                handle.release()
        return None

    def tidy(self, store: Store, followed: Collection[int]) -> None:
        """Removes containers of this store whose attempt is over, their rows taken in first."""
        with self._reached():
            found = list(self._left())
            jobs = {job.id: job for job in store.jobs(ids=[left.job_id for left in found])}
            for left in found:
                job = jobs.get(left.job_id)
                if job is None or job.attempt != left.attempt:
                    remove(self._engine, left.id)
                    spool = spool_path(self._store_path, left.job_id, left.attempt)
                    shutil.rmtree(spool, ignore_errors=True)
                elif job.state not in HELD and job.id not in followed and not is_anothers(job):
                    handle = self._handle(job, left.id, left.mode)
                    handle.stop(0)
                    handle.poll()
                    with suppress(StoreError):
                        handle.bring(store, last=True)
                    handle.release()

    def remove_orphans(self) -> None:
        """Removes containers whose agent on this node has died; they would disturb the next one.

        Raises:
            LaunchError: The engine does not do it.
        """
        with self._explained():
            with self._engine.asked() as client:
                found = client.api.containers(all=True, filters={"label": [f"{LABEL}.agent"]})
            for container in found:
                if owner_is_dead(container["Labels"][f"{LABEL}.agent"]):
                    remove(self._engine, container["Id"])

    # The engine's errors, for those who launch and for those who look

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except EngineError as error:
            if self._flavour == "cuda" and self._engine.is_local and not open_nvml().gpus:
                raise LaunchError(why_no_gpu(str(error), local=True)) from error
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
        if schema.isdecimal() and int(schema) != SCHEMA_VERSION:
            version = labels.get("org.opencontainers.image.version")
            raise EngineError(
                f"the image {self.image} holds asrprof {version} with store schema {schema}, this "
                f"is {__version__} with {SCHEMA_VERSION}: build it again with `just images "
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
                place = replace(place, mode=self._mode)
            self._found[image] = place
        return self._found[image]

    # Containers

    def _create(
        self, job: JobRow, image: str, place: Place, store_id: str, ticket: Ticket, needs: Needs
    ) -> str:
        """Creates a job's container and returns its id."""
        spool = spool_path(self._store_path, job.id, job.attempt)
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
                # A copy of a store has its id, and must not touch its containers.
                f"{LABEL}.store": str(real),
                f"{LABEL}.job": str(job.id),
                f"{LABEL}.attempt": str(job.attempt),
                f"{LABEL}.mode": place.mode,
                # On a node of a fleet the container must not outlive the agent that reads it.
                **({f"{LABEL}.agent": process_owner()} if self._given is not None else {}),
            },
            command=command,
            place=place,
            needs=needs,
            folders=Folders(store=real, spool=spool, work=_work(job)),
            settings=read_settings(f"{self.image}@{short(image)}", self._environ),
            info=info,
            environ=self._environ,
        )
        if place.mode != "direct":
            _write_ticket(spool, ticket, place.user)
        try:
            with self._engine.asked() as client:
                return str(client.containers.create(image, **options).id)
        except EngineError as error:
            if CONFLICT not in str(error):
                shutil.rmtree(spool, ignore_errors=True)
                raise
        # A dispatcher before died between creating and noting it.
        remove(self._engine, options["name"])
        with self._engine.asked() as client:
            return str(client.containers.create(image, **options).id)

    def _hand_over(self, job: JobRow, handle: ContainerHandle, needs: Needs) -> None:
        """Puts what a runner on another machine needs into its volumes."""
        ticket = spool_path(self._store_path, job.id, job.attempt) / TICKET
        for source, target in ((ticket, REMOTE_SPOOL), *((path, path) for path in needs.folders)):
            with tempfile.TemporaryFile() as archive:
                try:
                    _pack(source, archive)
                except OSError as error:
                    raise LaunchError(f"cannot read {source}: {error.strerror}") from error
                archive.seek(0)
                with self._engine.asked() as client:
                    client.api.put_archive(handle.container_id, str(target), archive)

    def _handle(self, job: JobRow, container_id: str, mode: Mode) -> ContainerHandle:
        log = log_path(self._store_path, job.id, job.attempt)
        if mode == "direct":
            return ContainerHandle(self._engine, container_id, log)
        spool = spool_path(self._store_path, job.id, job.attempt)
        remote = VolumeSpool(self._engine, container_id, REMOTE_SPOOL)
        source = FolderSpool(spool) if mode == "spool" else remote
        bringer = Bringer(source, job.id, job.attempt)
        return ContainerHandle(self._engine, container_id, log, bringer=bringer, spool=spool)

    def _left(self, job_id: int | None = None, attempt: int | None = None) -> Iterator[_Left]:
        """Containers of this store's runners, in whatever state."""
        with Store.open(self._store_path, readonly=True) as store:
            wanted = {
                **{"store-id": store.id, "store": self._store_path.resolve(), "kind": "runner"},
                **{"job": job_id, "attempt": attempt},
            }
        labels = [f"{LABEL}.{name}={value}" for name, value in wanted.items() if value is not None]
        with self._engine.asked() as client:
            found = client.api.containers(all=True, filters={"label": labels})
        for container in found:
            given = container["Labels"]
            try:
                left = _Left(
                    id=container["Id"],
                    job_id=int(given[f"{LABEL}.job"]),
                    attempt=int(given[f"{LABEL}.attempt"]),
                    mode=given[f"{LABEL}.mode"],
                    status=container["State"],
                )
            except (KeyError, ValueError):
                continue  # Another's container with some of these labels: it is left alone.
            yield left


def _work(job: JobRow) -> Path:
    """Where relative paths of a job's config start."""
    return Path(job.folder or Path.cwd())


def ticket_of(store: Store, job: JobRow) -> Ticket:
    """What a runner that does not see the store must know of a job."""
    return Ticket(
        job_id=job.id,
        attempt=job.attempt,
        target=job.target,
        config=store.benchmark(job.benchmark_id).config,
        settled=tuple(sorted(store.case_keys(job.id, states=("ok", "oom")))),
        speech=tuple(store.clips_fingerprints(job.id).items()),
        taken=tuple(taken_of(store, job.id).items()),
        part=job.part,
    )


def _write_ticket(folder: Path, ticket: Ticket, user: str) -> None:
    """Makes the spool folder for its runner.

    Raises:
        LaunchError: It cannot be made.
    """
    try:
        write_ticket(folder, ticket)
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            uid, _, gid = user.partition(":")
            for path in (folder, folder / TICKET):
                os.chown(path, int(uid), int(gid))
    except OSError as error:
        raise LaunchError(f"cannot write the spool folder {folder}: {error.strerror}") from error


def _pack(path: Path, to: IO[bytes]) -> None:
    """Writes a file, or what is within a folder, as an archive that everybody can read."""
    with tarfile.open(fileobj=to, mode="w", dereference=True) as archive:
        archive.add(path, arcname="." if path.is_dir() else path.name, filter=readable)


def readable(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """A member of an archive that everybody can read; checkpoints are saved for their owner."""
    member.mode |= 0o555 if member.isdir() else 0o444
    member.uid = member.gid = 0
    return member
