"""A fleet to look at: four nodes that do not change, and a store with jobs on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from runner import __version__
from runner.dispatch.fleet.facts import NodeFacts
from runner.dispatch.fleet.messages import Node
from runner.dispatch.fleet.overview import NodeView, Overview
from runner.doctor import Check
from store import Store, StoreError
from store.schema import SCHEMA_VERSION
from tests.tui.data import CHECKS, Clock, add_job
from tests.tui.records import NOW, grid
from tui.fleet import FleetSeen

NO_CLUSTER = "no Ray cluster here: start one with `ray start --head`, or set RAY_ADDRESS"
ADDRESS = "10.0.0.1:6379"


def node(
    name: str, number: int, *, slots: int = 1, gpus: int = 0, arch: str = "x86_64", **labels: str
) -> Node:
    """A node as the cluster knows it; its id follows from ``number``."""
    return Node(
        id=f"{number:02x}" * 28,
        name=name,
        address=f"10.0.0.{number}",
        slots=slots,
        gpus=gpus,
        memory_bytes=64 * 2**30,
        labels={"asrprof.io/arch": arch, "asrprof.io/host": name, **labels},
    )


def facts(
    host: str,
    arch: str,
    cpu: str,
    cores: tuple[int, int],
    memory_gib: int,
    gpus: Sequence[str] = (),
    *,
    version: str = __version__,
    checks: tuple[Check, ...] = CHECKS[:-2],
) -> NodeFacts:
    """A node's own words."""
    return NodeFacts(
        host=host,
        arch=arch,
        cpu=cpu,
        cores=cores[0],
        threads=cores[1],
        memory_bytes=memory_gib * 2**30,
        gpus=tuple(gpus),
        version=version,
        schema=SCHEMA_VERSION,
        python="3.11.7",
        checks=checks,
    )


XEON = node("xeon-1", 0xA1, site="lab-2")
GPU = node("gpu-1", 0xB2, gpus=2, **{"ray.io/accelerator-type": "H100"})
PI = node("pi-5", 0xC3, arch="arm64")
JETSON = node("jetson-1", 0xD4, arch="arm64", gpus=1)
HEAD = node("head", 0x01, slots=0)
NODES = Overview(
    (
        NodeView(
            GPU,
            facts(
                "gpu-1",
                "x86_64",
                "AMD EPYC 9354 32-Core Processor",
                (32, 64),
                503,
                ["NVIDIA H100 80GB HBM3"] * 2,
            ),
            (),
        ),
        NodeView(JETSON, None, ()),
        NodeView(PI, facts("pi-5", "arm64", "Cortex-A76", (4, 4), 8, version="0.0.9"), ()),
        NodeView(
            XEON,
            facts("xeon-1", "x86_64", "Intel(R) Xeon(R) Gold 6338 CPU @ 2.00GHz", (32, 64), 252),
            (),
        ),
        NodeView(HEAD, facts("head", "x86_64", "Intel(R) N100", (4, 4), 16), ()),
    ),
    0,
)


class StillFleet:
    """There is a cluster where the store has jobs for one."""

    def __init__(self, store: Path) -> None:
        self._store = store

    def look(self) -> Iterator[FleetSeen]:
        try:
            with Store.open(self._store, readonly=True) as store:
                there = any(job.target == "ray" for job in store.jobs())
        except StoreError:
            there = False
        yield FleetSeen(NODES, NOW, ADDRESS) if there else FleetSeen(error=NO_CLUSTER)

    def forget(self) -> None:
        return

    def close(self) -> None:
        return


def fill_fleet(path: Path) -> None:
    """A store with jobs on two of the nodes, one that looks for a node, and two that wait."""
    clock = Clock()
    h100 = '{"accelerator": "H100"}'
    with Store.open(path, clock=clock) as store:
        clock.ago(hours=6)
        add_job(store, clock, "demo", "done", grid(), target="ray", node=f"pi-5/{PI.id}")
        for name, on, needs, done in (
            ("whisper-large", GPU, h100, 6),
            ("demo", XEON, None, 3),
        ):
            clock.ago(minutes=2)
            rows = grid(0.4)[:done]
            where = f"{on.name}/{on.id}"
            add_job(
                store, clock, name, "running", rows, cases=9, target="ray", needs=needs, node=where
            )
        clock.ago(seconds=40)
        add_job(store, clock, "edge", "starting", [], cases=12, target="ray", needs=h100)
        clock.ago(seconds=30)
        add_job(store, clock, "study", "queued", [], cases=160, target="ray", needs=h100)
        add_job(store, clock, "streaming", "queued", [], cases=24, target="ray")
