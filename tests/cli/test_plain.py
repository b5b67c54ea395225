"""Text from elsewhere reaches a terminal as text."""

from __future__ import annotations

import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from runner.cli.plain import cell, plain, write_what_can_be
from tests.cli.records import HOSTILE


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("openai/whisper-tiny", "openai/whisper-tiny"),
        ("Zw\u00f6lf \u6f22\u5b57 \U0001f600", "Zw\u00f6lf \u6f22\u5b57 \U0001f600"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\x9b2J", "\\x9b2J"),
        ("one\n  two\tthree\r\n", "one two three "),
        ("\u202e", "\\u202e"),
        ("\udcff", "\\udcff"),
        ("[red]", "[red]"),
        ("", ""),
    ],
)
def test_plain(value: str, shown: str) -> None:
    assert plain(value) == shown


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [("ascii", "~19.4 +5% ?"), ("latin-1", "~19.4 ±5% ?"), ("utf-8", "≈19.4 ±5% 漢")],
)
def test_a_terminal_without_the_signs_gets_others(encoding: str, shown: str) -> None:
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding=encoding)
    write_what_can_be(stream)
    print("≈19.4 ±5% 漢", end="", flush=True, file=stream)
    assert written.getvalue().decode(encoding) == shown


@given(st.text(st.characters(exclude_categories=())))
def test_nothing_unprintable_is_left(value: str) -> None:
    shown = plain(value)
    shown.encode("utf-8")
    assert not {unicodedata.category(letter) for letter in shown} & {"Cc", "Cs", "Zl", "Zp"}
    assert plain(shown) == shown


@pytest.mark.parametrize("value", HOSTILE, ids=ascii)
def test_a_cell_is_printed_as_it_is(value: str) -> None:
    stream = io.StringIO()
    Console(file=stream, width=1000, force_terminal=True, color_system=None).print(cell(value))
    assert stream.getvalue() == f"{plain(value)}\n"
