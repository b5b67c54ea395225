"""The techniques of a variant, in the order in which they are applied."""

from __future__ import annotations

from typing import Any

from runner.config import Variant
from runner.engines.base import LoadRequest
from runner.errors import Refused
from runner.variants.attention import Attention
from runner.variants.base import Technique
from runner.variants.beams import Beams
from runner.variants.cache import Cache
from runner.variants.compilation import Compilation
from runner.variants.compiled_decoder import CompiledDecoder
from runner.variants.cuda_graphs import CudaGraph
from runner.variants.precision import Precision
from runner.variants.quantization import Quantization
from runner.variants.speculative import Assistant, PromptLookup
from runner.variants.streaming import Streaming

TECHNIQUES: tuple[type[Technique], ...] = (
    Precision,
    Attention,
    Quantization,
    Cache,
    Beams,
    Assistant,
    PromptLookup,
    Compilation,
    CompiledDecoder,
    CudaGraph,
    Streaming,
)


def techniques_for(request: LoadRequest, family: str) -> tuple[Technique, ...]:
    """What a variant asks for, once it is known to fit the engine and the device.

    Raises:
        Refused: a part of it does not fit; the reason says what to change.
    """
    wanted = [kind(request) for kind in TECHNIQUES if is_asked_for(request.variant, kind.part)]
    for technique in wanted:
        why = f"variant {request.variant.name}: {technique.part} {technique.asked}"
        if family not in technique.families:
            raise Refused(f"{why} does not fit {family}, only {', '.join(_sorted(technique))}")
        obstacle = technique.obstacle()
        if obstacle is not None:
            raise Refused(f"{why}: {obstacle}")
    return tuple(wanted)


def is_asked_for(variant: Variant, part: str) -> bool:
    """Whether a variant says something of a part; of precision every variant does."""
    default: Any = Variant.model_fields[part].default
    return part == Precision.part or getattr(variant, part) != default


def _sorted(technique: Technique) -> list[str]:
    return sorted(technique.families)
