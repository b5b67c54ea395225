"""Which part of its file a row means: from when to when, in which channel."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from runner.errors import UserError

OFFSET_KEYS = ("offset", "start", "begin_time", "begin", "start_time", "segment_start")
"""Keys that may hold where a segment begins in its file, in seconds, in order of preference."""

END_KEYS = ("end", "end_time", "stop", "segment_end")
"""Keys that may hold where it ends, in seconds."""

START_KEY = "start_s"
"""Where a row's audio begins in its recording, in seconds: nothing is cut out of its file."""

CHANNEL_KEYS = ("channel", "channel_id")
"""Keys that may hold the channel, counted from 0."""

DURATION_TOLERANCE_S = 0.5
"""By so many seconds a stated duration may differ from the audio."""

LONGEST_S = 1e9
"""Seconds. No recording lasts for thirty years."""

_DURATION_KEYS = ("duration", "seconds")

_OTHER_UNIT = re.compile(
    r"(?:audio_|segment_|seg_|utt(?:erance)?_)?(?:start|begin|offset|onset|end|stop|from|to)_?"
    r"(?:ms|msec|milliseconds|us|ns|samples?|frames?|idx|index)"
    r"|(?:sample|frame)_(?:offset|start|begin|end)",
    re.IGNORECASE,
)
"""Keys of a part in a unit that is not known."""


@dataclass(frozen=True)
class Segment:
    """The part of a file that a row means."""

    offset_s: float | None
    """None where it is the whole file."""
    seconds: float | None
    """How long it is, or the file as the row states it."""
    channel: int | None
    """None where all channels are meant, as their mean."""
    start_s: float | None
    """Where it begins in its recording."""


def segment_of(row: Mapping[str, object], where: str) -> Segment:
    """What a row says of the part that it means.

    Args:
        row: Key or column, and its value.
        where: What errors call the row.

    Raises:
        UserError: it says it in a way that cannot be told for certain.
    """
    for key, value in row.items():
        if isinstance(key, str) and _in_other_unit(key) and _given(value):
            raise UserError(
                f'{where}: "{key}" means a part of the file in a unit that is not known; give '
                '"start" and "end" in seconds, or remove it'
            )
    offset_s = _number(where, row, OFFSET_KEYS)
    end_s = _number(where, row, END_KEYS)
    if offset_s is None and end_s:
        raise UserError(
            f'{where}: its part of the file has an end, {end_s:g} s, and no start; add "start" in '
            "seconds, or remove the end"
        )
    start_s = _number(where, row, (START_KEY,))
    duration_s = _number(where, row, _DURATION_KEYS)
    return Segment(
        offset_s=offset_s,
        seconds=duration_s if offset_s is None else _length(where, offset_s, duration_s, end_s),
        channel=_channel(where, row),
        start_s=offset_s if start_s is None else start_s,
    )


@lru_cache(maxsize=256)
def _in_other_unit(key: str) -> bool:
    return _OTHER_UNIT.fullmatch(key) is not None


def _length(
    where: str, offset_s: float, duration_s: float | None, end_s: float | None
) -> float | None:
    """How long a segment is, by its duration or its end; None where the row gives neither."""
    if duration_s is None:
        duration_s = None if end_s is None else end_s - offset_s
    elif end_s is not None and abs(offset_s + duration_s - end_s) > DURATION_TOLERANCE_S:
        raise UserError(
            f"{where}: {offset_s:g} s and {duration_s:g} s more do not end at {end_s:g} s; "
            "correct the line"
        )
    if duration_s is not None and duration_s <= 0:
        raise UserError(f"{where}: its segment is {duration_s:g} s long; correct the line")
    return duration_s


def _channel(where: str, row: Mapping[str, object]) -> int | None:
    for key in CHANNEL_KEYS:
        value = row.get(key)
        if isinstance(value, list) and len(value) == 1:
            (value,) = value  # as Lhotse writes it
        if value is None or not _given(value):
            continue
        text = str(value).strip()
        if isinstance(value, float) and value.is_integer():
            text = str(int(value))
        if isinstance(value, bool) or not re.fullmatch(r"\d{1,3}", text, re.ASCII):
            raise UserError(
                f'{where}: "{key}" must be the number of one channel, counted from 0; correct the '
                "line, or remove it where the mean of all channels is meant"
            )
        return int(text)
    return None


def _number(where: str, row: Mapping[str, object], keys: tuple[str, ...]) -> float | None:
    """Seconds, not negative, under the first key that has a value."""
    for key in keys:
        value = row.get(key)
        if value is None or not _given(value):
            continue
        number = math.nan
        if isinstance(value, int | float | str) and not isinstance(value, bool):
            with contextlib.suppress(ValueError, OverflowError):
                number = float(value)
        if not 0 <= number < LONGEST_S:
            raise UserError(
                f'{where}: "{key}" must be a number of seconds, 0 or more; correct the line'
            )
        return number
    return None


def _given(value: object) -> bool:
    return value is not None and not (isinstance(value, str) and not value.strip())
