"""Texts that repeat themselves, told from long and from short ones that do not."""

from __future__ import annotations

import random
import zlib

import pytest

from runner.engines.repetition import THRESHOLD, compression_ratio, loops

PROSE = (
    "The harbour lay quiet under a thin morning mist while two fishermen carried their nets along "
    "the quay, talking of the price of herring, of an uncle who had sold his boat to a stranger "
    "from the north, and of the storm that everybody expected before Sunday. "
)


def test_a_short_text_has_the_publishers_ratio() -> None:
    raw = PROSE.strip().encode()
    assert compression_ratio(PROSE.strip()) == len(raw) / len(zlib.compress(raw))
    assert compression_ratio("") == 0.0
    assert compression_ratio("yes") < 1
    # Bytes, not characters.
    assert compression_ratio("ä" * 50) == 100 / len(zlib.compress(("ä" * 50).encode()))


@pytest.mark.parametrize("looped", ["4, 5, " * 110, "boy " * 40, "and then he said, " * 12])
def test_a_loop_is_above_the_threshold(looped: str) -> None:
    assert compression_ratio(looped) > THRESHOLD
    assert loops(False, compression_ratio(looped))


def test_a_long_text_is_judged_by_its_parts() -> None:
    # Someone of a hundred words, at length.
    chance = random.Random(1)
    known = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=7)) for _ in range(100)]
    long = " ".join(chance.choices(known, k=4000))
    whole = len(long.encode()) / len(zlib.compress(long.encode()))
    assert whole > THRESHOLD > compression_ratio(long)
    # A loop at the end of a long text is one.
    assert compression_ratio(PROSE * 2 + "boy " * 300) > THRESHOLD


def test_one_long_word_is_cut_too() -> None:
    assert compression_ratio("ha" * 2000) == pytest.approx(compression_ratio("ha" * 300))


@pytest.mark.parametrize(
    ("at_limit", "ratio", "expected"),
    [
        (True, 1.0, True),
        (False, 2.4, False),
        (False, 2.41, True),
        (None, 2.41, True),
        (None, None, False),
        (True, None, True),
    ],
)
def test_the_limit_or_the_ratio_makes_a_loop(
    at_limit: bool | None, ratio: float | None, expected: bool
) -> None:
    assert loops(at_limit, ratio) is expected
