"""The decoder passes whose counts give those of any number of tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from runner.flops.counter import Count, count


def decoder_passes(
    run: Callable[[torch.Tensor, Any], Any], rows: int, *, prompt: int, cached: bool
) -> tuple[Count, Count, Count]:
    """Counts the prefill, and the two decoder passes after it.

    Args:
        run: One pass of a model on the meta device, from ids, ``(rows, tokens)``, and the cache of
            the pass before, None where there is none; gives the model's output.
        rows: Of the decoder.
        prompt: Tokens of the prompt.
        cached: Whether a pass reads the keys and values of the one before. Without a cache the
            pass still fills a fresh one: that costs nothing, and transformers reads a value from
            the mask, which meta tensors lack, where there is no cache at all.
    """
    cache: Any = None

    def forward(tokens: int) -> None:
        nonlocal cache
        output = run(torch.zeros((rows, tokens), device="meta", dtype=torch.long), cache)
        cache = output.past_key_values if cached else None

    later = (1, 1) if cached else (prompt + 1, prompt + 2)
    first = count(lambda: forward(prompt))
    second = count(lambda: forward(later[0]))
    third = count(lambda: forward(later[1]))
    return first, second, third
