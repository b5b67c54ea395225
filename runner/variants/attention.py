"""How attention is computed: eager (three operations), SDPA (PyTorch's fused kernel), flash."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

import torch

from runner.clips.clip import Waveform
from runner.engines.base import Technique
from runner.engines.torch_engine import TorchEngine
from runner.errors import Refused
from store.records import Proof

_NAMES = {"eager": "eager", "sdpa": "sdpa", "flash": "flash_attention_2"}
"""What the config calls it -> what transformers calls it."""
_KERNELS = {
    "eager": ("aten::softmax",),
    "sdpa": ("aten::scaled_dot_product_attention",),
    "flash": ("flash_attn",),
}
"""Beginnings of the operators that only this implementation runs, in a model whose only softmax is
attention's."""


class Attention(Technique[TorchEngine]):
    """The implementation of attention, of every layer alike."""

    part = "attention"
    leaves_work = True
    needs = frozenset({"torch", "attention"})
    same_text = True

    def unsupported_reason(self) -> str | None:
        """Flash attention is a package of its own, for half precision on NVIDIA GPUs."""
        if self.variant.attention != "flash":
            return None
        if torch.device(self.request.device).type != "cuda":
            return "needs an NVIDIA GPU; use sdpa"
        if self.variant.precision not in ("fp16", "bf16"):
            return 'needs "precision": "fp16" or "bf16"'
        if find_spec("flash_attn") is None:
            return "needs the package flash-attn, which is not installed; use sdpa"
        return None

    def apply(self, engine: TorchEngine) -> None:
        """Sets it for every layer.

        Raises:
            Refused: the architecture has no such implementation.
        """
        try:
            engine.model.set_attn_implementation(_NAMES[self.requested])
        except (ValueError, ImportError) as error:
            words = " ".join(str(error).split())[:200]
            why = f"variant {self.variant.name}: attention {self.requested}: {words}"
            raise Refused(f"{why}; use sdpa or eager") from error

    def verify(self, engine: TorchEngine, batch: Sequence[Waveform]) -> Proof:
        """Looks at the operators that run."""
        from runner.profiler import profile_operators

        with engine.shortened(2):
            ran = profile_operators(
                lambda: engine.transcribe(batch), device=str(engine.device), keep=10_000
            )
        calls = {
            kind: sum(operator.calls for operator in ran if operator.name.startswith(names))
            for kind, names in _KERNELS.items()
        }
        others = [kind for kind, count in calls.items() if count and kind != self.requested]
        if not calls[self.requested] or others:
            words = ", ".join(f"{kind} x {count}" for kind, count in calls.items())
            raise self.no_effect(f"attention ran as {words}")
        return self.proof(f"{', '.join(_KERNELS[self.requested])} x {calls[self.requested]}")
