"""The user's own settings: theme, signs and keys, from one TOML file.

theme = "asrprof-light"
ascii = false

[keys]
"queue.cancel" = "ctrl+x"
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from runner.errors import UserError
from tui.actions import every_action


@dataclass(frozen=True)
class Settings:
    """What the file says."""

    theme: str | None = None
    ascii: bool = False
    keys: Mapping[str, str] = field(default_factory=dict)
    """Keys by action; several are separated by commas."""


def settings_path(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the file is: ``ASRPROF_TUI_SETTINGS``, else asrprof/tui.toml of the user's configs."""
    if environ.get("ASRPROF_TUI_SETTINGS"):
        return Path(environ["ASRPROF_TUI_SETTINGS"]).expanduser()
    base = environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(base).expanduser() / "asrprof" / "tui.toml"


def load_settings(path: Path) -> Settings:
    """Reads the file; one that is not there says nothing.

    Raises:
        UserError: It cannot be read, or says something unknown.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    for key in document:
        if key not in ("theme", "ascii", "keys"):
            raise UserError(f'{path}: unknown setting "{key}"; known: theme, ascii, keys')
    theme, ascii, keys = (document.get(key) for key in ("theme", "ascii", "keys"))
    if theme is not None and not isinstance(theme, str):
        raise UserError(f"{path}: theme should be a text")
    if ascii is not None and not isinstance(ascii, bool):
        raise UserError(f"{path}: ascii should be true or false")
    return Settings(theme, bool(ascii), _keys(keys, path))


def _keys(keys: object, path: Path) -> dict[str, str]:
    if keys is None:
        return {}
    if not isinstance(keys, dict):
        raise UserError(f'{path}: keys should be a table, for example "queue.cancel" = "ctrl+x"')
    known = [action.id for action in every_action()]
    for action, key in keys.items():
        if action not in known:
            near = get_close_matches(action, known, n=1)
            hint = f'did you mean "{near[0]}"?' if near else "docs/keys.md lists them"
            raise UserError(f'{path}: unknown action "{action}"; {hint}')
        if not isinstance(key, str) or not key.strip():
            raise UserError(f'{path}: "{action}" needs a key, for example "ctrl+x"')
    return dict(keys)
