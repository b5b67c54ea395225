"""A group of commands that imports a command when it is called, and none to list them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup


@dataclass(frozen=True)
class LazyCommand:
    """A command that is not imported yet."""

    target: str
    """``module:name`` of its function, or of the Typer application of its own commands."""
    summary: str
    """The first sentence of its help."""

    def load(self) -> Any:
        """Imports it."""
        module, _, attribute = self.target.partition(":")
        return getattr(import_module(module), attribute)


class LazyGroup(TyperGroup):
    """Knows its commands by their names and summaries alone."""

    entries: ClassVar[Mapping[str, LazyCommand]]
    """Name -> command, in the order of the help."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for name, entry in self.entries.items():
            # Stands in for the command where only names and summaries are asked for.
            self.add_command(TyperCommand(name, help=entry.summary, short_help=entry.summary))
        self._loaded: set[str] = set()

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command itself, imported; None if there is no such command."""
        entry = self.entries.get(cmd_name)
        if entry is not None and cmd_name not in self._loaded:
            self.add_command(_command(cmd_name, entry.load()))
            self._loaded.add(cmd_name)
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Writes the list of the help, of what stands in for the commands."""
        TyperGroup(commands=dict(self.commands)).format_commands(ctx, formatter)


def _command(name: str, found: Any) -> Any:
    # In a group of its own: Typer makes a lone command the whole application.
    holder = typer.Typer(add_completion=False, rich_markup_mode=None)
    if isinstance(found, typer.Typer):
        holder.add_typer(found, name=name)
    else:
        holder.callback()(_nothing)
        holder.command(name)(found)
    group = typer.main.get_command(holder)
    assert isinstance(group, TyperGroup)
    return group.commands[name]


def _nothing() -> None:
    """The group of a lone command does nothing itself."""
