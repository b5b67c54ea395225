"""The user's own editor, over the terminal that the app gives up meanwhile."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not Terminal.is_there(), reason="no tmux"),
]

CHANGE = r's/"mine"/"edited"/; s/\[1, 2\]/[1, 2, 4]/'


def test_the_users_own_editor_changes_a_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "editor"
    script.write_text(f"#!/bin/sh\nsed -i '{CHANGE}' \"$1\"\n")
    script.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(script))
    config = tmp_path / "mine.json"
    config.write_text('{"name": "mine", "models": ["pocketsphinx"], "batch_sizes": [1, 2]}')
    terminal = Terminal(tmp_path, "--no-dispatch")
    try:
        terminal.wait_for("Nothing has been measured yet.")
        terminal.type("2")
        terminal.wait_for("mine.json")
        terminal.type("End")
        terminal.wait_for("2 cases, about")
        terminal.type("E")
        terminal.wait_for("3 cases, about")
        assert "not saved" in terminal.screen
        terminal.type("C-s")
        terminal.wait_for("saved")
        saved = json.loads(config.read_text())
        assert (saved["name"], saved["batch_sizes"]) == ("edited", [1, 2, 4])
    finally:
        terminal.close()
