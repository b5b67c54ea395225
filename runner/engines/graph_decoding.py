"""Greedy decoding of an exported encoder with a decoder, a token of every row a pass.

The rules are those of transformers' ``generate()`` with the settings that the checkpoint was
published with: suppressed tokens, those that may not come first, the prompt, the longest text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.engines.base import Mark, no_mark
from runner.engines.graph_runtime import Graph
from store.records import Scalar


@dataclass(frozen=True)
class Rules:
    """What may be decoded."""

    prompt: tuple[int, ...]
    end: tuple[int, ...]
    """Ids that end a text."""
    padding: int
    """What follows the end."""
    suppressed: tuple[int, ...] = ()
    suppressed_first: tuple[int, ...] = ()
    """May not come first."""

    @staticmethod
    def of(settings: Any, prompt: Sequence[int]) -> Rules:
        """Those of a checkpoint.

        Args:
            settings: Its generation settings.
            prompt: The tokens before the first generated one.
        """
        end = settings.eos_token_id
        ends = tuple(end) if isinstance(end, list) else (end,)
        return Rules(
            prompt=tuple(prompt),
            end=ends,
            padding=ends[0] if settings.pad_token_id is None else settings.pad_token_id,
            suppressed=tuple(settings.suppress_tokens or ()),
            suppressed_first=tuple(settings.begin_suppress_tokens or ()),
        )


class GreedyDecoder:
    """A decoder's graph and its rules."""

    def __init__(self, graph: Graph, rules: Rules, *, heads: int, width: int) -> None:
        """Keeps them.

        Args:
            graph: Inputs ``ids``, ``past.…`` and what the encoder gives; outputs ``logits`` and
                ``present.…``.
            rules: What may be decoded.
            heads: Of the decoder.
            width: Of a head.
        """
        self._graph = graph
        self._rules = rules
        self._empty = (heads, 0, width)
        self._past = sorted(name for name in graph.inputs if name.startswith("past."))

    def decode(
        self,
        encoded: Mapping[str, Any],
        rows: int,
        tokens: int,
        *,
        fixed: bool = False,
        mark: Mark = no_mark,
        after_pass: Callable[[], None] = lambda: None,
    ) -> NDArray[np.int64]:
        """Decodes all rows at once.

        Args:
            encoded: What the encoder gave, on the device.
            rows: Of it.
            tokens: Most tokens of a row.
            fixed: Whether every row is to have just as many.
            mark: Told of the prefill.
            after_pass: Called after each pass.

        Returns:
            Ids without the prompt, ``(rows, passes)``; padding after the end.
        """
        rules, graph = self._rules, self._graph
        ids = np.tile(np.array(rules.prompt, dtype=np.int64), (rows, 1))
        state = {
            **{name: encoded[name] for name in graph.inputs if name in encoded},
            **{
                name: graph.place(np.zeros((rows, *self._empty), np.float32)) for name in self._past
            },
        }
        forbidden = [*rules.suppressed, *(rules.end if fixed else ())]
        generated: list[NDArray[np.int64]] = []
        going = np.ones(rows, dtype=bool)
        while len(generated) < tokens and going.any():
            given = graph.run({**state, "ids": graph.place(ids)})
            logits = graph.fetch(given["logits"])
            logits[:, forbidden] = -np.inf
            if not generated:
                logits[:, rules.suppressed_first] = -np.inf
            best = np.where(going, logits.argmax(axis=-1), rules.padding)
            generated.append(best)
            going &= ~np.isin(best, rules.end)
            ids = best[:, None]
            state |= {name: given[name.replace("past", "present", 1)] for name in self._past}
            if len(generated) == 1:
                mark("prefill")
            after_pass()
        return np.stack(generated, axis=1)

    def cache_figures(self, rows: int, tokens: int, positions: int) -> tuple[Scalar, ...]:
        """Bytes of keys and values after the last token, by their shapes.

        Args:
            rows: Of the batch.
            tokens: Generated.
            positions: Of the encoder's output.
        """
        heads, _, width = self._empty
        each = rows * len(self._past) * heads * width * np.dtype(np.float32).itemsize
        kept = len(self._rules.prompt) + tokens - 1
        note = "keys and values at the end of a batch, by the shapes of the graph's tensors"
        return (
            Scalar(name="self_cache_bytes", value=float(each * kept), note=note),
            Scalar(name="cross_cache_bytes", value=float(each * positions), note=note),
        )
