"""What is light stays light: no framework is imported before a case needs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

HEAVY = {
    "torch",
    "transformers",
    "datasets",
    "textual",
    "codecarbon",
    "docker",
    "pocketsphinx",
    "matplotlib",
    "seaborn",
    "pandas",
    "typst",
    "ray",
}

NOWHERE = "127.0.0.1:1"
"""No cluster's address: one that another test started must not be found."""

HELP_CPU_S = 1.5
"""CPU time of `asrprof --help`, interpreter and imports included."""

REPORT = (
    "; import json, resource, sys; u = resource.getrusage(resource.RUSAGE_SELF); "
    "print('\\n' + json.dumps([sorted({n.partition('.')[0] for n in sys.modules}), "
    "u.ru_utime + u.ru_stime]))"
)


def imported(script: str) -> tuple[set[str], float]:
    """The top-level modules that a script imports in a fresh process, and its CPU seconds."""
    process = subprocess.run(
        [sys.executable, "-c", script + REPORT],
        cwd=ROOT,
        env={**os.environ, "RAY_ADDRESS": NOWHERE},
        capture_output=True,
        text=True,
        check=True,
    )
    modules, cpu_s = json.loads(process.stdout.splitlines()[-1])
    return set(modules), cpu_s


@pytest.mark.parametrize(
    "script",
    [
        "import runner.config, runner.config_file, runner.grid, runner.events",
        "import runner.engines.catalogue, runner.variants.catalogue",
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


def test_help_is_quick() -> None:
    modules, cpu_s = imported("from runner.cli import main; assert main(['--help']) == 0")
    assert not modules & HEAVY
    if cpu_s > HELP_CPU_S:  # The first run may have had to compile everything.
        cpu_s = min(imported("from runner.cli import main; main(['--help'])")[1] for _ in range(3))
    assert cpu_s < HELP_CPU_S
