"""Keys in words, for the help and docs/keys.md."""

from __future__ import annotations

from collections.abc import Mapping

from tui.actions import SCOPES
from tui.actions.action import Action, Scope

MOVING = (
    ("up, down", "Move by a row; k and j do too"),
    ("page up, page down", "Move by a page"),
    ("home, end", "Go to the first or last row; g and G do too"),
    ("enter", "Open what the cursor is on; a double click does too"),
    ("tab, shift+tab", "Go to the next or previous part"),
)
"""Keys that belong to tables and lists rather than to actions."""

_WORDS = {
    "escape": "esc",
    "delete": "del",
    "slash": "/",
    "question_mark": "?",
    "plus": "+",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
}


def keys_of(action: Action, keymap: Mapping[str, str]) -> str:
    """The keys of an action, the user's before the default ones."""
    keys = keymap.get(action.id, action.keys)
    if keys == ",":
        return ","
    return ", ".join(_WORDS.get(key.strip(), key.strip()) for key in keys.split(","))


def document() -> str:
    """The generated part of docs/keys.md."""
    parts = [_table(scope) for scope in SCOPES if scope.actions]
    rows = "".join(f"| {keys} | {words} |\n" for keys, words in MOVING)
    parts.append(f"## Tables and lists\n\n| keys | |\n|---|---|\n{rows}")
    return "\n".join(parts).rstrip()


def _table(scope: Scope) -> str:
    rows = "".join(
        f"| {_cell(keys_of(action, {}))} | {action.help} | `{action.id}` |\n"
        for action in scope.actions
    )
    return f"## {scope.title}\n\n| keys | what they do | action |\n|---|---|---|\n{rows}"


def _cell(keys: str) -> str:
    return ", ".join(f"`{key}`" for key in keys.split(", ")) if keys else ""
