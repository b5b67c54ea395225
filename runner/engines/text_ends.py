"""Where the texts of a batch end, and whether they end by themselves."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class TextEnds:
    """Where the texts of a batch end, a value a row."""

    tokens: tuple[int, ...]
    """Tokens up to and including the first end-of-text; all of them where there is none."""
    at_limit: tuple[bool, ...]
    """Whether there is none: the decoder went on until it was ended by its length limit."""


def text_ends(generated: torch.Tensor, end: int | list[int]) -> TextEnds:
    """Where each row ends.

    Args:
        generated: Ids without the prompt, ``(rows, tokens)``, on the host. A row that has ended is
            followed by padding.
        end: The id, or the ids, of end-of-text.
    """
    ends = torch.isin(generated, torch.tensor(end))
    open_before = (ends.cumsum(dim=1) - ends.to(torch.int64)) == 0
    return TextEnds(
        tokens=tuple(open_before.sum(dim=1).tolist()),
        at_limit=tuple((~ends.any(dim=1)).tolist()),
    )
