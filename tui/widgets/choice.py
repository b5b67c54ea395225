"""One of a few words, chosen with the arrow keys, space or a click."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive

from tui.widgets.keys_in_order import KeysInOrder, actions_of


class Choice(KeysInOrder, can_focus=True):
    """All choices stand in a line; the chosen one is marked, with and without colour."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"choice--chosen", "choice--other"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,space", "turn(1)", show=False),
        Binding("left", "turn(-1)", show=False),
    ]
    KEYS = actions_of(BINDINGS)

    class Changed(Message):
        """Another word was chosen."""

        def __init__(self, choice: Choice, value: str) -> None:
            super().__init__()
            self.choice = choice
            self.value = value

        @property
        def control(self) -> Choice:
            return self.choice

    value: reactive[str] = reactive("")

    def __init__(self, choices: Sequence[str], value: str = "", *, id: str | None = None) -> None:
        """A line of choices.

        Args:
            choices: The words, in their order.
            value: The chosen one; where it is none of them, nothing is marked.
            id: Id of the widget.
        """
        super().__init__(id=id)
        self._choices = tuple(choices)
        self.set_reactive(Choice.value, value)

    def offer(self, choices: Sequence[str], value: str) -> None:
        """Offers other choices; says nothing of the value that is chosen with them."""
        self._choices = tuple(choices)
        self.set_reactive(Choice.value, value)
        self.refresh(layout=True)

    def render(self) -> Text:
        chosen = self.get_component_rich_style("choice--chosen")
        other = self.get_component_rich_style("choice--other")
        text = Text(no_wrap=True, overflow="ellipsis")
        for choice in self._choices:
            mine = choice == self.value
            text.append(f"[{choice}]" if mine else f" {choice} ", chosen if mine else other)
        if self.value not in self._choices:
            text.append(f" {self.value}", other)
        return text

    def action_turn(self, by: int) -> None:
        at = self._choices.index(self.value) if self.value in self._choices else -by
        self._choose(self._choices[(at + by) % len(self._choices)])

    def on_click(self, event: events.Click) -> None:
        left = 0
        for choice in self._choices:
            left += cell_len(choice) + 2
            if event.x < left:
                self._choose(choice)
                return

    def _choose(self, value: str) -> None:
        if value != self.value:
            self.value = value
            self.post_message(self.Changed(self, value))
