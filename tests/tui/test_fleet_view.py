"""The tab Fleet: what it shows, where its keys lead, and that nothing waits for the cluster."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from runner.dispatch.fleet.overview import NodeView, Overview
from store import Store
from tests.tui.conftest import OpenApp, settle, shown, told, until
from tests.tui.data import HOSTILE
from tests.tui.fleet import (
    ADDRESS,
    NO_CLUSTER,
    NODES,
    PI,
    StillFleet,
    facts,
    fill_fleet,
    node,
)
from tests.tui.records import NOW
from tests.tui.test_plain import is_harmless
from tui.fleet import FleetSeen, current
from tui.glyphs import UNICODE
from tui.present_fleet import doctor_words, gpu_words, short_cpu
from tui.screens.log import LogScreen
from tui.snapshot import Snapshot
from tui.views.fleet import FleetView
from tui.views.live import LiveView


@pytest.fixture
def fleet(store_path: Path) -> Path:
    """A store with jobs on the nodes of a fleet."""
    fill_fleet(store_path)
    return store_path


def says(seen: FleetSeen) -> Callable[[Path], StillFleet]:
    """A source that always says the same."""

    class Says(StillFleet):
        def look(self) -> Iterator[FleetSeen]:
            yield seen

    return Says


async def test_nodes_are_listed_with_what_they_are(fleet: Path, open_app: OpenApp) -> None:
    async with open_app(fleet, size=(200, 60)) as (app, pilot):
        await pilot.press("6")
        await until(lambda: "gpu-1" in shown(app), pilot)
        lines = {
            view.node.name: next(
                line for line in shown(app).splitlines() if f" {view.node.name} " in line
            ).split()
            for view in NODES.nodes
        }
        assert lines["gpu-1"][:3] == ["▶", "gpu-1", "x86_64"]
        for words in ("32/64", "503", "H100", "busy", "whisper-large", "6/9", "5✓", "3▲", "1○"):
            assert words in lines["gpu-1"], words
        assert lines["pi-5"][-5:-3] == ["▲", "0.0.9"]
        assert "free" in lines["pi-5"]
        assert lines["jetson-1"] == ["○", "jetson-1", "arm64", "?", "?", "?", "1", "free", "?", "?"]
        assert "none" in lines["head"]
        text = shown(app)
        assert f"5 nodes, slots: 2 busy, 2 free, 3 jobs waiting · Ray cluster at {ADDRESS}" in text
        assert "1 node has another asrprof" in text


async def test_the_node_under_the_cursor_is_shown_in_full(fleet: Path, open_app: OpenApp) -> None:
    async with open_app(fleet) as (app, pilot):
        await pilot.press("6")
        await until(lambda: "Node gpu-1" in shown(app), pilot)
        assert "ray.io/accelerator-type=H100" in shown(app)
        await pilot.press("down", "down")
        await settle(app, pilot)
        text = shown(app)
        for words in (
            "Node pi-5",
            "arm64, Cortex-A76, 4 cores, 4 threads, 8 GiB",
            "it refuses jobs until",
            "5 ok, 3 limited, 1 missing",
            "→ install the NVIDIA driver",
        ):
            assert words in text, words


async def test_enter_watches_the_job_of_a_node(fleet: Path, open_app: OpenApp) -> None:
    async with open_app(fleet) as (app, pilot):
        await pilot.press("6")
        await until(lambda: "xeon-1" in shown(app), pilot)
        await pilot.press("down", "enter")
        await until(lambda: "no job of this store is on jetson-1" in "".join(told(app)), pilot)
        assert app.view.SCOPE == "fleet"
        await pilot.press("down", "down", "l")
        await settle(app, pilot)
        assert isinstance(app.screen, LogScreen)
        await pilot.press("escape", "enter")
        await settle(app, pilot)
        assert isinstance(app.view, LiveView)
        assert "job 3 demo on node xeon-1 (ray)" in shown(app)
        assert shown(app).count("on its node") == 4, "this machine's load is not that of the node"
        await pilot.press("]")
        await settle(app, pilot)
        assert "waits for a node with accelerator=H100" in shown(app)


async def test_the_mouse_does_too(fleet: Path, open_app: OpenApp) -> None:
    async with open_app(fleet) as (app, pilot):
        column = shown(app).splitlines()[0].index("6 Fleet")
        await pilot.click(offset=(column + 2, 0))
        await until(lambda: "xeon-1" in shown(app), pilot)
        row = next(n for n, line in enumerate(shown(app).splitlines()) if "xeon-1" in line)
        await pilot.click(offset=(10, row))
        await until(lambda: "Node xeon-1" in shown(app), pilot)
        await pilot.click(offset=(10, row), times=2)
        await until(lambda: app.view.SCOPE == "live", pilot)


async def test_the_palette_leads_there(fleet: Path, open_app: OpenApp) -> None:
    async with open_app(fleet) as (app, pilot):
        await pilot.press("ctrl+p", *"go to fleet")
        await pilot.pause(0.3)
        await settle(app, pilot)
        await pilot.press("enter")
        await until(lambda: app.view.SCOPE == "fleet", pilot)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_without_a_cluster_it_says_why_and_how(
    filled: Path, open_app: OpenApp, size: tuple[int, int]
) -> None:
    async with open_app(filled, size=size) as (app, pilot):
        await pilot.press("6")
        await until(lambda: NO_CLUSTER in shown(app), pilot)
        text = shown(app)
        for words in (
            ".venv/bin/pip install -e '.[fleet]'",
            "ray start --head",
            "ray start --address=HEAD:6379 $(asrprof fleet flags)",
            "RAY_ADDRESS=",
        ):
            assert words in text, words
        assert app.focused is not None
        await pilot.press("enter", "o", "l")  # There is no node to do anything with.
        assert app.view.SCOPE == "fleet"


async def test_a_silent_cluster_holds_up_nothing(filled: Path, open_app: OpenApp) -> None:
    asked, answer = threading.Event(), threading.Event()

    class Silent(StillFleet):
        def look(self) -> Iterator[FleetSeen]:
            asked.set()
            answer.wait(60)
            yield FleetSeen(NODES, NOW, ADDRESS)

    try:
        async with open_app(filled, fleet=Silent) as (app, pilot):
            await pilot.press("6")
            await until(asked.is_set, pilot)
            assert "Looking for a Ray cluster" in shown(app)
            await pilot.press("3", "down")
            await settle(app, pilot)
            assert "study" in shown(app)
            await pilot.press("6")
            answer.set()
            await until(lambda: "gpu-1" in shown(app), pilot)
            answer.clear()
    finally:
        answer.set()


async def test_nobody_is_asked_before_the_tab_is_opened(fleet: Path, open_app: OpenApp) -> None:
    made: list[Path] = []

    def source(store: Path) -> StillFleet:
        made.append(store)
        return StillFleet(store)

    async with open_app(fleet, fleet=source) as (app, pilot):
        await pilot.press("3", "4", "5", "1")
        await settle(app, pilot)
        assert not made
        await pilot.press("6")
        await until(lambda: made == [fleet], pilot)


async def test_nodes_stay_in_sight_when_the_cluster_goes(fleet: Path, open_app: OpenApp) -> None:
    gone = FleetSeen(NODES, NOW - timedelta(seconds=75), ADDRESS, "the connection broke")
    async with open_app(fleet, fleet=says(gone)) as (app, pilot):
        await pilot.press("6")
        await until(lambda: "as it was 1m 15s ago: the connection broke" in shown(app), pilot)
        assert "gpu-1" in shown(app)


async def test_hostile_nodes_are_shown_as_they_are(fleet: Path, open_app: OpenApp) -> None:
    nodes = tuple(
        NodeView(
            replace(node(text, number + 1), labels={text: text}, address=text),
            replace(facts(text, text, text, (1, 1), 1, [text]), version=text),
            (),
        )
        for number, text in enumerate(HOSTILE)
    )
    seen = FleetSeen(Overview(nodes, 0), NOW, HOSTILE[2], HOSTILE[0])
    async with open_app(fleet, fleet=says(seen), size=(200, 60)) as (app, pilot):
        await pilot.press("6")
        await until(lambda: "model[v3]" in shown(app), pilot)
        for _ in HOSTILE:
            strips = app.screen._compositor.render_strips(app.size)
            assert all(is_harmless(segment.text) for strip in strips for segment in strip)
            await pilot.press("down")
            await settle(app, pilot)


async def test_ascii_means_ascii(fleet: Path, open_app: OpenApp) -> None:
    async with open_app(fleet, ascii=True) as (app, pilot):
        await pilot.press("6")
        await until(lambda: "gpu-1" in shown(app), pilot)
        filters = app.get_line_filters()
        for strip in app.screen._compositor.render_strips(app.size):
            shown_as = strip.apply_filter(filters[-1], app.screen.background_colors[1])
            assert shown_as.text.isascii()


async def test_rows_of_nodes_that_are_as_they_were_are_kept(fleet: Path, open_app: OpenApp) -> None:
    async with open_app(fleet) as (app, pilot):
        await pilot.press("6")
        await until(lambda: "gpu-1" in shown(app), pilot)
        view = app.view
        assert isinstance(view, FleetView)
        before = {key: row for key, (_, row) in view._rows.items()}
        with Store.open(fleet) as store:
            store.attempts.placed(4, 1, f"{PI.name}/{PI.id}")
        await until(lambda: "edge" in shown(app), pilot)
        after = {key: row for key, (_, row) in view._rows.items()}
        assert {key for key in before if before[key] is not after[key]} == {PI.id}


def test_jobs_are_those_that_the_store_has_by_now(fleet: Path) -> None:
    with Store.open(fleet) as store:
        store.finish_job(2, "done", None)
        snapshot = Snapshot(
            held=tuple(store.attempts.held()), waiting=tuple(store.queue.waiting()), exists=True
        )
    found = current(NODES, snapshot)
    assert {view.node.name: [job.id for job in view.jobs] for view in found.nodes} == {
        "gpu-1": [],
        "jetson-1": [],
        "pi-5": [],
        "xeon-1": [3],
        "head": [],
    }
    assert found.waiting == 3, "one looks for a node, two are queued"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Intel(R) Xeon(R) Gold 6338 CPU @ 2.00GHz", "Intel Xeon Gold 6338 2.00GHz"),
        ("AMD EPYC 9354 32-Core Processor", "AMD EPYC 9354 32-Core"),
        ("Cortex-A76", "Cortex-A76"),
        ("", "?"),
    ],
)
def test_names_of_cpus_are_short(name: str, words: str) -> None:
    assert short_cpu(name) == words


async def test_a_slot_of_another_store_is_busy(fleet: Path, open_app: OpenApp) -> None:
    found = Overview((NodeView(node("board", 0xE5), None, (), others=1),), 0)
    async with open_app(fleet, fleet=says(FleetSeen(found, NOW, ADDRESS))) as (app, pilot):
        await pilot.press("6")
        await settle(app, pilot)
        assert "slots: 1 busy, 0 free" in shown(app)
        assert "not ours" in shown(app)
        assert "1, 0 free, 1 used by another store" in shown(app)


def test_gpus_and_checks_are_counted() -> None:
    assert gpu_words(NODES.nodes[0], UNICODE) == "2 × H100 80GB HBM3"
    assert gpu_words(NODES.nodes[1], UNICODE) == "1", "as the cluster says"
    assert doctor_words(()) == "0 ok, 0 limited, 0 missing"
