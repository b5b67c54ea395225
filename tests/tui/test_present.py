"""Figures in words."""

from __future__ import annotations

from datetime import timedelta

import pytest

from report import text
from store import timestamp
from tests.tui.records import NOW
from tui.present import about, ago, duration, joules, milliseconds, number, percent, size


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "-"),
        (float("nan"), "-"),
        (0, "0"),
        (0.0123456, "0.0123"),
        (9.999, "10.0"),
        (12.345, "12.3"),
        (1234.5, "1,234"),
        (-0.5, "-0.500"),
        (36036.4, "36,036"),
    ],
)
def test_numbers_keep_three_digits(value: float | None, words: str) -> None:
    """As in the report, but for the dash."""
    assert number(value) == words
    if words != "-":
        assert text.number(value) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.0421, "42.1 ms"), (0.9999, "1,000 ms"), (7.23, "7.23 s"), (None, "-")]
)
def test_latencies_change_their_unit_at_a_second(seconds: float | None, words: str) -> None:
    assert milliseconds(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0s"), (59.6, "1m 00s"), (75, "1m 15s"), (3661, "1h 01m"), (90_000, "1d 01h")],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_estimates_are_as_coarse_as_they_are_known() -> None:
    assert [about(s) for s in (1, 63, 125, 9000, 200_000)] == [
        "5 s",
        "65 s",
        "2 min",
        "2.5 h",
        "2.3 days",
    ]


def test_times_of_day_are_told_from_now() -> None:
    assert ago(timestamp(NOW - timedelta(seconds=3)), NOW) == "just now"
    assert ago(timestamp(NOW - timedelta(minutes=61)), NOW) == "1h ago"
    assert ago("not a time", NOW) == "-"


def test_energy_says_how_it_was_learnt() -> None:
    assert joules(12.5, "measured") == "12.5 J"
    assert joules(0.45, "estimated") == "≈0.450 J"
    assert joules(None) == "-"


def test_shares_and_sizes() -> None:
    assert percent(0.0482, 1) == "4.8 %"
    assert size(412e6) == "412 MB"
    assert size(6.2e9) == "6.20 GB"
