"""What drafts come to: passes of the model and of its assistant, tokens that were kept."""

from __future__ import annotations

from itertools import takewhile
from typing import Any

import torch

from store.records import Scalar


class Speculation:
    """What drafts, and what becomes of the drafts."""

    def __init__(self, model: Any, drafter: Any | None) -> None:
        """Counts a model's passes from now on.

        Args:
            model: What checks the drafts.
            drafter: The assistant; None where drafts are looked up.
        """
        self.drafter = drafter
        self.reset()
        # They stay: counting a pass costs nothing beside it.
        model.get_decoder().register_forward_pre_hook(self._passed, with_kwargs=True)
        if drafter is not None:
            drafter.get_decoder().register_forward_pre_hook(self._drafted, with_kwargs=True)

    def figures(self) -> tuple[Scalar, ...]:
        """What was kept of all drafts since the last reset, and what that saved."""
        figures = []
        if self.drafted:
            figures.append(
                Scalar(
                    name="acceptance",
                    value=self.accepted / self.drafted,
                    note=f"{self.accepted} of {self.drafted} drafted tokens kept",
                )
            )
        if self.passes:
            figures.append(
                Scalar(
                    name="tokens_per_pass",
                    value=self.tokens / self.passes,
                    note="tokens for each pass of the model's decoder; 1 without drafts",
                )
            )
        return tuple(figures)

    def reset(self) -> None:
        """Starts counting anew."""
        self.passes = 0
        self.drafter_passes = 0
        self.drafted = 0
        self.accepted = 0
        self.tokens = 0
        self._checked: list[tuple[int, torch.Tensor]] = []
        """Passes of the row in hand: tokens in the cache, and the ids that were given."""

    def _passed(self, module: Any, arguments: Any, keywords: dict[str, Any]) -> None:
        cached = int(keywords["past_key_values"].get_seq_length())
        self._checked.append((cached, keywords["input_ids"][0].clone()))

    def _drafted(self, module: Any, arguments: Any, keywords: dict[str, Any]) -> None:
        self.drafter_passes += 1

    def finish(self, prompt: int, generated: torch.Tensor) -> None:
        """A row has been decoded.

        Args:
            prompt: Tokens before the first generated one.
            generated: The row's tokens without the prompt, on the host.
        """
        tokens = generated.tolist()
        for cached, given in self._checked:
            # A pass is given the tokens that are not cached yet, then the drafts.
            known = max(cached + 1, prompt)
            drafts = given[known - cached :].tolist()
            self.drafted += len(drafts)
            self.accepted += _agreeing(drafts, tokens[known - prompt :])
        self.passes += len(self._checked)
        self.tokens += len(tokens)
        self._checked = []


def _agreeing(drafts: list[int], tokens: list[int]) -> int:
    """How many drafts are as the text went on, from the first."""
    pairs = zip(drafts, tokens, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
