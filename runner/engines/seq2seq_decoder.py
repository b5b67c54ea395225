"""A decoder by itself: one batch encoded once, then decoded as often as it takes."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from types import MappingProxyType
from typing import Any, ClassVar

import torch
from transformers.modeling_outputs import BaseModelOutput

from runner.engines.base import DecoderPasses
from runner.engines.generation import GenerateEngine
from runner.engines.hooks import hooked
from runner.engines.kv_cache import CacheWatch
from store.records import Scalar

PARTS = {
    "self_attn": "self_attention_share",
    "encoder_attn": "cross_attention_share",
    "fc1": "feed_forward_share",
    "fc2": "feed_forward_share",
    "proj_out": "vocabulary_share",
}
"""Name of a module of the decoder -> the figure that its time belongs to."""


class Seq2SeqDecoder(DecoderPasses):
    """Decodes one batch, exactly ``tokens`` tokens a row."""

    parts: ClassVar[Mapping[str, str]] = PARTS

    def __init__(
        self,
        engine: GenerateEngine,
        features: torch.Tensor,
        tokens: int,
        masks: Mapping[str, torch.Tensor] = MappingProxyType({}),
    ) -> None:
        """Runs the encoder once.

        Args:
            engine: The model.
            features: The encoder's input on the device, ``(windows, ...)``.
            tokens: Tokens to decode a row; the decoder's limit where that is fewer.
            masks: What tells the encoder where padding begins.
        """
        self._engine = engine
        self._tokens = min(tokens, engine.longest)
        self._features = features
        self.rows = features.shape[0]
        with engine.inference():
            self._encoded = engine.model.get_encoder()(features, **masks)

    def run(self, after_pass: Callable[[], None]) -> None:
        """See :class:`~runner.engines.base.DecoderPasses`."""

        def passed(*_: Any) -> None:
            self._engine.synchronize()
            after_pass()

        with hooked([self._engine.model.get_decoder()], passed, before=False):
            self._generate()

    def shares(self, clock: Callable[[], float] = time.perf_counter) -> tuple[Scalar, ...]:
        """Shares of the steps after the prefill that the decoder's modules take."""
        model = self._engine.model
        spent: dict[str, float] = defaultdict(float)
        started: dict[int, float] = {}
        passes = 0
        total_s, last = 0.0, 0.0

        def begin(module: Any, *_: Any) -> None:
            self._engine.synchronize()
            started[id(module)] = clock()

        def stepped(*_: Any) -> None:
            nonlocal passes, total_s, last
            now = clock()
            if passes > 0:
                total_s += now - last
            passes, last = passes + 1, now

        with ExitStack() as stack:
            for name, module in model.named_modules():
                part = self.parts.get(name.rpartition(".")[2])
                if part is None or not self._decodes(name):
                    continue

                def end(module: Any, *_: Any, part: str = part) -> None:
                    self._engine.synchronize()
                    if passes > 0:  # After the prefill.
                        spent[part] += clock() - started[id(module)]

                stack.enter_context(hooked([module], begin, before=True))
                stack.enter_context(hooked([module], end, before=False))
            stack.enter_context(hooked([model.get_decoder()], stepped, before=False))
            self._generate()
        if total_s == 0:
            return ()
        note = "of the time of the steps after the prefill, in a pass with a clock at every module"
        return tuple(
            Scalar(name=name, value=spent[name] / total_s, note=note)
            for name in dict.fromkeys(self.parts.values())
        )

    def _decodes(self, name: str) -> bool:
        """Whether a module of that name is the decoder's."""
        return ".encoder." not in name

    def cache(self) -> tuple[Scalar, ...]:
        """Bytes of the key-value cache after the last token."""
        watch = CacheWatch()
        with watch.watching(self._engine.model):
            self._generate()
        return watch.figures()

    def _generate(self) -> None:
        # generate() may write into what it is given, and a decoder into the encoder's output.
        encoded = BaseModelOutput(last_hidden_state=self._encoded.last_hidden_state.clone())
        # Moonshine and its relatives, and Canary, look for one.
        encoded.attention_mask = getattr(self._encoded, "attention_mask", None)
        with self._engine.exactly(self._tokens), self._engine.inference():
            self._engine.model.generate(
                self._features, encoder_outputs=encoded, **self._engine.beginnings(self.rows)
            )
            self._engine.synchronize()
