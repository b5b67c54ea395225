"""A quality record that an earlier case of the job has taken, for those that share it."""

from __future__ import annotations

from dataclasses import dataclass

from store.word_records import Quality


@dataclass(frozen=True)
class TakenQuality:
    """What a case must know of the quality pass that another case ran."""

    quality: Quality
    texts: tuple[tuple[str, str], ...]
    """Id and hypothesis of every utterance; none where the pass gave a reason instead."""


def lost_in_pass(case: str, reason: str | None) -> TakenQuality:
    """The record of a pass that ended its case, so that no other case tries it again.

    Args:
        case: Title of the case.
        reason: How it ended.
    """
    words = f"the pass ended {case}: {reason or 'no reason given'}"
    return TakenQuality(Quality.unjudged("utterances", words), ())
