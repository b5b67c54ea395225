"""What timed clips are made of, what came out of them, and what an error rate is of, in words.

The pages and the commands say it alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from report.text import listing, percent, plural
from store import LeaderboardRow, QualityOf, StudyRow
from store.clusters import plural_of
from store.records import LanguageBy
from store.word_records import Headline

if TYPE_CHECKING:
    from report.compare import WerDifference

Item = TypeVar("Item")

PACKED = "&"
"""Before the figures of clips that join unrelated speakers, and before a WER of such clips."""
STOPPED_EARLY = "!"
"""Before a latency that is of less work than the audio holds."""

PARTIAL = "*"
"""Before an error rate of a part of the data."""
BY_CHARACTER = "c"
"""Before a CER that stands where others have a WER."""

WHAT_BY_CHARACTER_IS = "CER in the place of the WER: the language is written without spaces"

OTHER_KIND = "of packed clips or counted otherwise"
"""Of an error rate that does not compare with those of a ranking: by another normaliser, or by
characters."""

WHAT_PACKED_IS = (
    "they join utterances of unrelated speakers, after which some models stop early: latency, "
    "RTFx and joules may be of less work than the audio holds"
)
WHAT_PACKED_WER_IS = (
    "some models end their text where the speaker changes, which can cost a fifth of the words; "
    "measure again for the WER of single utterances"
)


class RateKind(NamedTuple):
    """What an error rate is of, and how it was counted: only those of one kind compare."""

    of: QualityOf | None
    headline: Headline | None
    normaliser: str | None


def rate_kind(row: StudyRow | LeaderboardRow) -> RateKind:
    """What the error rate of a result is of, and how it was counted."""
    if isinstance(row, StudyRow):
        return RateKind(row.quality_of, row.quality_headline or "WER", row.normaliser)
    return RateKind(row.wer_of, row.headline or "WER", row.normaliser)


def error_rate(row: StudyRow | LeaderboardRow) -> float | None:
    """The WER, or the CER of a language that is written without spaces."""
    return row.cer if rate_kind(row).headline == "CER" else row.wer


def rate_marks(row: StudyRow | LeaderboardRow) -> str:
    """Signs before an error rate: of packed clips, of a part of the data, a CER."""
    if error_rate(row) is None:
        return ""
    kind = rate_kind(row)
    return (
        (PACKED if kind.of == "packed clips" else "")
        + (PARTIAL if left_out(row) else "")
        + (BY_CHARACTER if kind.headline == "CER" else "")
    )


def left_out(row: StudyRow | LeaderboardRow) -> int:
    """Utterances and rows of the data that are in no rate; 0 where they were not counted."""
    if isinstance(row, LeaderboardRow):
        return row.not_scored or 0
    return row.coverage.left_out if row.coverage is not None else 0


def longer_than_clips(row: StudyRow) -> str | None:
    """What of the data is in no timed clip, in words; None where all of it is, or unknown."""
    if not row.clips_left_out:
        return None
    return (
        f"{row.clips_left_out:,} of {row.clips_utterances or 0:,} utterances "
        f"({row.clips_left_out_words or 0:,} of {row.clips_words or 0:,} words) are longer than "
        f"{row.audio_seconds:g} s and in no clip"
    )


def of_one_kind(items: Sequence[Item], kind: Callable[[Item], RateKind]) -> list[Item]:
    """The items whose error rates compare: those of utterances first, then of the largest kind.

    Args:
        items: Results with an error rate.
        kind: That of one of them.
    """
    counts = Counter(map(kind, items))
    chosen = max(
        counts,
        key=lambda one: (one.of == "utterances", counts[one], one.normaliser or ""),
        default=None,
    )
    return [item for item in items if kind(item) == chosen]


_LANGUAGE_SOURCES = {
    "config": "as the config says",
    "checkpoint": "as the checkpoint says",
    "default": "by default",
    "model": "its only one",
}


def language_source(by: LanguageBy | None) -> str:
    """Who chose a language, in words."""
    return "" if by is None else _LANGUAGE_SOURCES[by]


def scored(row: StudyRow) -> str:
    """``45 utterances``, or of an old result ``26 packed clips of 15 s``."""
    count = row.scored or 0
    if row.quality_of == "packed clips":
        return f"{plural(count, 'packed clip')} of {row.audio_seconds:g} s"
    return plural(count, "utterance")


def scored_range(what: Iterable[tuple[QualityOf | None, int | None]]) -> str:
    """What several error rates are of, ``40 to 45 utterances, each by itself``.

    Args:
        what: Of each rate what it is of, and how many of them.
    """
    counts: dict[str, set[int]] = {}
    for of, count in what:
        counts.setdefault(of or "utterances", set()).add(count or 0)
    parts = []
    for nouns in sorted(counts, reverse=True):
        low, high = min(counts[nouns]), max(counts[nouns])
        noun = nouns.removesuffix("s")
        part = plural(high, noun) if low == high else f"{low:,} to {plural(high, noun)}"
        parts.append(f"{part}, each by itself" if nouns == "utterances" else part)
    return "; and of ".join(parts)


def interval_by(row: StudyRow) -> str | None:
    """What the interval of a WER draws, ``9 speakers``; None where there is no interval."""
    return None if row.wer_low is None else _counted(row.wer_clusters, row.wer_interval_by)


def paired_over(differences: Iterable[WerDifference | None], noun: str) -> str | None:
    """What differences of WER are of: ``paired over the 45 utterances of both, drawn from …``.

    Args:
        differences: Those of a table; None counts for nothing.
        noun: What was scored, in the plural.

    Returns:
        None where there is no difference at all.
    """
    found = [one for one in differences if one is not None]
    if not found:
        return None
    counts = sorted({one.clips for one in found})
    over = f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"
    drawn = dict.fromkeys(filter(None, (_counted(one.clusters, one.interval_by) for one in found)))
    text = f"paired over the {over} {noun} of both"
    return f"{text}, intervals drawn from {listing(drawn)}" if drawn else text


def nouns_of(rows: Iterable[StudyRow]) -> str:
    """What some error rates are of, in the plural."""
    return listing(sorted({row.quality_of or "utterances" for row in rows}, reverse=True))


def _counted(count: int | None, by: str | None) -> str | None:
    """``9 speakers``, ``12 speakers and recordings``."""
    if count is None or by is None:
        return None
    return f"1 {by}" if count == 1 else f"{count:,} {plural_of(by)}"


def missing_words(row: StudyRow) -> str | None:
    """``182 of 904 words missing``; None where words were not counted."""
    if row.missing_words is None or not row.reference_words:
        return None
    return f"{row.missing_words:,} of {row.reference_words:,} words missing"


def missing_share(row: StudyRow) -> float:
    """Words that are missing, of those of the timed clips; 0 where they were not counted."""
    return (row.missing_words or 0) / row.reference_words if row.reference_words else 0.0


def quality_loops(row: StudyRow) -> str | None:
    """What hypotheses that loop make of the WER; None where there are none."""
    if not row.quality_loops:
        return None
    verb, ran = (
        ("repeats itself", "ran") if row.quality_loops == 1 else ("repeat themselves", "ran")
    )
    shares = []
    if row.quality_loops_error_share is not None:
        shares.append(f"{percent(row.quality_loops_error_share, 0)} % of the word errors")
    if row.quality_loops_time_share is not None:
        shares.append(f"{percent(row.quality_loops_time_share, 0)} % of the time")
    of = row.scored or 0
    text = f"{row.quality_loops:,} of {of:,} hypotheses {verb} or {ran} into the length limit"
    return f"{text}: {', '.join(shares)}" if shares else text


def timed_loops(row: StudyRow) -> str | None:
    """What timed clips that loop make of the latency; None where there are none."""
    if not row.timed_loops:
        return None
    subject = "the text of 1 timed clip repeats itself"
    if row.timed_loops > 1:
        subject = f"the texts of {row.timed_loops:,} timed clips repeat themselves"
    text = f"{subject} or ran into the length limit"
    if row.timed_loops_time_share is None:
        return text
    return f"{text}: {percent(row.timed_loops_time_share, 0)} % of the time"


def clips_caption(rows: Sequence[StudyRow]) -> str:
    """A sentence for the caption of a figure, with a blank before it; empty where nothing is known.

    Args:
        rows: The results that the figure shows.
    """
    modes = [row.clips_mode for row in rows if row.clips_mode is not None]
    packed = modes.count("packed")
    early = sum(bool(row.stopped_early) for row in rows)
    if not modes:
        return ""
    text = " Clips: continuous."
    if packed:
        some = "" if packed == len(rows) else f" in {packed:,} of {len(rows):,} cases"
        text = f" Clips: packed{some} (they join unrelated speakers)."
    if early:
        text += f" {plural(early, 'case')} stopped early: of less work."
    return text
