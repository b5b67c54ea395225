"""Engines whose text comes token by token from transformers' ``generate()``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

from transformers.generation.streamers import BaseStreamer

from runner.engines.base import Mark, no_mark
from runner.engines.fallback import Fallback
from runner.engines.hooks import hooked
from runner.engines.speculation import Speculation
from runner.engines.streamer import StageStreamer
from runner.engines.token_budget import TokenBudget
from runner.engines.torch_engine import TorchEngine


class GenerateEngine(TokenBudget, TorchEngine):
    """One model with an encoder and a decoder."""

    token_each_pass = True
    speculation: Speculation | None = None
    """What drafts tokens for it, or None."""
    fallback: Fallback | None = None
    """What has unlikely texts decoded again, or None."""
    tokenizer: Any
    prompt: int
    """Tokens before the first generated one: start, language, task, no timestamps."""

    @property
    def models(self) -> tuple[Any, ...]:
        """See :attr:`~runner.engines.torch_engine.TorchEngine.models`."""
        drafter = self.speculation.drafter if self.speculation is not None else None
        return (self.model,) if drafter is None else (self.model, drafter)

    @property
    def encoder(self) -> Any:
        """See :attr:`TorchEngine.encoder`."""
        return self.model.get_encoder()

    @property
    def last_of_encoder(self) -> Any:
        """The module that ends the stage ``encode``."""
        return self.encoder

    def beginnings(self, rows: int) -> dict[str, Any]:
        """What every text begins with: arguments of ``generate()``.

        Args:
            rows: Of the batch.

        Returns:
            Nothing where the generation settings say it all.
        """
        return {}

    bounds: ClassVar[tuple[str, ...]] = ("max_length", "min_length")
    """Settings of ``generate()`` that :meth:`bound` writes."""

    def max_length(self, tokens: int) -> int:
        """What ``generate()`` calls ``max_length`` for so many new tokens: the prompt counts."""
        return tokens + self.prompt

    def bound(self, tokens: int, *, fixed: bool) -> None:
        """Sets how many new tokens ``generate()`` gives a row.

        Args:
            tokens: The most.
            fixed: Whether it is to give exactly as many.
        """
        settings = self.model.generation_config
        settings.max_length = self.max_length(tokens)
        if fixed:
            settings.min_length = tokens + self.prompt

    @contextmanager
    def following(self, mark: Mark) -> Iterator[Passes]:
        """Follows a ``generate()`` that is about to begin.

        A streamer is told of the prompt once the encoder has run and of every token after it, so
        one ``generate()`` gives all stages; the end-to-end pass runs without one. A search over
        several hypotheses takes no streamer, and neither does an assistant, and their passes are
        not one a token: there hooks mark the stages and count.
        """
        greedy = self.model.generation_config.num_beams in (None, 1)
        if greedy and self.speculation is None:
            yield Passes(None if mark is no_mark else StageStreamer(mark))
            return
        with self.watching(mark) as passes:
            yield passes

    @contextmanager
    def watching(self, mark: Mark) -> Iterator[Passes]:
        """Marks the stages and counts the decoder's passes by hooks."""
        passes = Passes(None, count=0)

        def encoded(*_: Any) -> None:
            mark("encode")

        def decoded(*_: Any) -> None:
            passes.count = (passes.count or 0) + 1
            if passes.count == 1:
                mark("prefill")

        encoder, decoder = self.last_of_encoder, self.model.get_decoder()
        with hooked([encoder], encoded, before=False), hooked([decoder], decoded, before=False):
            yield passes

    @contextmanager
    def exactly(self, tokens: int) -> Iterator[None]:
        """Has every row generate ``tokens`` tokens, whatever they are."""
        settings = self.model.generation_config
        before = {name: getattr(settings, name) for name in self.bounds}
        self.bound(tokens, fixed=True)
        try:
            yield
        finally:
            for name, value in before.items():
                setattr(settings, name, value)


@dataclass
class Passes:
    """What is known of the decoder passes of one ``generate()``."""

    streamer: BaseStreamer | None
    count: int | None = None
    """Passes so far; None where the text's length says it."""
