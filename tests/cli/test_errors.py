"""Whatever a user gets wrong ends in exit code 2 and one line that says what to change."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from runner.cli.app import guarded
from runner.errors import UserError
from store import StoreError
from tests.cli.conftest import Ran
from tests.cli.records import HOSTILE, result

NO_FOLDER = ("--set", 'data={"source": "folder", "path": "d"}')


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nope",), "No such command 'nope'; see `asrprof --help`"),
        (("--nope",), "No such option: --nope"),
        (("run", "--nope"), "No such option: --nope"),
        (("run",), "name a config or a preset (demo, decoder, "),
        (("run", "a.json", "--config", "b.json"), "give the config once"),
        (("run", "demo", "extra"), "Got unexpected extra argument"),
        (("run", "demo", "--set"), "Option '--set' requires an argument"),
        (("run", "demo", "--set", "seed"), "--set 'seed': write key=value"),
        (("run", "dem", "--dry-run"), "no config file or preset 'dem'; did you mean \"demo\"?"),
        (("run", "demo", "--json"), "No such option: --json (Possible options: --store); see"),
        (("queue", "add", "demo", "--priority", "high"), "should be a valid integer; see `asrprof"),
        (("run", "openai/whisper-tiny"), "is a model: name a folder of speech with --data, or"),
        (("run", "no/such.json"), "no config file or preset 'no/such.json'; presets: "),
        (("run", "."), "cannot read config '.': Is a directory"),
        (("run", "study", "--dry-run", "--set", 'exclude=[{"model": "x"}]'), "exclude[0] matches"),
        (("run", "demo", "--dry-run", "--target", "moon"), 'unknown target "moon"'),
        (("run", "demo", "--dry-run", *NO_FOLDER), "there is no folder d in "),
        (("queue", "add", "demo", *NO_FOLDER), "there is no folder d in "),
        (("queue", "shwo"), "see `asrprof queue --help`"),
        (("work", "--store", "typo.db", "--drain"), "typo.db: no such store"),
        (("results",), "results/asrprof.db: no such store: run a benchmark first"),
        (("results", "--store", "."), ".: a folder, not a file"),
        (("results", "--store", "a\0b"), "Invalid value for '--store'"),
        (("results", "--store", "~no-such-user/x.db"), "cannot find the store's folder"),
        (("results", "--limit", "0"), "Invalid value for '--limit'"),
        (("results", "--limit", "many"), "Invalid value for '--limit'"),
        (("results", "--show", str(2**70)), f"--show {2**70}: write a number from 1 to"),
        (("results", "--job", "-1"), "--job -1: write a number from 1 to"),
        (("doctor", "--store", "~no-such-user/x.db"), "cannot find the store's folder"),
        (("models", "extra"), "Got unexpected extra argument"),
        (("schema", "--json"), "No such option: --json"),
        (("demo", "--store", "/dev/null/x.db"), "/dev/null/x.db: "),
        (("demo", "--set", "models=[]"), "demo: models: should not be empty"),
    ],
    ids=lambda value: " ".join(value).replace("\0", "0") if isinstance(value, tuple) else "",
)
def test_one_line(asrprof: Callable[..., Ran], arguments: tuple[str, ...], words: str) -> None:
    ran = asrprof(*arguments)
    assert ran.code == 2
    assert ran.out == ""
    assert re.fullmatch(r"asrprof: error: [^\n]+\n", ran.err)
    assert words in ran.err


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("nope = 1", "--where 'nope = 1': no column 'nope'"),
        ("nope = 1 or wer < 1", "no such column: nope"),
        ("wer <", "--where 'wer <': incomplete input"),
        ("1); drop table results; --", "syntax error"),
        ("'\x1b[31m", "unrecognized token"),
        ("\udcff", "--where is not UTF-8 text"),
        ("wer < 'a\0b'", "--where"),
    ],
    ids=ascii,
)
def test_broken_sql(
    asrprof: Callable[..., Ran], store_with: Callable[..., Path], where: str, words: str
) -> None:
    path = store_with(result())
    ran = asrprof("results", "--store", str(path), "--where", where)
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err
    assert len(ran.err.splitlines()) == 1
    assert "\x1b" not in ran.err
    assert asrprof("results", "--store", str(path), "--json").out.count('"result_id"') == 1


def test_a_result_that_is_not_there(
    asrprof: Callable[..., Ran], store_with: Callable[..., Path]
) -> None:
    ran = asrprof("results", "--store", str(store_with(result())), "--show", "99")
    assert ran.code == 2
    assert "no result 99 in this store" in ran.err


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (UserError("two\nlines"), 2, "x: error: two lines\n"),
        (StoreError("disk full"), 2, "x: error: disk full\n"),
        (PermissionError(13, "Permission denied", "a\nb"), 2, "x: error: Permission denied: a b\n"),
        (OSError("odd"), 2, "x: error: odd\n"),
        (typer.BadParameter("no."), 2, "x: error: Invalid value: no; see `x --help`\n"),
        (typer.Exit(3), 3, ""),
        (typer.Abort(), 130, ""),
        (KeyboardInterrupt(), 130, ""),
        *((UserError(text), 2, None) for text in HOSTILE),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_what_an_error_becomes(
    error: BaseException, code: int, line: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    app = typer.Typer(pretty_exceptions_enable=False)

    @app.command()
    def fail() -> None:
        raise error

    assert guarded(app, [], "x") == code
    said = capsys.readouterr().err
    assert line is None or said == line
    assert len(said.splitlines()) == (1 if code == 2 else 0)
    assert "\x1b" not in said


def test_our_own_mistakes_keep_their_traceback() -> None:
    app = typer.Typer(pretty_exceptions_enable=False)

    @app.command()
    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        guarded(app, [], "x")


def test_a_reader_that_leaves_early() -> None:
    """`asrprof schema | head -1` is no error."""
    script = "import sys; from runner.cli import main; sys.exit(main(['schema']))"
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=60) == 0


def test_help_and_version(asrprof: Callable[..., Ran]) -> None:
    assert asrprof("--version").out.startswith("asrprof ")
    for arguments in ((), ("--help",), ("run", "--help")):
        ran = asrprof(*arguments)
        assert (ran.code, ran.err) == (0, "")
        assert "Usage: asrprof" in ran.out
