"""What an action is. Nothing of Textual here: the docs are made from these too."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Action:
    """One thing a user can do."""

    id: str
    """``<scope>.<verb>``; the verb, with ``-`` as ``_``, names the method ``action_<verb>``."""
    keys: str
    """Default keys, as Textual writes them, e.g. ``x,delete``; empty for the palette only."""
    label: str
    """One or two words for the footer."""
    help: str
    """One sentence for the help, the palette and docs/keys.md, without a full stop."""
    footer: bool = True
    """Whether the footer shows it; where space is short, only what is used most."""
    writes: bool = False
    """Changes the store or starts something: refused with ``--readonly``."""

    @property
    def method(self) -> str:
        """What Textual calls: ``action_<this>``."""
        return self.id.rpartition(".")[2].replace("-", "_")


@dataclass(frozen=True)
class Scope:
    """Where actions apply: the whole app, a tab, or a modal."""

    name: str
    title: str
    """Heading in the help."""
    actions: tuple[Action, ...]

    def __post_init__(self) -> None:
        for action in self.actions:
            if action.id.rpartition(".")[0] != self.name:
                raise ValueError(f"action {action.id} does not belong to scope {self.name}")
