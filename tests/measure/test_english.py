"""Every way to write a number comes to one form."""

from __future__ import annotations

import jiwer
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.measure.normalisers import WHISPER_ENGLISH, normalise, normaliser_version

ENGLISH = "asrprof/english-1"


@pytest.mark.parametrize(
    ("expected", "written"),
    [
        (
            "7 3 9 5",
            "seven three nine five|7, 3, 9, 5|7395|7-3-9-5|7 3 9 5|7,395|Seven. Three. 9, 5.",
        ),
        ("4 hundred", "four zero zero|4, 0, 0|400|four hundred"),
        ("1 hundred", "a hundred|one hundred|100|hundred"),
        ("1 0 5", "one hundred and five|one hundred five|a hundred and five|105"),
        ("1 2 hundred", "twelve hundred|one thousand two hundred|1,200|1200"),
        ("1 thousand", "1,000|1000|a thousand|one thousand"),
        ("2 0 thousand", "twenty thousand|20,000|20 thousand"),
        ("5 hundred thousand", "five hundred thousand|500,000|500 thousand"),
        ("1 million", "a million|1 million|1,000,000|1000000"),
        ("1 5 0 0 0 0 0", "one and a half million|1.5 million|1,500,000"),
        ("0 0 7", "oh oh seven|double oh seven|007|0-0-7"),
        ("0 0 0", "triple zero|000|zero zero oh"),
        ("7 7", "double seven|double 7|seven seven|77"),
        ("3 point 5", "three point five|3.5|3 point 5"),
        ("2 point 0", "two point zero|two point oh|2.0"),
        ("point 5", "zero point five|point five|0.5|.5"),
        ("2 5 point 0 1", "twenty five point oh one|25.01"),
        ("7 point 3 point 9", "seven point three point nine|seven dot three dot nine|7.3.9"),
        ("2 point 5", "two and a half|2 and a half|2 1/2|2½|2.5"),
        ("1 half", "one half|1/2|½"),
        ("2 1st", "twenty first|twenty-first|21st"),
        ("4 9th", "forty ninth|49th"),
        ("1 0 1st", "one hundred and first|101st"),
        ("1 hundredth", "one hundredth|100th"),
        ("1 9 6 1", "nineteen sixty one|nineteen sixty-one|1961"),
        ("1 9 0 5", "nineteen oh five|nineteen hundred and five|1905"),
        ("1 9 hundred", "nineteen hundred|1900"),
        ("2 0 1 9", "twenty nineteen|two thousand and nineteen|2019"),
        ("1 9 6 0s", "nineteen sixties|1960s|1960's|1960\N{RIGHT SINGLE QUOTATION MARK}s"),
        ("the 6 0s", "the sixties|the '60s|the 60s"),
        ("hundreds of men", "hundreds of men|100s of men"),
        ("2 0 dollars", "twenty dollars|20 dollars|$20|20$"),
        ("1 dollars", "a dollar|one dollar|1 dollar|$1"),
        (
            "3 dollars 5 0",
            "three dollars and fifty cents|three dollars fifty|$3.50|$3 and 50 cents",
        ),
        ("3 dollars 5", "three dollars and five cents|$3.05"),
        ("3 pounds 5 0", "three pounds fifty|three pounds and fifty pence|£3.50"),
        ("5 0 cents", "fifty cents|50 cents|$0.50|50¢"),
        ("2 0 million dollars", "twenty million dollars|$20 million|$20,000,000"),
        ("5 0 percent", "fifty percent|fifty per cent|50%|50 %"),
        ("2 point 5 percent", "two point five percent|2.5%"),
        ("minus 5", "minus five|negative five|-5|\N{MINUS SIGN}5"),
        ("1 0 3 0", "ten thirty|10:30"),
        ("1 0 0 5", "ten oh five|10:05"),
        ("5 pm", "five PM|5 p.m.|5pm|5:00 p.m.|Five P M"),
        ("5 oclock", "five o'clock|5 o'clock|5:00|five o\N{RIGHT SINGLE QUOTATION MARK}clock"),
        ("9 1 1", "nine eleven|9/11"),
        ("no 1 else", "no one else|no 1 else"),
    ],
)
def test_each_way_to_write_a_number_is_one_form(expected: str, written: str) -> None:
    assert {text: normalise(text, ENGLISH) for text in written.split("|")} == dict.fromkeys(
        written.split("|"), expected
    )


def test_what_is_no_number_is_as_whisper_has_it() -> None:
    text = "Mr. Hale's colour -- uh, it wasn't [noise] grey; I'd gone. To and fro: a café (no)"
    assert normalise(text, ENGLISH) == normalise(text, WHISPER_ENGLISH).strip()
    assert normalise("and so on... and on...", ENGLISH) == "and so on and on"
    assert normalise("per cent, dollars % and $ of", ENGLISH) == "per cent dollars percent and of"


def test_what_words_alone_do_not_tell_stays() -> None:
    assert normalise("one hundred, five", ENGLISH) == "1 0 5"
    assert normalise("100, 5", ENGLISH) == "1 0 0 5"
    assert normalise("C O two", ENGLISH) == "c 0 2"


def test_the_version_names_the_package() -> None:
    package = normaliser_version(WHISPER_ENGLISH)
    assert normaliser_version(ENGLISH) == f"1 (whisper-normalizer {package})"


@pytest.mark.parametrize("text", ["4, 5, " * 3000, "1" * 9000, "0" * 9000, "one two " * 4500])
def test_a_decoder_in_a_loop_is_read_to_its_end(text: str) -> None:
    digits = sum(character.isdigit() for character in text) or 9000
    assert len(normalise(text, ENGLISH).split()) == digits


# The property: whatever the number and however it is written, nothing counts as an error.

ONES = [
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    "nineteen",
]
TENS = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
GROUPS = ("", "thousand", "million", "billion")
ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth",
    "nine": "ninth", "twelve": "twelfth",
}  # fmt: skip


def below_thousand(number: int, joint: str) -> list[str]:
    words = [ONES[number // 100], "hundred"] if number >= 100 else []
    rest = number % 100
    if words and rest and joint:
        words.append(joint)
    if rest >= 20:
        words += [TENS[rest // 10], *([ONES[rest % 10]] if rest % 10 else [])]
    elif rest:
        words.append(ONES[rest])
    return words


def cardinal(number: int, joint: str = "") -> str:
    """The number in words, with or without "and" after hundreds and thousands."""
    if number == 0:
        return "zero"
    words: list[str] = []
    for power in reversed(range(len(GROUPS))):
        group = number // 1000**power % 1000
        if group and power == 0 and joint and words and group < 100:
            words.append(joint)
        if group:
            words += [*below_thousand(group, joint), *([GROUPS[power]] if power else [])]
    return " ".join(words)


def ordinal(number: int) -> str:
    *head, last = cardinal(number, "and").split()
    plain = f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th"
    return " ".join([*head, ORDINALS.get(last, plain)])


def suffixed(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{'th' if number % 100 in (11, 12, 13) else ending}"


def year(number: int) -> str:
    high, low = divmod(number, 100)
    if low == 0:
        return f"{cardinal(high)} hundred"
    return f"{cardinal(high)} {'oh ' if low < 10 else ''}{cardinal(low)}"


def spelt(digits: str) -> str:
    return " ".join(ONES[int(digit)] for digit in digits)


numbers = st.one_of(st.integers(0, 1200), st.integers(0, 999_999_999_999))
digit_strings = st.text("0123456789", min_size=1, max_size=9)
words = st.sampled_from(["river", "blue", "because", "people", "run", "to", "the", "garden"])


KINDS = ("cardinal", "digits", "ordinal", "year", "decimal", "money", "percent", "time")


@st.composite
def ways(draw: st.DrawFn) -> list[str]:
    """One number in several usual ways."""
    kind = draw(st.sampled_from(KINDS))
    number = draw(numbers)
    if kind == "cardinal":
        return [str(number), f"{number:,}", cardinal(number), cardinal(number, "and")]
    if kind == "digits":
        digits = draw(digit_strings)
        return [digits, spelt(digits), *(mark.join(digits) for mark in (" ", ", ", "-", ". "))]
    if kind == "ordinal":
        number = draw(st.integers(1, 999_999))
        return [suffixed(number), suffixed(number).replace(",", ""), ordinal(number)]
    if kind == "year":
        number = draw(st.integers(1100, 1999))
        return [str(number), year(number), year(number).replace("ty ", "ty-")]
    if kind == "decimal":
        whole, decimals = (
            draw(st.integers(0, 9999)),
            draw(st.text("0123456789", min_size=1, max_size=4)),
        )
        return [
            f"{whole}.{decimals}",
            f"{whole:,}.{decimals}",
            f"{cardinal(whole)} point {spelt(decimals)}",
        ]
    if kind == "money":
        return [f"${number:,}", f"{number} dollars", f"{cardinal(number, 'and')} dollars"]
    if kind == "percent":
        return [f"{number:,}%", f"{number} percent", f"{cardinal(number)} per cent"]
    hour, minute = draw(st.integers(1, 12)), draw(st.integers(1, 59))
    said = f"oh {cardinal(minute)}" if minute < 10 else cardinal(minute)
    return [f"{hour}:{minute:02}", f"{cardinal(hour)} {said}"]


@st.composite
def pairs(draw: st.DrawFn) -> tuple[str, str]:
    """A text with numbers between its words, written in two ways."""
    left, right = [], []
    for _ in range(draw(st.integers(1, 4))):
        word = draw(words)
        written = draw(ways())
        left += [word, draw(st.sampled_from(written))]
        right += [word, draw(st.sampled_from(written))]
    return " ".join(left).upper(), " ".join(right)


@settings(max_examples=600, deadline=None)
@given(pairs())
def test_two_ways_to_write_one_text_have_no_errors(pair: tuple[str, str]) -> None:
    reference, hypothesis = (normalise(text, ENGLISH) for text in pair)
    assert jiwer.wer(reference, hypothesis) == 0, (reference, hypothesis)
    # Done twice it changes nothing more.
    assert normalise(reference, ENGLISH) == reference


@settings(max_examples=200, deadline=None)
@given(digit_strings, st.data())
def test_a_wrong_digit_is_a_wrong_word(digits: str, data: st.DataObject) -> None:
    digits = "1" + digits.replace("0", "9")
    place = data.draw(st.integers(0, len(digits) - 1))
    wrong = digits[:place] + str(int(digits[place]) % 9 + 1) + digits[place + 1 :]
    found = jiwer.process_words(normalise(spelt(digits), ENGLISH), normalise(wrong, ENGLISH))
    assert (found.substitutions, found.hits) == (1, len(digits) - 1)


ODD = (
    *("point", "double", "$", "5", "0", "0.0", ".", "%", "one", "hundred", "twenty", "million"),
    *("oh", "minus", "and", "first", "ninths", "cents", "1/2", "\N{VULGAR FRACTION ONE HALF}"),
    *("half", "a", "1.2.3", "¢", "£3", "per", "cent", "dot", "thousandths", "-4", ":00", "²"),
)


@settings(max_examples=300, deadline=None)
@given(
    st.text(max_size=60),
    st.lists(
        st.sampled_from(ODD),
        max_size=12,
    ),
)
def test_no_text_is_too_odd(text: str, pieces: list[str]) -> None:
    for odd in (text, " ".join(pieces), "".join(pieces)):
        found = normalise(odd, ENGLISH)
        assert found == " ".join(found.split())
        assert normalise(odd, ENGLISH) == found
