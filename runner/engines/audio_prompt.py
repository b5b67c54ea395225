"""The prompt of a language model that hears: tokens, of which some stand for the audio."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class AudioPrompt:
    """What a clip's audio stands between."""

    before: tuple[int, ...]
    after: tuple[int, ...]
    audio: int
    """The token that is written once for each position of the audio."""
    padding: int

    def tokens(self, positions: int) -> int:
        """Tokens of the prompt of a clip that has so many positions."""
        return len(self.before) + positions + len(self.after)

    def rows(self, positions: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """The prompts of a batch, those that are shorter padded on the left.

        Args:
            positions: Of the audio, for each clip.

        Returns:
            Ids and mask (1 where there is no padding), ``(clips, tokens)`` each, on the host.
        """
        longest = self.tokens(max(positions))
        ids = torch.full((len(positions), longest), self.padding)
        mask = torch.zeros_like(ids)
        for row, count in enumerate(positions):
            said = [*self.before, *[self.audio] * count, *self.after]
            ids[row, longest - len(said) :] = torch.tensor(said)
            mask[row, longest - len(said) :] = 1
        return ids, mask
