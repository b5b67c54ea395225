"""English texts in one form: the normaliser `asrprof/english-2`.

Whisper's own normaliser writes numbers that were spelt out as figures, and takes neighbours for one
number: "seven three nine five" becomes the word "7395". Figures stay apart as they were written, so
"7, 3, 9, 5" are four words, and a clip that was transcribed correctly has errors. Here its rules
for everything else are kept, and every way to write a number comes to the same words: its digits,
one by one, as far as they are not a round number's zeros.

- Neighbouring numbers are one run of digits: "7395", "7, 3, 9, 5" and "seven three nine five" are
  "7 3 9 5"; "1961" and "nineteen sixty one" are "1 9 6 1"; "10:30" and "ten thirty" are "1 0 3 0".
- One to three digits before the zeros of thousands keep them as a word, as do one or two before
  two zeros: "4 hundred", "1 9 hundred", "2 0 thousand", "5 hundred thousand", "1 million". That
  depends on the digits alone, so "4, 0, 0" and "four zero zero" are "4 hundred" too.
- Decimals have "point", and a zero alone before it goes: "3 point 5", "point 5".
- Ordinals and decades keep their ending: "2 1st", "1 9 6 0s"; "hundreds" stays a word.
- Money has its unit after it, always plural, and cents no word: "2 0 dollars", "3 dollars 5 0".
- "%" is "percent"; "-5" is "minus 5" as "negative five" is; "5 p.m." is "5 pm", "5:00 p.m." too.
- "½" and "1/2" are "one half", "2½" is "2 point 5".

Beside that, typographic apostrophes are apostrophes, "OK" is "okay", "cause" is not "because"
("'cause" is), and words of other scripts stay as they are written, with their marks. Accents of
Latin letters go, as with Whisper's.

What nobody could tell from the words alone stays: "one hundred, five" is 105, though "100, 5" are
two numbers; "May 5" is not "May fifth"; "o" and "oh" are always zero.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from whisper_normalizer.english import EnglishNumberNormalizer, EnglishTextNormalizer

from runner.measure.scripts import JOINERS, compatible, fold_apostrophes, is_latin, lower

ROUND = ("thousand", "million", "billion", "trillion")
"""Words for three zeros, six and so on."""

_CURRENCIES = {"$": "dollars", "£": "pounds", "€": "euros", "¢": "cents"}
_SIGNS = {"negative": "minus", "minus": "minus", "positive": "plus", "plus": "plus"}
_ENDINGS = "st|nd|rd|th|s"

_PLAIN = re.compile(r"\.?\d+(\.\d+)*")
_NUMBER = re.compile(rf"(?P<currency>[$£€¢]?)(?P<digits>\.?\d+(?:\.\d+)*)(?P<ending>%|{_ENDINGS}|)")
_LEADING_ZEROS = re.compile(r"(?<![\d.])0+(?=\d)")
_TOO_LONG = re.compile(r"\d{1000}(?=\d)")
"""Digits of a decoder in a loop: Python refuses to read more than 4300 as one number."""
_ZERO_DECIMALS = re.compile(r"(?<![\d.])(\d+)\.(0+)(?![\d.])")
_HUNDREDS = re.compile(r"([1-9]\d?)00")
_THOUSANDS = re.compile(r"([1-9]\d{0,2}?)((?:000)+)")
_CENTS = re.compile(r"\b(dollars|pounds|euros) (?:and )?((?:\d ?)?\d) (?:cents|pence)\b")

_FRACTIONS = {
    "½": (".5", "one half"),
    "¼": (".25", "one quarter"),
    "¾": (".75", "three quarters"),
    "⅓": (" and one third", "one third"),
    "⅔": (" and two thirds", "two thirds"),
}
"""What each is after a number, and what it is alone."""
_ASCII_FRACTIONS = {"1/2": "½", "1/4": "¼", "3/4": "¾", "1/3": "⅓", "2/3": "⅔"}

_PRIVATE = 0xE0000
"""What is added to a code point, so that it is one of no meaning, which the package leaves alone:
private or not assigned. Those from 0x30000 on, of the rarest Han, would leave Unicode."""
_OK = re.compile(r"\bo\.\s?k\.(?!\w)|\bok\b", re.IGNORECASE)
_BECAUSE = re.compile(r"(?<!\w)'cause\b", re.IGNORECASE)

_BEFORE = (
    ("\N{RIGHT SINGLE QUOTATION MARK}", "'"),
    # Digits after a dash that is not between two things.
    (r"(?<![\w.,)\-\N{MINUS SIGN}])[-\N{MINUS SIGN}](?=[$£€]?\d)", "minus "),
    (r"(?<!\+)\+(?=\s?[$£€]?\d)", " plus "),
    (r"(?<=\d)'s\b", "s"),
    (r"(?<![\d:.])(\d{1,2}):00(?=\s*[ap]\.?\s?m\b)", r"\1"),
    (r"(?<![\d:.])(\d{1,2}):00(?![\d:])", r"\1 o'clock"),
    (r"\bo'clock\b", "oclock"),
    (r"([$£€¢])\s*(?=\d)", r" \1"),
    (r"(\d)\s?([$£€¢])(?!\d)", r"\1 \2"),
    (r"\s*%", " percent "),
)
"""What must happen while the symbols are still there. Lower-cased text."""
_BEFORE_RULES = tuple((re.compile(pattern), new) for pattern, new in _BEFORE)
_TRAILING_UNIT = re.compile(r"(?<=\d) ([$£€¢])(?!\s?\d)")
_SINGLE = re.compile(r"\ba (hundred|thousand|million|billion|trillion|dollar|pound|euro)\b")
_REPEATED = re.compile(r"\b(double|triple) (\d)\b")


class EnglishNormaliser1:
    """The form that was compared before there was a second one; results name it."""

    def __init__(self) -> None:
        self._whisper = EnglishTextNormalizer()
        self._whisper.standardize_numbers = _Numbers()

    def __call__(self, text: str) -> str:
        """The words of a text, with one space between two."""
        text = text.lower()
        for pattern, new in _BEFORE_RULES:
            text = pattern.sub(new, text)
        text = _TRAILING_UNIT.sub(lambda found: f" {_CURRENCIES[found[1]]}", text)
        text = _fractions(text)
        words = str(self._whisper(text)).split()
        # Of "and so on..." a point is left.
        return " ".join(word for word in words if any(map(_counts, word)))


class EnglishNormaliser(EnglishNormaliser1):
    """A text in the form that is compared."""

    def __init__(self) -> None:
        super().__init__()
        # The package alone has this rule, and it makes "the cause" "the because".
        del self._whisper.replacers[r"\bcause\b"]

    def __call__(self, text: str) -> str:
        """The words of a text, with one space between two."""
        if not text.isascii():
            text = _hidden(lower(fold_apostrophes(unicodedata.normalize("NFC", text))))
        text = _BECAUSE.sub("because", _OK.sub("okay", text))
        return _shown(super().__call__(text))


def _hidden(text: str) -> str:
    """Letters, marks and digits of other scripts put where no rule of the package finds them."""
    hidden: list[str] = []
    within = False
    """Whether the character before is hidden."""
    for character in text:
        if ord(character) >= _PRIVATE:
            continue  # tags, variants of signs, private use: nothing that is said
        kind = unicodedata.category(character)
        other = kind[0] == "L" and not (character.isascii() or is_latin(character))
        digit = (
            kind == "Nd" and not character.isascii() and not unicodedata.decomposition(character)
        )
        within = other or digit or (within and (kind[0] == "M" or character in JOINERS))
        if within and ord(character) < 0x30000:
            hidden += (chr(_PRIVATE + ord(one)) for one in compatible(character))
        else:
            hidden.append(character)
    return "".join(hidden)


def _shown(text: str) -> str:
    return "".join(chr(ord(one) - _PRIVATE) if ord(one) >= _PRIVATE else one for one in text)


def _counts(character: str) -> bool:
    """Whether a word with it is one: of a word of another script it is the place of a letter."""
    return character.isalnum() or ord(character) >= _PRIVATE


class _Numbers(EnglishNumberNormalizer):  # type: ignore[misc]  # the package has no types
    """Numbers as runs of digits, in the place of the package's own step.

    It is given words without punctuation, and must leave no symbol: those are removed after it.
    """

    def __init__(self) -> None:
        super().__init__()
        # The package drops the sign of figures, so signs stay words.
        self.words -= set(self.preceding_prefixers)
        # It knows "nineth" alone.
        self.ones_suffixed["ninth"] = (9, "th")
        self.words.add("ninth")

    def preprocess(self, text: str) -> str:
        """What the package must find, so that figures fare as words do."""
        text = _SINGLE.sub(r"one \1", text)
        text = re.sub(r"(?<=\d) and a half\b", " point five", text)
        text = str(super().preprocess(text))
        text = _REPEATED.sub(lambda found: found[2] * (2 if found[1] == "double" else 3), text)
        text = " ".join(_joined(self._with_points(text.split())))
        text = _TOO_LONG.sub(r"\g<0> ", text)
        # It reads figures as integers, which would lose these zeros.
        text = _LEADING_ZEROS.sub(lambda found: "0 " * len(found[0]), text)
        return _ZERO_DECIMALS.sub(r"\1 point \2", text)

    def postprocess(self, text: str) -> str:
        """Runs of digits, and their words."""
        words: list[str] = []
        for word in _joined(text.split()):
            spoken = _spoken(word)
            if spoken is None:
                words.append(word)
                continue
            if words and words[-1] in _SIGNS:
                words[-1] = _SIGNS[words[-1]]
            words += spoken
        return _CENTS.sub(r"\1 \2", " ".join(_with_noon(words)))

    def _with_points(self, words: Sequence[str]) -> list[str]:
        """Words with "point" for the "dot" between two numbers."""
        found = list(words)
        for place in range(1, len(words) - 1):
            around = (words[place - 1], words[place + 1])
            if words[place] == "dot" and all(
                word in self.decimals or _PLAIN.fullmatch(word) for word in around
            ):
                found[place] = "point"
        return found


def _fractions(text: str) -> str:
    text = re.sub(
        r"(?<![\d/])(?:1/2|1/4|3/4|1/3|2/3)(?![\d/])",
        lambda found: _ASCII_FRACTIONS[found[0]],
        text,
    )
    text = re.sub(r"(?<=\d) ?([½¼¾⅓⅔])", lambda found: _FRACTIONS[found[1]][0], text)
    return re.sub("[½¼¾⅓⅔]", lambda found: f" {_FRACTIONS[found[0]][1]} ", text)


def _joined(words: Sequence[str]) -> list[str]:
    """Words with each number put to the plain number before it.

    A number with an ending or a currency is the last of its run: a word stands between it and the
    next, or would.
    """
    joined: list[str] = []
    for word in words:
        found = _NUMBER.fullmatch(word)
        if found is not None and joined and _PLAIN.fullmatch(joined[-1]):
            joined[-1] = f"{found['currency']}{joined[-1]}{found['digits']}{found['ending']}"
        else:
            joined.append(word)
    return joined


def _spoken(word: str) -> list[str] | None:
    """The words of one run of digits with its currency and ending; None of another word."""
    found = _NUMBER.fullmatch(word)
    if found is None:
        return None
    currency, digits, ending = found["currency"], found["digits"], found["ending"]
    if currency:
        return _money(digits, currency)
    words = _digits(digits)
    if ending == "%":
        return [*words, "percent"]
    if ending == "s" and re.fullmatch("10+", digits):
        # Hundreds, not one hundreds.
        words = ["ten"] if digits == "10" else words[1:]
    return [*words[:-1], words[-1] + ending]


def _money(digits: str, currency: str) -> list[str]:
    unit = _CURRENCIES[currency]
    amount, _, cents = digits.partition(".")
    if currency == "¢" or not re.fullmatch(r"\d\d", cents):
        return [*_digits(digits), unit]
    small = [] if cents == "00" else list(cents.lstrip("0"))
    if amount.strip("0"):
        return [*_digits(amount), unit, *small]
    return [*(small or ["0"]), "pence" if currency == "£" else "cents"]


def _digits(digits: str) -> list[str]:
    """The words of a run of digits, with or without points: a function of the run alone."""
    whole, *decimals = digits.split(".")
    if whole == "0" and decimals:
        whole = ""
    words = _whole(whole)
    for part in decimals:
        words += ["point", *part]
    return words


def _whole(digits: str) -> list[str]:
    """Digit by digit, the zeros of a round number in a word."""
    zeros = len(digits) - len(digits.lstrip("0"))
    first, rest = list(digits[:zeros]), digits[zeros:]
    if thousands := _THOUSANDS.fullmatch(rest):
        power = len(thousands[2]) // 3
        if power <= len(ROUND):
            return [*first, *_whole(thousands[1]), ROUND[power - 1]]
    if hundreds := _HUNDREDS.fullmatch(rest):
        return [*first, *hundreds[1], "hundred"]
    return [*first, *rest]


def _with_noon(words: Sequence[str]) -> list[str]:
    """Words with "a m" and "p m" after a number as one word."""
    found: list[str] = []
    for word in words:
        if word == "m" and found[-1:] in (["a"], ["p"]) and _is_number(found[-2:-1]):
            found[-1] += "m"
        else:
            found.append(word)
    return found


def _is_number(words: Sequence[str]) -> bool:
    return bool(words) and (words[0].isdigit() or words[0] in ("hundred", "oclock"))
