"""Data never commands the terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.tui.data import HOSTILE
from tui.plain import LONGEST, cell, fit, log_line, plain

DIRECTION = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def is_harmless(text: str) -> bool:
    return not any(
        unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") or sign in DIRECTION for sign in text
    )


@given(st.text())
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    for made in (plain(text), log_line(text), cell(text).plain, fit(text, 20)):
        assert is_harmless(made)


@given(st.text(max_size=60), st.integers(0, 40))
def test_a_fitted_text_has_exactly_its_width(text: str, width: int) -> None:
    assert cell_len(fit(text, width)) == width


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("ten %\r50 %\r100 %", "100 %"),
        ("done\r\n", "done"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;owned\x07left", "left"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("a\tb", "a   b"),
        ("bell\x07", "bell\\x07"),
    ],
)
def test_a_log_line_is_what_it_would_have_looked_like(line: str, shown: str) -> None:
    assert log_line(line) == shown


def test_long_values_are_cut() -> None:
    assert len(plain("x" * 10**6)) == LONGEST + 1
    assert len(log_line("x" * 10**6)) <= LONGEST + 1


def test_markup_stays_text() -> None:
    assert [cell(text).plain for text in HOSTILE[:2]] == ["[/]", "model[v3]"]
