"""Under load: how many requests a service carries within its limit, and what goes wrong then."""

from __future__ import annotations

from collections.abc import Sequence

from report.content import Block, Bullets, Column, Note, Section, Table
from report.figures.load import latency_by_rate
from report.load import Loaded, errors_by_kind, loaded_of, price_of, price_per_audio_hour
from report.scenarios import Scenario
from report.sections.cells import wer_cell
from report.sections.load_batching import batching
from report.study import Study
from report.text import MISSING, interval, listing, number, percent, plural, tally
from store import LoadLevel
from store.energy_marks import ESTIMATED, SAMPLED, energy_mark
from store.load_records import NOT_ASKED, level_title

MOST_ROWS = 60
MISSED = "!"
ENDED = "+"
SILENT = (None, NOT_ASKED)
"""Reasons for no joules that nobody needs to be told."""


def load(study: Study, scenarios: Sequence[Scenario]) -> Section | None:
    """The section, or None where nothing was loaded.

    Args:
        study: The results.
        scenarios: Those of the recommendations, for the price of a machine.
    """
    found = loaded_of(study)
    if not found:
        return None
    blocks: list[Block] = []
    knees = tuple(
        (f"{one.title}:", sentence)
        for one in found
        if (sentence := _knee(one, scenarios)) is not None
    )
    if knees:
        blocks.append(Bullets(knees))
    figure = latency_by_rate(found)
    if figure is not None:
        blocks.append(figure)
    blocks += [_levels(found, scenarios), *batching(found), *_lost(found)]
    return Section("load", "Under load", tuple(blocks))


def _knee(one: Loaded, scenarios: Sequence[Scenario]) -> str | None:
    """The largest rate that met the limit, in a sentence."""
    if one.knee is None:
        return None
    limit = f"95 of 100 answers within {number(1e3 * one.levels[0].slo_p95_s)} ms"
    level = one.at_knee
    if level is None:
        return f"no rate that was tried had {limit}."
    ends = (
        "no rate is sure to be met" if one.knee.low is None else f"{one.knee.low:g} surely",
        "none was surely missed" if one.knee.high is None else f"{one.knee.high:g} surely not",
    )
    text = f"{one.knee.rate:g} requests a second with {limit} ({', '.join(ends)})"
    if level.rtfx:
        text += f"; that is {number(level.rtfx)} hours of audio an hour"
    price = price_of(one.case, scenarios)
    cost = price_per_audio_hour(level, price[1]) if price else None
    return f"{text}, at {number(cost)} each." if cost else f"{text}."


def _levels(found: list[Loaded], scenarios: Sequence[Scenario]) -> Table:
    pairs = [(one, level) for one in found for level in one.levels]
    shown = pairs[:MOST_ROWS]
    prices = [price_of(one.case, scenarios) for one, _ in shown]
    priced = any(prices)
    several = any((level.replicas or 1) > 1 for _, level in shown)
    metered = any(level.joules_per_audio_hour is not None for _, level in shown)
    rows = tuple(
        (
            one.case.configuration.title,
            f"{'' if level.held else ENDED}{level_title(level)}",
            number(level.requests_per_s),
            _ms(level.latency_p50_s, level.latency_p50_low_s, level.latency_p50_high_s),
            ("" if level.slo_met in (None, True) else MISSED)
            + _ms(level.latency_p95_s, level.latency_p95_low_s, level.latency_p95_high_s),
            number(level.goodput_per_s),
            f"{level.errors:,} of {level.requests:,}",
            _wer(level),
            wer_cell(one.case),
            *([number(_streams(one, level))] if several else []),
            *([_joules(level)] if metered else []),
            *([_cost(level, price[1] if price else None)] if priced else []),
        )
        for (one, level), price in zip(shown, prices, strict=True)
    )
    return Table(
        "Levels of load",
        (
            Column("model and device", text=True),
            Column("sent", text=True),
            Column("answers", "a second"),
            Column("p50", "ms"),
            Column("p95", "ms"),
            Column("goodput", "a second"),
            Column("errors"),
            Column("WER under load", "%"),
            Column("WER alone", "%"),
            *([Column("streams", "a thread")] if several else []),
            *([Column("energy", "J per audio hour")] if metered else []),
            *([Column("cost", "per audio hour")] if priced else []),
        ),
        rows,
        tuple(_notes(found, pairs, rows, dict.fromkeys(price for price in prices if price))),
    )


def _streams(one: Loaded, level: LoadLevel) -> float | None:
    """Streams of speech at real-time pace that a thread carries, where the SLO was met."""
    threads = one.case.row.threads
    if not level.slo_met or level.rtfx is None or not threads or not level.replicas:
        return None
    return level.rtfx / (level.replicas * threads)


def _notes(
    found: list[Loaded],
    pairs: list[tuple[Loaded, LoadLevel]],
    rows: tuple[tuple[str, ...], ...],
    prices: dict[tuple[str, float], None],
) -> list[str]:
    limits = sorted({1e3 * level.slo_p95_s for _, level in pairs})
    several = any((level.replicas or 1) > 1 for _, level in pairs)
    notes = [
        "Latency counts from when a request was due, so the wait for others is in it. In brackets "
        "the 95 % interval. Goodput: right answers within "
        f"{listing([number(limit) for limit in limits])} ms (the SLO)."
    ]
    if several:
        notes.append(
            "Streams a thread: hours of audio in an hour, by models and the threads of each, where "
            "95 of 100 answers were within the SLO."
        )
    if any(row[4].startswith(MISSED) for row in rows):
        notes.append(f"{MISSED} fewer than 95 of 100 requests were answered within the SLO.")
    ended = [(one, level) for one, level in pairs if not level.held]
    notes += [
        f"{ENDED} {one.case.configuration.title}, {level_title(level)}: ended early, "
        f"{level.reason}."
        for one, level in ended[:4]
    ]
    if len(ended) > 4:
        notes.append(f"{plural(len(ended) - 4, 'more level')} ended early.")
    if any(row[4].endswith(MISSING) for row in rows):
        notes.append("No p95 from fewer than 20 answers.")
    if any(MISSING in row[7:9] for row in rows):
        notes.append("No WER where no words were scored.")
    if any(level.wer is not None for _, level in pairs):
        notes.append(
            "WER under load is of the utterances that were sent: a short level sends fewer of them "
            "than the WER alone is of."
        )
    notes += _energy_notes([level for _, level in pairs])
    for title, price in prices:
        notes.append(
            f"Cost at {price:g} for an hour of the machine (scenario “{title}”), where "
            "the level was held and met the SLO."
        )
    if len(pairs) > len(rows):
        notes.append(f"{plural(len(pairs) - len(rows), 'more level')} in the store.")
    return notes


def _energy_notes(levels: list[LoadLevel]) -> list[str]:
    """Whose joules these are, and why some are missing."""
    labels = {level.energy_label for level in levels if level.energy_j is not None}
    notes = []
    if labels:
        notes.append(
            "Energy: gross joules of the counted time by the audio that was answered in it; the "
            "load generator draws some of them."
        )
    if "estimated" in labels:
        notes.append(f"{ESTIMATED} estimated by a model of power, not measured.")
    if "sampled" in labels:
        notes.append(f"{SAMPLED} sampled from a power sensor.")
    reasons = [level.energy_reason for level in levels if level.energy_reason not in SILENT]
    if reasons:
        notes.append(f"No energy: {'; '.join(tally(reasons))}.")
    return notes


def _lost(found: list[Loaded]) -> list[Block]:
    """Which errors there were, by kind."""
    told = []
    for one in found:
        counts = errors_by_kind(one.levels)
        if counts:
            kinds = [f"{kind} {count:,}" for kind, count in counts.most_common()]
            worst = max(one.levels, key=lambda level: level.errors)
            said = f" (“{worst.error_words}”)" if worst.error_words else ""
            told.append(f"{one.title}: {listing(kinds, 6)}{said}")
    return [Note(f"Errors by kind: {'; '.join(told[:8])}.", "warning")] if told else []


def _ms(value: float | None, low: float | None, high: float | None) -> str:
    if value is None:
        return MISSING
    if low is None or high is None:
        return number(1e3 * value)
    return f"{number(1e3 * value)} {interval(1e3 * low, 1e3 * high)}"


def _wer(level: LoadLevel) -> str:
    if level.wer is None:
        return MISSING
    if level.wer_low is None or level.wer_high is None:
        return percent(level.wer)
    return f"{percent(level.wer)} [{100 * level.wer_low:.1f}, {100 * level.wer_high:.1f}]"


def _joules(level: LoadLevel) -> str:
    joules = level.joules_per_audio_hour
    return MISSING if joules is None else energy_mark(level.energy_label) + number(joules)


def _cost(level: LoadLevel, price: float | None) -> str:
    return number(None if price is None else price_per_audio_hour(level, price))
