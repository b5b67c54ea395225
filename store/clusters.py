"""What a bootstrap of transcripts draws: speakers, recordings or single utterances.

Why whole clusters are drawn, and how, is in `stats.clusters`. The runner stores an interval of this
kind, the report makes one of a difference. Both may import the store, so the choice stands here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from stats.intervals import FEWEST_CLUSTERS


class Spoken(Protocol):
    """An utterance, as far as clusters go."""

    @property
    def speaker(self) -> str | None:
        """Who speaks; None where that is not known."""

    @property
    def recording(self) -> str | None:
        """What it was cut from; None where that is not known."""


@dataclass(frozen=True)
class Clusters:
    """How utterances are grouped."""

    by: str
    """``speaker``, ``recording`` or what one utterance is called; several where only some are
    known: ``speaker or utterance``."""
    numbers: tuple[int, ...]
    """Of each utterance the number of its cluster, from 0, in order of appearance."""
    count: int
    remark: str | None
    """Why the clusters are not as coarse as they might be, or None."""

    @property
    def counted(self) -> str:
        """How many of what: ``1 speaker``, ``3 speakers and utterances``."""
        return f"1 {self.by}" if self.count == 1 else f"{self.count} {self.plural}"

    @property
    def plural(self) -> str:
        """What they are called together."""
        return plural_of(self.by)

    @property
    def enough(self) -> bool:
        """Whether there are enough of them to draw from."""
        return self.count >= FEWEST_CLUSTERS


def plural_of(by: str) -> str:
    """What clusters are called together, ``speakers and utterances`` for instance."""
    return by.replace(" or ", "s and ").replace(", ", "s, ") + "s"


def clusters_of(utterances: Sequence[Spoken], itself: str = "utterance") -> Clusters:
    """The coarsest clusters of which there are enough: by speaker, by recording, one by one.

    By speaker an utterance of an unknown speaker belongs to its recording, and without that to
    itself; by recording one of an unknown recording belongs to itself. Single utterances are what
    is left when neither is enough, however few they are.

    Args:
        utterances: All that an interval is of.
        itself: What one of them is called.
    """
    remark = None
    for level in (("speaker", "recording"), ("recording",)):
        found = _grouped(utterances, level, itself, remark)
        if found.enough or found.by == itself:
            return found
        remark = remark or _too_few(found)
    return _grouped(utterances, (), itself, remark)


def _grouped(
    utterances: Sequence[Spoken], level: Sequence[str], itself: str, remark: str | None
) -> Clusters:
    keys = [
        next(
            ((kind, name) for kind in level if (name := getattr(utterance, kind)) is not None),
            (itself, place),
        )
        for place, utterance in enumerate(utterances)
    ]
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    present = {kind for kind, _ in keys}
    kinds = [kind for kind in (*level, itself) if kind in present] or [itself]
    by = " or ".join((", ".join(kinds[:-1]), kinds[-1])) if len(kinds) > 1 else kinds[0]
    return Clusters(
        by=by, numbers=tuple(numbers[key] for key in keys), count=len(numbers), remark=remark
    )


def _too_few(clusters: Clusters) -> str:
    one = clusters.count == 1
    verb, those = ("is", f"this {clusters.by}") if one else ("are", f"these {clusters.plural}")
    return f"{clusters.counted} {verb} too few to draw from: the interval speaks for {those}"
