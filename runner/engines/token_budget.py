"""How many tokens a decoder generates for each row of a batch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager


def fixed_tokens(per_second: float, seconds: float, longest: int, cap: int | None) -> int:
    """Tokens that a row generates where it never stops by itself.

    Args:
        per_second: For each second of audio.
        seconds: Of the longest window.
        longest: Most that the decoder can generate.
        cap: Fewer, for a pass that looks at a few steps only.
    """
    return min(math.ceil(per_second * seconds), longest, cap or longest)


class TokenBudget:
    """What every decoder shares, whatever library runs it."""

    longest: int
    """Most tokens the decoder can generate."""
    tokens_per_second: float | None = None
    """Tokens for each second of audio where the model never stops by itself; else None."""
    cap: int | None = None
    """Tokens of a row in a pass that looks at a few steps only; else None."""

    @property
    def ends_by_itself(self) -> bool:
        """Whether a text ends where the model says so, and not after a given number of tokens."""
        return self.tokens_per_second is None and self.cap is None

    def most_tokens(self, seconds: float) -> int:
        """Most tokens of a text that ends by itself: as many as the decoder has positions.

        Args:
            seconds: Of the longest window.
        """
        return self.longest

    def token_limit(self, seconds: float) -> tuple[int, bool]:
        """Most tokens of a row, and whether it is to have exactly as many.

        Args:
            seconds: Of the longest window.
        """
        if self.tokens_per_second is None:
            most = self.most_tokens(seconds)
            return min(most, self.cap or most), False
        return fixed_tokens(self.tokens_per_second, seconds, self.longest, self.cap), True

    @contextmanager
    def shortened(self, tokens: int) -> Iterator[None]:
        """Caps the decoder at ``tokens`` a row."""
        self.cap = min(tokens, self.longest)
        try:
            yield
        finally:
            self.cap = None
