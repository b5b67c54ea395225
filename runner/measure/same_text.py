"""Whether a variant says what its baseline says: over the clips, and whether it promised to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from runner.clips.batches import longest_first
from runner.clips.clip import Clip
from runner.config import Variant
from runner.engines.base import Engine
from runner.variants.techniques import TECHNIQUES

_BELONGS_TO = {"draft_tokens": "assistant"}
"""Fields that only say more of a part, and leave its promise as it is."""


@dataclass(frozen=True)
class SameText:
    """How many of some clips have the same text under both."""

    clips: int
    same: int


def promises_same_text(variant: Variant, baseline: Variant) -> bool:
    """Whether all that tells a variant from its baseline promises the same text.

    What both have in common changes neither's text; what the baseline alone has counts as well.
    """
    promise = {technique.part: technique.same_text for technique in TECHNIQUES}
    ours, theirs = variant.parts, baseline.parts
    differing = {part for part in ours | theirs if ours.get(part) != theirs.get(part)}
    return all(promise.get(_BELONGS_TO.get(part, part), False) for part in differing)


def compare_texts(ours: Mapping[str, str], theirs: Mapping[str, str]) -> SameText:
    """Raw texts of the same clips, by clip."""
    return SameText(len(ours), sum(theirs.get(clip) == text for clip, text in ours.items()))


def hear(
    engine: Engine,
    clips: tuple[Clip, ...],
    batch_size: int,
    *,
    by_length: bool,
    progress: Callable[[float], None],
) -> dict[str, str]:
    """The text of every clip, by clip, each heard once.

    Args:
        engine: A loaded engine.
        clips: What to hear; the last batch may be smaller.
        batch_size: Clips in a batch.
        by_length: Cut into batches by length rather than as they come.
        progress: Told the share that is over.
    """
    in_turn = longest_first(clips) if by_length else clips
    heard: dict[str, str] = {}
    for start in range(0, len(clips), batch_size):
        batch = in_turn[start : start + batch_size]
        texts = engine.transcribe([clip.audio for clip in batch]).texts
        heard |= zip((clip.id for clip in batch), texts, strict=True)
        progress(min(1.0, (start + batch_size) / len(clips)))
    return heard
