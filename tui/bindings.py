"""Bindings made from the registry of actions."""

from __future__ import annotations

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
