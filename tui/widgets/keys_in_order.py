"""Widgets that obey their keys in the order in which they were typed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input


def actions_of(bindings: Iterable[BindingType], *, but: str = "") -> Mapping[str, str]:
    """The actions of bindings by their keys.

    Args:
        bindings: Those of a widget.
        but: An action that is left to them.
    """
    keys = Binding.make_bindings(bindings)
    return {binding.key: binding.action for binding in keys if binding.action != but}


class KeysInOrder(Widget):
    """Runs the actions of its own keys as soon as it is given them.

    Those of a binding run only when the key has travelled up to the app. Meanwhile a letter that
    was typed after it is written, or the focus is elsewhere: of a fast "backspace, 7" the backspace
    takes away the 7.
    """

    KEYS: ClassVar[Mapping[str, str]] = {}
    """Actions by the names of their keys."""

    async def on_key(self, event: events.Key) -> None:
        action = next((self.KEYS[key] for key in event.aliases if key in self.KEYS), None)
        if action is not None:
            event.stop()
            event.prevent_default()
            await self.run_action(action)


class LineInput(Input, KeysInOrder):
    """A line to type in."""

    KEYS = actions_of(Input.BINDINGS, but="submit")
