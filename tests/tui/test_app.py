"""The app as a whole: tabs, keys, help, palette, themes, what its threads say."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.style import Style

from store import Store
from tests.tui.conftest import OpenApp, settle, shown, told, until
from tui.actions import SCOPES, every_action
from tui.app import AsrprofApp
from tui.messages import Told
from tui.screens import confirm, help, log, save, target
from tui.screens.export import ExportScreen
from tui.themes import DARK, LIGHT, THEMES
from tui.views import TITLES, view_class


@pytest.mark.e2e
@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 40), (200, 60)])
async def test_every_tab_opens_by_its_number(
    filled: Path, open_app: OpenApp, size: tuple[int, int]
) -> None:
    async with open_app(filled, size=size) as (app, pilot):
        names = ("configs", "queue", "live", "results", "fleet", "home")
        for key, name in zip("234561", names, strict=True):
            await pilot.press(key)
            await settle(app, pilot)
            assert name == app.view.SCOPE
            assert app.focused is not None
            assert app.view in app.focused.ancestors_with_self


async def test_a_click_opens_a_tab(filled: Path, open_app: OpenApp) -> None:
    async with open_app(filled) as (app, pilot):
        column = shown(app).splitlines()[0].index("3 Queue")
        await pilot.click(offset=(column + 2, 0))
        await settle(app, pilot)
        assert app.view.SCOPE == "queue"


async def test_the_first_line_says_what_the_queue_does(filled: Path, open_app: OpenApp) -> None:
    async with open_app(filled) as (app, _):
        assert "1 running, 2 waiting" in shown(app).splitlines()[0]


async def test_an_empty_store_shows_how_to_begin(store_path: Path, open_app: OpenApp) -> None:
    async with open_app(store_path) as (app, pilot):
        assert "Nothing has been measured yet." in shown(app)
        await pilot.press("d")
        await until(lambda: "demo queued as job 1" in shown(app), pilot)
        await until(lambda: "Nothing has been measured yet." not in shown(app), pilot)
    with Store.open(store_path, readonly=True) as store:
        (job,) = store.queue.waiting()
    assert (job.benchmark, job.target, job.cases_total) == ("demo", "local", 9)


async def test_the_demo_is_queued_once_and_the_words_are_true(
    store_path: Path, open_app: OpenApp
) -> None:
    async with open_app(store_path) as (app, pilot):
        await pilot.press("d", "d")
        await until(lambda: "demo is job 1 already" in shown(app), pilot)
        assert app.dispatcher is None
        assert "`asrprof work` starts it" in shown(app)
    with Store.open(store_path, readonly=True) as store:
        assert len(store.queue.waiting()) == 1


async def test_readonly_never_makes_a_store(store_path: Path, open_app: OpenApp) -> None:
    async with open_app(store_path, readonly=True) as (app, pilot):
        for key in "123456":
            await pilot.press(key)
            await settle(app, pilot)
        await pilot.press("1", "d")
        await settle(app, pilot)
    assert not store_path.exists()


async def test_every_action_has_its_method() -> None:
    owners = {
        "app": AsrprofApp,
        "help": help.HelpScreen,
        "log": log.LogScreen,
        "confirm": confirm.ConfirmScreen,
        "save": save.SaveScreen,
        "target": target.TargetScreen,
        **{name: view_class(name) for name in TITLES},
    }
    ids = [action.id for action in every_action()]
    assert len(ids) == len(set(ids))
    for scope in SCOPES:
        if scope.name in owners:
            for action in scope.actions:
                assert hasattr(owners[scope.name], f"action_{action.method}"), action.id


def test_no_scope_gives_one_key_to_two_actions() -> None:
    for scope in SCOPES:
        keys = [key for action in scope.actions for key in action.keys.split(",")]
        assert len(keys) == len(set(keys)), scope.name


async def test_help_lists_the_keys_of_the_tab(filled: Path, open_app: OpenApp) -> None:
    async with open_app(filled, size=(120, 60)) as (app, pilot):
        await pilot.press("3", "?")
        await settle(app, pilot)
        text = shown(app)
        for action in (*SCOPES[3].actions, *SCOPES[0].actions):
            assert action.help[:40] in text
        await pilot.press("escape")
        await settle(app, pilot)
        assert not isinstance(app.screen, help.HelpScreen)


async def test_the_palette_runs_an_action_by_its_name(filled: Path, open_app: OpenApp) -> None:
    async with open_app(filled) as (app, pilot):
        await pilot.press("ctrl+p", *"go to queue")
        await pilot.pause(0.3)
        await settle(app, pilot)
        await pilot.press("enter")
        await until(lambda: app.view.SCOPE == "queue", pilot)
        await pilot.press("ctrl+p", *"job 5")
        await pilot.pause(0.3)
        await settle(app, pilot)
        await pilot.press("enter")
        await until(lambda: app.view.SCOPE == "live", pilot)


async def test_the_palette_finds_an_action_by_the_word_of_the_footer(
    filled: Path, open_app: OpenApp
) -> None:
    async with open_app(filled, readonly=True) as (app, pilot):
        await pilot.press("5")
        await settle(app, pilot)
        await pilot.press("ctrl+p", *"export:")
        await until(lambda: "Export: Write what is shown to a file (w)" in shown(app), pilot)


async def test_the_palette_finds_and_does_what_another_tab_can(
    filled: Path, open_app: OpenApp
) -> None:
    async with open_app(filled, readonly=True) as (app, pilot):
        await pilot.press("2")
        await settle(app, pilot)
        await pilot.press("ctrl+p", *"results: export")
        await until(lambda: "Results: Export: Write what is shown" in shown(app), pilot)
        await settle(app, pilot)
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, ExportScreen), pilot)
        assert app.view.SCOPE == "results"


async def test_themes_turn_and_text_follows(filled: Path, open_app: OpenApp) -> None:
    async with open_app(filled) as (app, pilot):
        assert app.theme == DARK
        await pilot.press("3", "ctrl+t")
        await settle(app, pilot)
        assert app.theme == LIGHT
        light = next(theme for theme in THEMES if theme.name == LIGHT)
        colours = {
            str(segment.style.color.name).upper()
            for strip in app.screen._compositor.render_strips(app.size)
            for segment in strip
            if isinstance(segment.style, Style) and segment.style.color is not None
        }
        assert light.success in colours, "the running job is drawn in the new theme's green"
        for theme in ("solarized-light", "nord"):
            app.theme = theme
            await pilot.press("ctrl+t")
            await pilot.pause()
            assert app.theme == (LIGHT if theme == "nord" else DARK)


async def test_a_part_takes_the_whole_screen(filled: Path, open_app: OpenApp) -> None:
    async with open_app(filled) as (app, pilot):
        await pilot.press("3", "+")
        await settle(app, pilot)
        assert app.screen.maximized is not None
        assert "Jobs" not in shown(app)
        await pilot.press("escape")
        await settle(app, pilot)
        assert app.screen.maximized is None


async def test_an_error_of_the_store_is_a_line_and_not_the_end(
    filled: Path, open_app: OpenApp
) -> None:
    async with open_app(filled) as (app, pilot):
        app.writer.do(app, lambda store: store.job(99), lambda _: Told("never"))
        await until(lambda: any("no job 99 in this store" in line for line in told(app)), pilot)
        app.worker.do(app, lambda _: 1 / 0, lambda _: Told("never"))
        await until(lambda: any("ZeroDivisionError" in line for line in told(app)), pilot)
        app.worker.do(app, lambda _: "[/] fine", Told)
        await until(lambda: "[/] fine" in shown(app), pilot)


async def test_only_the_last_of_several_requests_is_answered(
    filled: Path, open_app: OpenApp
) -> None:
    async with open_app(filled) as (app, pilot):
        ran: list[int] = []
        for number in range(50):

            def query(_: None, number: int = number) -> str:
                ran.append(number)
                return f"answer {number}"

            app.worker.ask(app, "same", query, Told)
        await settle(app, pilot)
        await until(lambda: "answer 49" in shown(app), pilot)
        assert ran[-1] == 49
        assert len(ran) < 50


async def test_no_color_is_grey(
    filled: Path, open_app: OpenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with open_app(filled) as (app, pilot):
        await pilot.press("3")
        await settle(app, pilot)
        assert "▶" in shown(app), "the state is in a sign too"
        strips = list(app.screen._compositor.render_strips(app.size))
        for line_filter in app.get_line_filters():
            background = app.screen.background_colors[1]
            strips = [strip.apply_filter(line_filter, background) for strip in strips]
        for strip in strips:
            for segment in strip:
                style = segment.style
                for colour in () if style is None else (style.color, style.bgcolor):
                    if colour is not None and colour.triplet is not None:
                        assert len(set(colour.triplet)) == 1


async def test_a_double_click_selects_nothing(filled: Path, open_app: OpenApp) -> None:
    async with open_app(filled) as (app, pilot):
        for tab in "14":
            await pilot.press(tab)
            await settle(app, pilot)
            for offset in ((5, 3), (5, 12)):
                await pilot.double_click(offset=offset)
                await settle(app, pilot)
        assert app.screen.selections == {}
