"""The user's own editor, over the whole terminal while it runs."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from textual.app import App, SuspendNotSupported

from runner.errors import UserError


def editor_command(environ: Mapping[str, str] = os.environ) -> list[str]:
    """The command of ``VISUAL`` or ``EDITOR``, else the first editor that is there.

    Raises:
        UserError: There is none.
    """
    for name in ("VISUAL", "EDITOR"):
        if environ.get(name, "").strip():
            return shlex.split(environ[name])
    for name in ("nano", "vim", "vi"):
        if shutil.which(name, path=environ.get("PATH")):
            return [name]
    raise UserError("no editor found: set EDITOR")


def edit(app: App[None], text: str, name: str) -> str:
    """Has the user edit a text; the app is suspended meanwhile.

    Args:
        app: The app that gives the terminal up.
        text: What to edit.
        name: Name of the file that the editor is given.

    Raises:
        UserError: There is no editor or no terminal for it, or it failed.
    """
    command = editor_command()
    with tempfile.TemporaryDirectory(prefix="asrprof-") as folder:
        path = Path(folder) / name
        path.write_text(text, encoding="utf-8")
        try:
            with app.suspend():
                done = subprocess.run([*command, str(path)], check=False)
        except SuspendNotSupported as error:
            raise UserError("no editor can be opened here: there is no terminal") from error
        except OSError as error:
            raise UserError(f"cannot start {command[0]}: {error.strerror or error}") from error
        if done.returncode:
            raise UserError(f"{command[0]} ended with exit code {done.returncode}: nothing changed")
        return path.read_text(encoding="utf-8")
