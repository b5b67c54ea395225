"""What the events of a realtime transcription have said so far."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from runner.traffic.server_words import said_in
from runner.traffic.target import Failure

_OF_OPENAI = "conversation.item.input_audio_transcription."
_EMPTY = "input_audio_buffer_commit_empty"


@dataclass
class Heard:
    """The texts of a stream.

    A server that ends turns by itself, although it is asked not to, gives a text for each: they
    are one text, and it is done when all of them are, never before the speech is over.
    """

    committed: bool = False
    """Whether all of the speech has been sent."""
    first_s: float | None = None
    """When the first piece of text came."""
    _turns: dict[str, str | None] = field(default_factory=dict)
    """Of each turn its text, None before it came; in the order of the speech."""

    _last_turn: bool = False
    """Whether the server has said of all the speech in which turn it is."""

    @property
    def done(self) -> bool:
        """Whether nothing more is to come."""
        whole = self.committed and self._last_turn
        return whole and bool(self._turns) and None not in self._turns.values()

    @property
    def text(self) -> str:
        """The whole text."""
        return " ".join(text for text in self._turns.values() if text)

    def take(self, event: dict[str, Any], now_s: float) -> None:
        """Takes an event in; one of a kind that says nothing of the text is passed over.

        Args:
            event: What the server sent.
            now_s: When, monotonic seconds.

        Raises:
            Failure: it is an error, or no such event.
        """
        kind = event.get("type")
        item = str(event.get("item_id", ""))
        if kind in (f"{_OF_OPENAI}delta", "transcription.delta"):
            self._text_came(event.get("delta"), now_s)
        elif kind == "input_audio_buffer.committed":
            self._turns.setdefault(item, None)
            self._last_turn = self.committed
        elif kind in (f"{_OF_OPENAI}completed", "transcription.done"):
            text = event.get("text" if kind == "transcription.done" else "transcript")
            if not isinstance(text, str):
                raise Failure("no_text", "the final event has no text")
            self._text_came(text, now_s)
            self._turns[item] = text.strip()
            # The other dialect has one turn; it may end before its speech does.
            self._last_turn = self.committed or kind == "transcription.done"
        elif kind == "error" and self._turns and _code(event) == _EMPTY:
            self._last_turn = True  # Its own turn had all of the speech.
        elif kind in ("error", f"{_OF_OPENAI}failed"):
            raise Failure("stream_error", said_in(json.dumps(event).encode()))

    def _text_came(self, text: object, now_s: float) -> None:
        if self.first_s is None and isinstance(text, str) and text.strip():
            self.first_s = now_s


def _code(event: dict[str, Any]) -> object:
    error = event.get("error")
    return error.get("code") if isinstance(error, dict) else None
