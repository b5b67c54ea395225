"""Number formats: fp32, TF32, fp16, bf16; pure, or through autocast.

Pure half precision converts weights and activations. Autocast keeps fp32 weights and converts at
each matrix product and convolution, leaving what is sensitive to rounding in fp32.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch

from runner.clips.clip import Waveform
from runner.engines.base import Technique
from runner.engines.hooks import hooked
from runner.engines.torch_engine import TorchEngine
from runner.errors import Refused
from runner.variants.convolutions import worst_convolution
from store.records import Proof

DTYPES = {
    "fp32": torch.float32,
    "tf32": torch.float32,
    "fp16": torch.float16,
    "bf16": torch.bfloat16,
}
_HALF = (torch.float16, torch.bfloat16)
TF32_ERROR = 1e-4
"""A product of two 256 x 256 matrices with TF32's ten bits of mantissa is off by more than this
(relative, root mean square), with fp32's 23 bits by far less."""


class Precision(Technique[TorchEngine]):
    """The number format of weights and activations."""

    part = "precision"
    leaves_work = True
    needs = frozenset({"torch"})

    @property
    def requested(self) -> str:
        """The format, and how it is had."""
        return f"{self.variant.precision}{' autocast' if self.variant.autocast else ''}"

    def unsupported_reason(self) -> str | None:
        """TF32 is a mode of NVIDIA's tensor cores, since Ampere."""
        if self.variant.precision != "tf32":
            return None
        device = torch.device(self.request.device)
        if device.type != "cuda" or torch.cuda.get_device_capability(device) < (8, 0):
            return "needs an NVIDIA GPU of compute capability 8.0 or later; use fp32"
        return None

    def apply(self, engine: TorchEngine) -> None:
        """Converts the weights, or sets up what converts at run time."""
        dtype = DTYPES[self.variant.precision]
        engine.tf32 = self.variant.precision == "tf32"
        if self.variant.autocast:
            engine.autocast = dtype
            # Autocast keeps the converted weights until the end of a call only where they could
            # be trained; otherwise every decoder step would convert them again.
            engine.model.requires_grad_(True)
        else:
            engine.dtype = dtype
            if not engine.keeps_fp32:
                engine.model = engine.model.to(dtype)
            for name, part in engine.model.named_children() if engine.keeps_fp32 else ():
                if name not in engine.keeps_fp32:
                    part.to(dtype)

    def verify(self, engine: TorchEngine, batch: Sequence[Waveform]) -> Proof:
        """Looks at the parameters, at what linear layers give, and at a product's error.

        Raises:
            Refused: this processor does not compute the model's convolutions in that format.
        """
        # Against what the config asks for: what the engine holds may be what was never set.
        asked = DTYPES[self.variant.precision]
        weights = torch.float32 if self.variant.autocast else asked
        kept = tuple(f"{name}." for name in engine.keeps_fp32)
        stored = Counter(
            p.dtype
            for name, p in engine.model.named_parameters()
            if p.is_floating_point() and not name.startswith(kept)
        )
        if set(stored) - {weights}:
            raise self.no_effect(f"parameters are {_words(stored)}")
        found = f"parameters {_words(stored)}"
        if self.variant.autocast:
            given = _linear_outputs(engine, batch)
            if set(given) != {asked}:
                raise self.no_effect(f"linear layers give {_words(given)}")
            found += f"; linear layers give {_words(given)}"
        elif engine.device.type == "cuda" and asked == torch.float32:
            error = _product_error(engine)
            if (error > TF32_ERROR) != (self.variant.precision == "tf32"):
                raise self.no_effect(f"a product of matrices is off by {error:.0e}")
            found += f"; a product of matrices is off by {error:.0e}"
        if asked in _HALF:
            self._check_convolutions(engine, batch)
        return self.proof(found)

    def _check_convolutions(self, engine: TorchEngine, batch: Sequence[Waveform]) -> None:
        worst = worst_convolution(engine, batch)
        if worst is None:
            return
        name, error = worst
        remedy = "use fp32"
        if engine.device.type == "cpu":
            remedy += ", or set ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16 where the processor has AMX"
        raise Refused(
            f"variant {self.variant.name}: {self.requested} is computed wrongly on this device: "
            f"the convolution {name} is off by {error:.0%}; {remedy}"
        )


def _linear_outputs(engine: TorchEngine, batch: Sequence[Waveform]) -> Counter[torch.dtype]:
    given: Counter[torch.dtype] = Counter()

    def look(module: Any, arguments: Any, keywords: Any, output: torch.Tensor) -> None:
        given[output.dtype] += 1

    linear = [m for m in engine.model.modules() if isinstance(m, torch.nn.Linear)]
    with hooked(linear, look, before=False):
        engine.transcribe(batch)
    return given


def _product_error(engine: TorchEngine) -> float:
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(256, 256, generator=generator, dtype=torch.float64) for _ in range(2))
    exact = a @ b
    with engine.inference():
        found = (a.float().to(engine.device) @ b.float().to(engine.device)).double().cpu()
    return float((found - exact).square().mean().sqrt() / exact.square().mean().sqrt())


def _words(counts: Counter[torch.dtype]) -> str:
    listed = (f"{str(dtype).removeprefix('torch.')} x {n}" for dtype, n in counts.most_common())
    return ", ".join(listed) or "none"
