"""The decoder step by step: the drawing, the ratio in words, and what a step is made of."""

from __future__ import annotations

from report.content import Block, Bullets, Column, Section, Table
from report.decoder import Profile, decoder_profiles, in_words, ratio_cell
from report.figures.decoder import decoder_steps
from report.study import Study, shape
from report.text import MISSING, number, percent, plural

MOST_ROWS = 30

_SHARES = (
    *("self_attention_share", "cross_attention_share"),
    *("feed_forward_share", "vocabulary_share"),
)
_CACHES = ("self_cache_bytes", "cross_cache_bytes")


def decoder(study: Study) -> Section | None:
    """The section, or None where no decoder was looked at step by step."""
    profiles = decoder_profiles(study)
    if not profiles:
        return None
    models: dict[str, list[Profile]] = {}
    for profile in profiles:
        case = profile.case
        title = f"{case.model} on {case.place}" if len(study.places) > 1 else case.model
        models.setdefault(title, []).append(profile)
    # The largest decoders first: theirs is the figure that most depends on the cache.
    ordered = sorted(models.items(), key=lambda entry: -_parameters(entry[1]))
    said = tuple((title, sentence) for title, members in ordered if (sentence := in_words(members)))
    blocks: list[Block] = [Bullets(said)] if said else []
    figure = decoder_steps(ordered)
    if figure is not None:
        blocks.append(figure)
    listed = [profile for _, members in ordered for profile in members]
    blocks += filter(None, [_times(listed), _parts(listed)])
    return Section("decoder", "The decoder, token by token", tuple(blocks))


def _parameters(profiles: list[Profile]) -> int:
    return max(profile.case.row.parameters or 0 for profile in profiles)


def _times(profiles: list[Profile]) -> Table:
    rows = [
        (
            profile.case.configuration.title,
            shape(*profile.case.point),
            str(len(profile.steps)),
            _ms(profile.figures.get("prefill_s")),
            _ms(profile.early_s),
            _ms(profile.figures.get("late_token_s")),
            ratio_cell(profile),
            number(profile.figures.get("tokens_per_second")),
        )
        for profile in profiles[:MOST_ROWS]
    ]
    notes = [
        "First and last: medians of the eight tokens at either end, after the prefill. Tokens per "
        "second are of all rows of a batch.",
    ]
    if any(row[6].startswith("~") for row in rows):
        notes.append(
            "~ the latency was not stable, which may be what moved the ratio; measure again."
        )
    if any(row[6] == MISSING for row in rows):
        notes.append("No ratio where the profile is too short for two ends of eight tokens.")
    if any(row[3] == MISSING or row[7] == MISSING for row in rows):
        notes.append("Other figures are missing where the runner did not store them.")
    if len(profiles) > len(rows):
        notes.append(f"{plural(len(profiles) - len(rows), 'more profile')} in the store.")
    return Table(
        "What a token takes",
        (
            Column("model and variant", text=True),
            Column("case", text=True),
            Column("passes"),
            Column("prefill", "ms"),
            Column("first tokens", "ms"),
            Column("last tokens", "ms"),
            Column("last by first", "times"),
            Column("tokens", "a second"),
        ),
        tuple(rows),
        tuple(notes),
    )


def _parts(profiles: list[Profile]) -> Table | None:
    """Apart from the times, because a printed page is not wide enough for both."""
    rows = []
    for profile in profiles[:MOST_ROWS]:
        cache = sum(profile.figures.get(name, 0.0) for name in _CACHES)
        if cache or any(name in profile.figures for name in _SHARES):
            rows.append(
                (
                    profile.case.configuration.title,
                    shape(*profile.case.point),
                    *(percent(profile.figures.get(name), 0) for name in _SHARES),
                    number(cache / 1e6) if cache else MISSING,
                )
            )
    if not rows:
        return None
    notes = [
        "Of the time of the tokens after the prefill, from a pass with a clock at every module; "
        "the rest is norms, sampling and Python.",
    ]
    if any(MISSING in row[2:6] for row in rows):
        notes.append("No share where a part of the decoder could not be told from the rest.")
    if any(row[6] == MISSING for row in rows):
        notes.append("No cache: the decoder ran without one, or its size could not be read.")
    return Table(
        "What a token's time and the cache go into",
        (
            Column("model and variant", text=True),
            Column("case", text=True),
            Column("self-attention", "%"),
            Column("cross-attention", "%"),
            Column("feed-forward", "%"),
            Column("vocabulary", "%"),
            Column("cache", "MB"),
        ),
        tuple(rows),
        tuple(notes),
    )


def _ms(seconds: float | None) -> str:
    return MISSING if seconds is None else number(1e3 * seconds)
