"""The techniques of a variant, in the order in which they are applied."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from runner.config import Variant
from runner.engines.base import CAPABILITIES, Engine, Loader, LoadRequest, Technique
from runner.errors import Refused
from runner.variants.attention import Attention
from runner.variants.audio_context import AudioContext
from runner.variants.beams import Beams
from runner.variants.cache import Cache
from runner.variants.compilation import Compilation
from runner.variants.compiled_decoder import CompiledDecoder
from runner.variants.cuda_graphs import CudaGraph
from runner.variants.fallback import TemperatureFallback
from runner.variants.long_form import LongAudio
from runner.variants.precision import Precision
from runner.variants.quantization import Quantization
from runner.variants.speculative import Assistant, PromptLookup
from runner.variants.streaming import Streaming

TECHNIQUES: tuple[type[Technique[Any]], ...] = (
    Precision,
    Attention,
    Quantization,
    AudioContext,
    LongAudio,
    Cache,
    Beams,
    Assistant,
    PromptLookup,
    TemperatureFallback,
    Compilation,
    CompiledDecoder,
    CudaGraph,
    Streaming,
)
"""Those that are common to engines, one for each part of a variant."""

_BELONGS_TO = {
    "autocast": "precision",
    "quantize_only": "quantization",
    "draft_tokens": "assistant",
    "left_seconds": "chunk_seconds",
    "right_seconds": "chunk_seconds",
}
"""Fields that only say more of a part -> the part."""
_SAME_PROMISE = {"draft_tokens"}
"""Those of them that leave the part's promise as it is."""


def techniques_for(
    request: LoadRequest, engine: type[Engine], load: Loader
) -> tuple[Technique[Any], ...]:
    """What a variant asks for, once it is known to fit the engine and the device.

    Args:
        request: What is to be loaded.
        engine: What it is to be run with.
        load: Loads a second model, for a technique that needs one.

    Raises:
        Refused: a part of it does not fit; the reason says what to change.
    """
    variant = request.variant
    own = {technique.part: technique for technique in engine.own_techniques}
    wanted = []
    for common in TECHNIQUES:
        if not _is_requested(variant, common.part):
            continue
        technique = own.get(common.part, common)(request, load)
        why = f"variant {variant.name}: {technique.part} {technique.requested}"
        lacking = technique.needs - engine.capabilities
        if lacking and common is Precision and not variant.parts.keys() & {"precision", "autocast"}:
            continue  # Every variant has a precision; an engine without a choice has its own.
        if lacking:
            words = " and no ".join(CAPABILITIES[each] for each in sorted(lacking))
            raise Refused(f"{why} does not fit {engine.family}: it has no {words}")
        reason = technique.unsupported_reason()
        if reason is not None:
            raise Refused(f"{why}: {reason}")
        wanted.append(technique)
    return tuple(wanted)


def _is_requested(variant: Variant, part: str) -> bool:
    """Whether a variant says something of a part; of precision every variant does."""
    return part == Precision.part or part in _parts(variant)


def _parts(variant: Variant) -> Iterator[str]:
    return (_BELONGS_TO.get(part, part) for part in variant.parts)


def promises_same_text(variant: Variant, baseline: Variant) -> bool:
    """Whether all that tells a variant from its baseline promises the same text.

    What both have in common changes neither's text; what the baseline alone has counts as well.
    """
    promise = {technique.part: technique.same_text for technique in TECHNIQUES}
    ours, theirs = variant.parts, baseline.parts
    differing = {part for part in ours | theirs if ours.get(part) != theirs.get(part)}
    return all(
        promise.get(_BELONGS_TO[part] if part in _SAME_PROMISE else part, False)
        for part in differing
    )
