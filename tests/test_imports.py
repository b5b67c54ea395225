"""What is light stays light: no framework is imported before a case needs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.tui.big_store import CASES, make_big_store
from tests.fresh import HEAVY, imported


@pytest.mark.parametrize(
    "script",
    [
        "import runner.config, runner.config_file, runner.grid, runner.events",
        "import runner.catalogue.models, runner.catalogue.variants",
        "import runner.dispatch.catalogue, runner.dispatch.dispatcher",
        "import runner.cli.app",
        "from runner.cli import main; assert main(['models']) == 0",
        "from runner.cli import main; assert main(['run', 'study', '--dry-run']) == 0",
    ],
)
def test_no_framework_is_imported(script: str) -> None:
    modules, _ = imported(script)
    assert "runner" in modules
    assert not modules & HEAVY


UI = HEAVY - {"textual"}


@pytest.mark.parametrize(
    "script",
    [
        "import tui.app, tui.__main__, tui.keys",
        "from tui.options import Options; from pathlib import Path; from tui.app import AsrprofApp;"
        " AsrprofApp(Options(store=Path('no.db')))",
        "import tui.views.fleet, tui.fleet_watcher; from tui.options import cluster_source;"
        " from pathlib import Path; assert not list(cluster_source(Path('no.db')).look())[0].at",
    ],
)
def test_the_terminal_ui_imports_no_framework(script: str) -> None:
    modules, _ = imported(script)
    assert {"tui", "textual"} <= modules
    assert not modules & UI


def test_actions_and_figures_need_no_terminal() -> None:
    modules, _ = imported("import tui.actions, tui.present, tui.plain, tui.settings, tui.keys")
    assert "tui" in modules
    assert not modules & (HEAVY | {"pydantic"})


def test_the_store_knows_nothing_of_the_runner() -> None:
    modules, _ = imported("import store")
    assert "store" in modules
    assert not modules & (HEAVY | {"runner", "pydantic", "rich", "typer", "numpy"})


def test_comparing_needs_numpy_alone() -> None:
    modules, _ = imported("import report.compare, report.pareto")
    assert {"report", "store", "numpy"} <= modules
    assert not modules & (HEAVY | {"runner", "jinja2"})


@pytest.mark.parametrize("words", [(), ("--where", "wer<10%"), ("--sort", "wer"), ("--json",)])
def test_showing_results_imports_no_framework(tmp_path: Path, words: tuple[str, ...]) -> None:
    path = tmp_path / "asrprof.db"
    make_big_store(path, results=CASES, samples=20)
    command = ["results", "--store", str(path), *words]
    modules, _ = imported(f"from runner.cli import main; assert main({command}) == 0")
    # Variants are compared, with intervals: that takes numpy, and Student's t of scipy.
    assert ("numpy" in modules) == (words != ("--json",))
    assert not modules & (HEAVY - {"scipy"})


@pytest.mark.parametrize("command", [["--help"], ["run", "demo", "--dry-run"]])
def test_no_metadata_of_installed_packages_is_read(command: list[str]) -> None:
    script = f"from runner.cli import main; assert main({command}) == 0"
    _, opened = imported(script)
    assert not [path for path in opened if ".dist-info" in path or ".egg-info" in path]


def test_no_source_is_read_for_the_meaning_of_the_config() -> None:
    script = (
        "import linecache, runner.config; assert not any('runner' in f for f in linecache.cache)"
    )
    imported(script)
    imported(f"{script}; assert runner.config.meanings(runner.config.Limits)['threads']")
