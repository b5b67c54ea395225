"""The tab Configs: edit, judge, save, queue."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from runner.config_file import presets
from store import Store
from tests.tui.conftest import OpenApp, settle, shown, until
from tui.app import AsrprofApp
from tui.screens.target import TargetScreen
from tui.views.configs import ConfigsView
from tui.widgets.form_field import FormField
from tui.widgets.rows import Rows

MINE = {"name": "mine", "models": ["pocketsphinx"], "batch_sizes": [1, 4]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.json").write_text(json.dumps(MINE))
    (tmp_path / "package.json").write_text('{"name": "something else"}')
    (tmp_path / "broken.json").write_text('{"models": [')
    return tmp_path


async def go_to(app: AsrprofApp, pilot: Pilot[None], key: str) -> ConfigsView:
    if app.tabs.current != "configs":
        await pilot.press("2")
    await settle(app, pilot)
    view = app.view
    assert isinstance(view, ConfigsView)
    view.query_one("#configs-list", Rows).go_to(key)
    await settle(app, pilot)
    assert view.config is not None
    assert view.config.key == key
    return view


async def type_into(app: AsrprofApp, pilot: Pilot[None], path: str, text: str) -> None:
    field = app.view.query_one(f"#field-{path.replace('.', '-')}", FormField)
    field.entry.focus()
    await pilot.pause()
    await pilot.press("end", "ctrl+u", *text)
    await settle(app, pilot)


async def test_presets_and_files_are_listed(folder: Path, filled: Path, open_app: OpenApp) -> None:
    async with open_app(filled, configs=folder) as (app, pilot):
        view = await go_to(app, pilot, "preset:demo")
        keys = view.query_one("#configs-list", Rows).keys
        assert keys[0] == "preset:demo"
        assert keys[:-2] == tuple(f"preset:{name}" for name in presets())
        assert keys[-2:] == (f"file:{folder}/broken.json", f"file:{folder}/mine.json")
        assert "9 cases, about" in shown(app)
        await go_to(app, pilot, f"file:{folder}/broken.json")
        # The path before it may be of any length.
        assert "broken JSON" in " ".join(shown(app).split())


async def test_the_grid_follows_what_is_typed(
    folder: Path, filled: Path, open_app: OpenApp
) -> None:
    async with open_app(filled, configs=folder) as (app, pilot):
        await go_to(app, pilot, f"file:{folder}/mine.json")
        assert "2 cases, about" in shown(app)
        await type_into(app, pilot, "batch_sizes", "1, 4, 16")
        assert "3 cases, about" in shown(app)
        assert "not saved" in shown(app)
        await type_into(app, pilot, "batch_sizes", "1, none")
        assert 'batch_sizes[1]: should be a valid integer (got "none")' in shown(app)
        assert app.view.query_one("#field-batch_sizes").has_class("-wrong")
        await type_into(app, pilot, "batch_sizes", "1, 4")
        assert "not saved" not in shown(app)
        assert not app.view.query_one("#field-batch_sizes").has_class("-wrong")


async def test_keys_are_letters_in_the_form_and_escape_leaves_it(
    folder: Path, filled: Path, open_app: OpenApp
) -> None:
    async with open_app(filled, configs=folder) as (app, pilot):
        view = await go_to(app, pilot, f"file:{folder}/mine.json")
        await pilot.press("enter", "q", "3", "a")
        await settle(app, pilot)
        assert view.judged is not None
        assert view.judged.checked.document is not None
        assert view.judged.checked.document["name"].endswith("q3a")
        await pilot.press("escape")
        assert view.query_one("#configs-list").has_focus
        await pilot.press("u")
        await settle(app, pilot)
        assert view.judged.checked.document == MINE
        assert "not saved" not in shown(app)


async def test_a_file_is_saved_in_its_place(folder: Path, filled: Path, open_app: OpenApp) -> None:
    async with open_app(filled, configs=folder) as (app, pilot):
        await go_to(app, pilot, f"file:{folder}/mine.json")
        await type_into(app, pilot, "limits.min_seconds", "2")
        await pilot.press("ctrl+s")
        await until(lambda: "saved" in shown(app), pilot)
        await settle(app, pilot)
        saved = json.loads((folder / "mine.json").read_text())
        assert saved == {**MINE, "limits": {"min_seconds": 2}}
        assert "not saved" not in shown(app)


async def test_a_config_that_is_wrong_is_not_saved_over_the_good_file(
    folder: Path, filled: Path, open_app: OpenApp
) -> None:
    async with open_app(filled, configs=folder) as (app, pilot):
        view = await go_to(app, pilot, f"file:{folder}/mine.json")
        await type_into(app, pilot, "devices", "gpu")
        await settle(app, pilot)
        await pilot.press("ctrl+s")
        await until(lambda: "not saved: " in shown(app), pilot)
        assert json.loads((folder / "mine.json").read_text()) == MINE
        await pilot.press("escape", "u")
        await settle(app, pilot)
        assert view.judged is not None
        assert view.judged.checked.document == MINE


async def test_a_copy_gets_a_file_of_its_own(folder: Path, filled: Path, open_app: OpenApp) -> None:
    async with open_app(filled, configs=folder) as (app, pilot):
        view = await go_to(app, pilot, "preset:demo")
        await pilot.press("c")
        await settle(app, pilot)
        assert view.config is not None
        assert view.config.document["name"] == "demo-copy"
        await pilot.press("ctrl+s")
        await settle(app, pilot)
        await pilot.press("ctrl+u", *"mine")
        await pilot.press("enter")
        await settle(app, pilot)
        assert "mine.json is there already" in shown(app)
        await pilot.press("end", "ctrl+u", *"night", "enter")
        await until((folder / "night.json").exists, pilot)
        await settle(app, pilot)
        assert json.loads((folder / "night.json").read_text())["name"] == "demo-copy"
        assert json.loads((folder / "mine.json").read_text()) == MINE
        assert view.config.path == folder / "night.json"


async def test_a_config_is_queued_on_a_target(
    folder: Path, filled: Path, open_app: OpenApp
) -> None:
    async with open_app(filled, configs=folder) as (app, pilot):
        await go_to(app, pilot, f"file:{folder}/mine.json")
        await pilot.press("a")
        await settle(app, pilot)
        assert "2 cases, about" in shown(app)
        await pilot.press("tab", "ctrl+u", "end", "backspace", "7", "tab", "9", "0", "enter")
        await settle(app, pilot)
        with Store.open(filled, readonly=True) as store:
            job = store.queue.waiting()[0]
            config = json.loads(store.benchmark(job.benchmark_id).config)
        assert (job.benchmark, job.target, job.cases_total) == ("mine", "local", 2)
        assert (job.priority, job.time_limit_s, job.folder) == (7, 5400, str(folder))
        assert config["batch_sizes"] == [1, 4]
        await type_into(app, pilot, "models", "nothing-like-it")
        await pilot.press("escape", "a")
        await settle(app, pilot)
        assert "unknown model" in shown(app)


async def test_the_users_editor_changes_a_copy_of_a_preset(
    folder: Path, filled: Path, open_app: OpenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = folder / "editor"
    script.write_text('#!/bin/sh\nsed -i \'s/"seed": 42/"seed": 7/; s/demo/edited/\' "$1"\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("VISUAL", str(script))
    async with open_app(filled, configs=folder) as (app, pilot):
        view = await go_to(app, pilot, "preset:demo")
        await pilot.press("E")
        await settle(app, pilot)
        # There is no terminal to hand over in a test: said in words, nothing is lost.
        assert "no editor can be opened here" in shown(app)
        assert view.config is not None
        assert view.config.document["name"] == "demo"


async def test_json_is_shown_in_place_of_the_form(
    folder: Path, filled: Path, open_app: OpenApp
) -> None:
    async with open_app(filled, configs=folder) as (app, pilot):
        await go_to(app, pilot, f"file:{folder}/mine.json")
        await pilot.press("v")
        await settle(app, pilot)
        assert '"batch_sizes": [1, 4]' in shown(app)
        await pilot.press("v")
        await settle(app, pilot)
        assert "batch sizes" in shown(app)


async def test_what_a_job_needs_of_a_node_is_asked_for_a_fleet_alone(
    filled: Path, open_app: OpenApp
) -> None:
    async with open_app(filled) as (app, pilot):
        await pilot.press("2", "a")
        await settle(app, pilot)
        assert "node needs" not in shown(app)
        await pilot.press("right", "right", "right")
        await settle(app, pilot)
        assert "node needs" in shown(app)
        await pilot.press("tab", "tab", "tab", *"H100", "enter")
        await settle(app, pilot)
        assert 'need "H100": write a name and a value' in shown(app)
        assert isinstance(app.screen, TargetScreen)


async def test_what_is_typed_right_after_tab_goes_to_the_next_field(
    folder: Path, store_path: Path, open_app: OpenApp
) -> None:
    """Keys that come faster than the field in focus takes them, as on a busy machine."""
    async with open_app(store_path, configs=folder) as (app, pilot):
        view = await go_to(app, pilot, f"file:{folder}/mine.json")
        fields = [field for field in view.query(Input) if field.display]
        first, second = fields[0], fields[1]
        first.focus()
        await settle(app, pilot)
        before = first.value, second.value
        for event in (events.Key("tab", None), events.Key("x", "x"), events.Key("y", "y")):
            app.post_message(event)
        await settle(app, pilot)
        await until(lambda: app.focused is not first, pilot)
        assert first.value == before[0]
