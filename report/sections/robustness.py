"""Noise and silence: error rates against noise, and words that nobody said."""

from __future__ import annotations

from report.content import Block, Column, Section, Table, Text
from report.figures.robustness import rate_by_noise
from report.robustness import Heard, of_same_speech, rate, robustness_of
from report.study import Study
from report.text import MISSING, interval, percent, plural
from store import NoiseLevel

MOST_ROWS = 40


def robustness(study: Study) -> Section | None:
    """The section, or None where nothing was measured in noise."""
    heard = robustness_of(study)
    if not heard:
        return None
    comparable = of_same_speech(heard)
    figure = rate_by_noise(comparable)
    blocks: list[Block] = [] if figure is None else [figure]
    if len(comparable) < len(heard):
        blocks.append(
            Text(
                f"{plural(len(heard) - len(comparable), 'case')} not in the figure and the table "
                "of rates: of other speech, another language or another normaliser."
            )
        )
    blocks += filter(None, [_rates(comparable), _inventions(heard)])
    return Section("robustness", "Noise and silence", tuple(blocks))


def _rates(heard: list[Heard]) -> Table | None:
    steps = list(
        dict.fromkeys(
            (level.noise, level.snr_db)
            for one in heard
            for level in one.levels
            if level.condition in ("clean", "noise")
        )
    )
    if not steps:
        return None
    rows = []
    for one in heard[:MOST_ROWS]:
        known = {
            (level.noise, level.snr_db): level
            for level in one.levels
            if level.condition in ("clean", "noise")
        }
        rows.append((one.case.configuration.title, *(_cell(known.get(step)) for step in steps)))
    first = next(level for one in heard for level in one.levels if level.condition == "clean")
    notes = [
        f"{first.headline or 'WER'} of {plural(first.scored, 'utterance')} by {first.normaliser} "
        f"{first.normaliser_version}, in brackets the 95 % interval."
    ]
    if len(heard) > len(rows):
        notes.append(f"{plural(len(heard) - len(rows), 'more case')} in the store.")
    return Table(
        "Error rates in noise",
        (
            Column("model and device", text=True),
            *(
                Column("as it is" if noise is None else f"{noise} {snr:g} dB", "%")
                for noise, snr in steps
            ),
        ),
        tuple(rows),
        tuple(notes),
    )


def _cell(level: NoiseLevel | None) -> str:
    if level is None:
        return MISSING
    value, low, high = rate(level)
    if value is None:
        return MISSING
    if low is None or high is None:
        return percent(value)
    return f"{percent(value)} {interval(100 * low, 100 * high)}".rstrip()


def _inventions(heard: list[Heard]) -> Table | None:
    found = [(one, level) for one in heard for level in one.quiet]
    if not found:
        return None
    rows = tuple(
        (
            one.case.configuration.title,
            _where(level),
            f"{level.audio_s:.0f}",
            f"{level.clips_with_text} of {level.clips}",
            f"{level.invented_per_minute or 0:.2f} "
            f"{interval(level.invented_low, level.invented_high)}".rstrip(f" {MISSING}"),
            level.example or MISSING,
        )
        for one, level in found[:MOST_ROWS]
    )
    notes = [
        "Nobody speaks: whatever was written is made up. In brackets the 95 % interval over "
        "inputs; digital silence of one length is one input, and has none."
    ]
    if any(level.headline == "CER" for _, level in found):
        notes.append("Characters where the language is written without spaces.")
    if len(found) > len(rows):
        notes.append(f"{plural(len(found) - len(rows), 'more row')} in the store.")
    return Table(
        "Words that nobody said",
        (
            Column("model and device", text=True),
            Column("heard", text=True),
            Column("audio", "s"),
            Column("inputs with text"),
            Column("made-up words", "a minute"),
            Column("most often", text=True),
        ),
        rows,
        tuple(notes),
    )


def _where(level: NoiseLevel) -> str:
    if level.condition == "silence":
        return "digital silence"
    return f"faint {level.noise} noise" if level.noise else "rows without words"
