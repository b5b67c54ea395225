"""The user's file: theme, signs, keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.errors import UserError
from tests.tui.conftest import OpenApp, settle, shown, until
from tui.bindings import normal_keymap
from tui.settings import load_settings, settings_path
from tui.themes import check_theme


def write(folder: Path, text: str) -> Path:
    path = folder / "tui.toml"
    path.write_text(text)
    return path


def test_a_file_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "none.toml").keys == {}


def test_everything_can_be_set(tmp_path: Path) -> None:
    settings = load_settings(
        write(tmp_path, 'theme = "nord"\nascii = true\n[keys]\n"queue.cancel" = "ctrl+x,f9"\n')
    )
    assert (settings.theme, settings.ascii) == ("nord", True)
    assert settings.keys == {"queue.cancel": "ctrl+x,f9"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('theme = "nord', "tui.toml: "),
        ("colour = 1", 'unknown setting "colour"'),
        ("theme = 1", "theme should be a text"),
        ('ascii = "yes"', "ascii should be true or false"),
        ('[keys]\n"queue.cancle" = "x"', 'did you mean "queue.cancel"?'),
        ('[keys]\n"queue.cancel" = ""', '"queue.cancel" needs a key'),
        ("keys = 3", "keys should be a table"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UserError) as caught:
        load_settings(write(tmp_path, text))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_where_the_file_is(tmp_path: Path) -> None:
    assert settings_path({"ASRPROF_TUI_SETTINGS": "/a/b.toml"}) == Path("/a/b.toml")
    assert settings_path({"XDG_CONFIG_HOME": "/c"}) == Path("/c/asrprof/tui.toml")
    assert settings_path({}) == Path("~/.config/asrprof/tui.toml").expanduser()


def test_unknown_themes_are_refused_with_the_nearest() -> None:
    check_theme("asrprof-light")
    check_theme("nord")
    with pytest.raises(UserError, match='did you mean "asrprof-dark"'):
        check_theme("asrprof-drak")


def test_keys_are_written_as_people_write_them() -> None:
    assert normal_keymap({"app.help": "?,f1"}) == {"app.help": "question_mark,f1"}


async def test_a_users_key_takes_the_place_of_ours(filled: Path, open_app: OpenApp) -> None:
    keymap = {"app.tab-queue": "!", "queue.log": "ctrl+l"}
    async with open_app(filled, keymap=keymap) as (app, pilot):
        await pilot.press("3")
        await settle(app, pilot)
        assert app.view.SCOPE == "home"
        await pilot.press("exclamation_mark")
        await settle(app, pilot)
        assert app.view.SCOPE == "queue"
        assert "^l Log" in shown(app).splitlines()[-1]
        await pilot.press("question_mark")
        await until(lambda: "ctrl+l" in shown(app), pilot)
