"""Who asks the cluster for the tab Fleet: when, how often, and what it makes of silence."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runner.catalogue.extras import install_line
from runner.dispatch.fleet.facts import NodeFacts
from runner.dispatch.fleet.link import Link, LinkError
from runner.dispatch.fleet.messages import AskNodes, Hello, ListNodes, Node, Question
from tests.tui.fleet import (
    ADDRESS,
    GPU,
    JETSON,
    XEON,
    StillFleet,
    facts,
    fill_fleet,
)
from tests.tui.records import NOW
from tui.fleet import AGAIN_S, Asker, ClusterSource, FleetSeen
from tui.fleet_watcher import FleetWatcher


@pytest.fixture
def fleet(store_path: Path) -> Path:
    """A store with jobs on the nodes of a fleet."""
    fill_fleet(store_path)
    return store_path


class StillLink(Link):
    """A cluster whose nodes say what they are, but for those that are silent."""

    def __init__(self, *nodes: Node) -> None:
        super().__init__(ADDRESS)
        self.nodes = nodes
        self.silent: set[str] = set()
        self.asked: list[tuple[str, ...]] = []
        self.down = False

    def ask(self, question: Question, kind: type, timeout_s: float = 0) -> object:
        if self.down:
            raise LinkError("the connection broke")
        if isinstance(question, Hello):
            return ADDRESS
        if isinstance(question, ListNodes):
            return list(self.nodes)
        assert isinstance(question, AskNodes)
        self.asked.append(question.ids)
        return {
            node.id: facts(node.name, "x86_64", "a CPU", (2, 4), 8)
            for node in self.nodes
            if node.id in question.ids and node.id not in self.silent
        }


def known(seen: FleetSeen) -> dict[str, NodeFacts | None]:
    assert seen.overview is not None
    return {view.node.name: view.facts for view in seen.overview.nodes}


def test_nodes_come_at_once_and_what_they_are_a_little_later(fleet: Path) -> None:
    link = StillLink(XEON, GPU)
    source = ClusterSource(fleet, launcher=Asker(fleet, link=link))
    first, second = source.look()
    assert known(first) == {"gpu-1": None, "xeon-1": None}
    assert first.asks
    assert all(known(second).values())
    assert not second.asks
    assert second.address == ADDRESS
    assert set(link.asked[0]) == {XEON.id, GPU.id}
    (third,) = source.look()
    assert all(known(third).values()), "what is known need not be asked again"
    assert len(link.asked) == 1
    source.forget()
    fourth, fifth = source.look()
    assert all(known(fourth).values())
    assert all(known(fifth).values())
    assert len(link.asked) == 2


def test_a_silent_node_is_left_alone_for_a_while(fleet: Path) -> None:
    link, now = StillLink(XEON, JETSON), [0.0]
    link.silent = {JETSON.id}
    source = ClusterSource(fleet, launcher=Asker(fleet, link=link, now=lambda: now[0]))
    assert len(list(source.look())) == 2
    for now[0] in (3.0, AGAIN_S / 2, AGAIN_S - 1):
        (seen,) = source.look()
        assert known(seen)["jetson-1"] is None
    assert len(link.asked) == 1
    link.silent = set()
    now[0] = AGAIN_S + 1
    _, seen = source.look()
    assert known(seen)["jetson-1"] is not None
    assert link.asked[1:] == [(JETSON.id,)]


def test_a_cluster_that_goes_leaves_what_was_seen(fleet: Path) -> None:
    link = StillLink(XEON)
    launcher = Asker(fleet, link=link)
    source = ClusterSource(fleet, clock=lambda: NOW, launcher=launcher)
    *_, before = source.look()
    link.down = True
    (after,) = source.look()
    assert (after.overview, after.at) == (before.overview, NOW)
    assert after.error == "the connection broke"
    link.down = False
    (again,) = source.look()
    assert again.error == ""


def test_nodes_are_seen_before_there_is_a_store(store_path: Path) -> None:
    source = ClusterSource(store_path, launcher=Asker(store_path, link=StillLink(XEON)))
    *_, seen = source.look()
    assert list(known(seen)) == ["xeon-1"]
    assert not store_path.exists()


def test_without_ray_it_says_what_to_install(fleet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    (seen,) = ClusterSource(fleet).look()
    assert seen == FleetSeen(error=f"Ray is not installed; {install_line('fleet')}")


class Counting(StillFleet):
    """Counts what it is asked for."""

    def __init__(self) -> None:
        self.looks = 0
        self.forgot = 0
        self.closed = 0
        self.fails = False

    def look(self) -> Iterator[FleetSeen]:
        self.looks += 1
        if self.fails:
            raise ZeroDivisionError
        yield FleetSeen()

    def forget(self) -> None:
        self.forgot += 1

    def close(self) -> None:
        self.closed += 1


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def test_the_cluster_is_asked_while_somebody_looks_and_left_later() -> None:
    source, heard = Counting(), list[FleetSeen]()
    watcher = FleetWatcher(lambda: source, heard.append, every_s=0.01, leave_s=0.2)
    try:
        watcher.look(True)
        wait_for(lambda: source.looks > 3)
        watcher.look(False)
        wait_for(lambda: source.closed > 0)
        looks = source.looks
        time.sleep(0.1)
        assert source.looks == looks
        source.fails = True
        watcher.look(True)
        wait_for(lambda: heard[-1].error.startswith("ZeroDivisionError"))
        source.fails = False
        wait_for(lambda: not heard[-1].error)
    finally:
        watcher.stop()


def test_it_is_asked_at_most_so_often_unless_at_once() -> None:
    source = Counting()
    watcher = FleetWatcher(lambda: source, lambda _: None, every_s=60)
    try:
        for wanted in (True, False, True, False, True):
            watcher.look(wanted)
            time.sleep(0.02)
        assert source.looks == 1
        watcher.refresh()
        wait_for(lambda: source.looks == 2)
        assert source.forgot == 1
    finally:
        watcher.stop()
    wait_for(lambda: source.closed == 1)
