"""One line of the config form: a label and what can be typed or chosen."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input, Static

from tui.form import Field, suggestion
from tui.widgets.choice import Choice
from tui.widgets.keys_in_order import LineInput


class FormField(Horizontal):
    """A field; ``Edited`` tells each change that the user makes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        # As for tab: what is typed next goes to the next field.
        Binding("up", "app.focus_previous", show=False, priority=True),
        Binding("down,enter", "app.focus_next", show=False, priority=True),
    ]

    class Edited(Message):
        """The user changed the text."""

        def __init__(self, path: str, text: str) -> None:
            super().__init__()
            self.path = path
            self.text = text

    def __init__(self, field: Field, default: str) -> None:
        """``default`` is shown faintly where nothing is written."""
        super().__init__(id=f"field-{field.path.replace('.', '-')}", classes="form-field")
        self.field = field
        self._default = default

    def compose(self) -> ComposeResult:
        field = self.field
        yield Static(Text(field.label, no_wrap=True, overflow="ellipsis"), classes="label")
        if field.kind == "choice":
            yield Choice(field.choices)
        elif field.kind == "yes-no":
            yield Choice(("no", "yes"))
        else:
            yield LineInput(
                placeholder=self._default,
                compact=True,
                select_on_focus=False,
                suggester=Words(field) if field.choices else None,
            )

    @property
    def entry(self) -> Input | Choice:
        """What has the focus."""
        entry = self.children[-1]
        assert isinstance(entry, Input | Choice)
        return entry

    def put(self, text: str) -> None:
        """Shows a text, which is no change of the user's."""
        entry = self.entry
        with self.prevent(Input.Changed):
            if isinstance(entry, Choice):
                entry.value = text or self._default
            elif entry.value != text:
                entry.value = text
                entry.cursor_position = len(text)  # Not where it was in the text before.

    def mark(self, *, wrong: bool) -> None:
        """Shows whether the field is what has to be mended."""
        self.set_class(wrong, "-wrong")

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Edited(self.field.path, event.value))

    @on(Choice.Changed)
    def _chosen(self, event: Choice.Changed) -> None:
        event.stop()
        self.post_message(self.Edited(self.field.path, event.value))


class Words(Suggester):
    """Completes the last word of a field."""

    def __init__(self, field: Field) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._field = field

    async def get_suggestion(self, value: str) -> str | None:
        return suggestion(self._field, value)
