"""Whether a device computes a model's convolutions rightly in half precision.

It is not a matter of rounding: oneDNN 3.12, which PyTorch's CPU build brings along, gives noise on
processors with AMX where a bfloat16 convolution has few input channels and certain kernel widths.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch

from runner.clips.clip import Waveform
from runner.engines.hooks import hooked
from runner.engines.torch_engine import TorchEngine

MOST_ERROR = 0.1
"""Relative root mean square. Rounding to bfloat16 gives 0.003; what is not the convolution, 1."""

_KINDS = (torch.nn.Conv1d, torch.nn.Conv2d)


def worst_convolution(engine: TorchEngine, batch: Sequence[Waveform]) -> tuple[str, float] | None:
    """The convolution that is furthest from the same one in fp32, where any is too far.

    Args:
        engine: The engine on its device.
        batch: What to hear; each convolution is looked at once, with the input it gets.

    Returns:
        Its name in the model and its error, relative to the root mean square of the right output;
        None where all are right but for rounding.
    """
    names = {module: name for name, module in engine.model.named_modules()}
    errors: dict[str, float] = {}

    def look(module: Any, arguments: tuple[Any, ...], keywords: Any, output: Any) -> None:
        name = names[module]
        if name not in errors and arguments:
            errors[name] = _error(module, arguments, output)

    with hooked([m for m in names if isinstance(m, _KINDS)], look, before=False):
        engine.transcribe(batch)
    if not errors:
        return None
    name = max(errors, key=errors.__getitem__)
    return (name, errors[name]) if errors[name] > MOST_ERROR else None


def _error(module: Any, arguments: tuple[Any, ...], output: Any) -> float:
    exact = copy.deepcopy(module).float()
    given, *others = arguments
    with torch.autocast(given.device.type, enabled=False):
        # Its own forward, which a subclass may have, without its hooks.
        right = _heard(type(exact).forward(exact, given.float(), *others))
    size = float(right.square().mean().sqrt())
    found = _heard(output).float()
    return float((found - right).square().mean().sqrt()) / size if size else 0.0


def _heard(output: Any) -> torch.Tensor:
    """What a convolution gives; Moonshine streaming's give a mask beside it."""
    heard: torch.Tensor = output[0] if isinstance(output, tuple) else output
    return heard
