"""Bindings made from the registry of actions."""

from __future__ import annotations

from collections.abc import Mapping

from textual.binding import Binding, BindingType

from tui.actions import scope


def bindings(name: str) -> list[BindingType]:
    """The bindings of a scope, each with its action's id, by which the user's keymap knows it."""
    return [
        Binding(
            action.keys,
            action.method,
            action.label,
            show=action.footer,
            tooltip=action.help,
            id=action.id,
        )
        for action in scope(name).actions
        if action.keys
    ]


def normal_keymap(keymap: Mapping[str, str]) -> dict[str, str]:
    """A user's keymap with its keys as Textual names them: ``?`` is ``question_mark``."""
    return {
        action: ",".join(
            binding.key for binding in Binding.make_bindings([Binding(keys, "any", id=action)])
        )
        for action, keys in keymap.items()
    }
