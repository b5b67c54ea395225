"""What a script imports and opens, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from tests.packages import ROOT

HEAVY = {
    "scipy",
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
"""What no command may import before it is needed."""

NOWHERE = "127.0.0.1:1"
"""No cluster's address: one that another test started must not be found."""

LISTEN = (
    "import sys; opened = []; sys.addaudithook(lambda event, given: "
    "opened.append(given[0]) if event == 'open' and isinstance(given[0], str) else None); "
)
REPORT = "; import json; print('\\n' + json.dumps([sorted(sys.modules), opened]))"


def imported(script: str) -> tuple[set[str], list[str]]:
    """The modules that a script imports in a fresh process, and the files that it opens."""
    process = subprocess.run(
        [sys.executable, "-c", LISTEN + script + REPORT],
        cwd=ROOT,
        env={**os.environ, "RAY_ADDRESS": NOWHERE},
        capture_output=True,
        text=True,
        check=True,
    )
    modules, opened = json.loads(process.stdout.splitlines()[-1])
    return set(modules), opened
