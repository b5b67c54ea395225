"""Scripts that no font here has the letters of are named, in the PDF and on stderr."""

from __future__ import annotations

from pathlib import Path

import pytest

from report.content import Page, Section, Text
from report.render import fonts
from report.render.fonts import OWN_FONTS, without_font
from report.render.pdf import lacking_letters, render_pdf


@pytest.fixture(autouse=True)
def bare_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without fonts of its own."""
    monkeypatch.setattr(fonts, "findSystemFonts", list)


@pytest.mark.parametrize(
    ("text", "script", "package"),
    [
        ("\u4f60\u597d", "CJK", "fonts-noto-cjk"),
        ("\u3053\u3093\u306b", "Hiragana", "fonts-noto-cjk"),
        ("\uc548\ub155", "Hangul", "fonts-noto-cjk"),
        ("\u0928\u092e\u0938\u094d\u0924\u0947", "Devanagari", "fonts-noto-core"),
        ("\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35", "Thai", "fonts-noto-core"),
    ],
)
def test_a_script_that_is_missing(text: str, script: str, package: str) -> None:
    said = without_font(["plain words", f"a {text} b"])
    assert said is not None
    assert f"the letters of {script}, which" in said
    assert said.count("fonts-noto") == 1 and f"install {package}," in said
    assert "\n" not in said


def test_scripts_that_are_there() -> None:
    latin, greek, cyrillic = "\u00e9\u010d", "\u0395\u03bb", "\u041f\u0440"
    hebrew, arabic, signs = "\u05e9\u05dc", "\u0645\u0631", "\u2014\u00b1\u2192"
    own = f"{latin} {greek} {cyrillic} {hebrew} {arabic} {signs}"
    assert without_font([own]) is None
    assert without_font([]) is None


def test_a_font_of_the_machine_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"no font")
    thai = "\u0e2a"
    monkeypatch.setattr(fonts, "findSystemFonts", lambda: [str(broken)])
    assert without_font([thai]) is not None
    monkeypatch.setattr(fonts, "_letters_of", lambda font: {ord(thai)} if font == broken else set())
    assert without_font([thai]) is None
    assert (OWN_FONTS / "DejaVuSans.ttf").is_file()


def test_the_page_says_it() -> None:
    plain = Page("t", "s", (), (Section("a", "A", (Text("plain"),)),))
    other = Page("t", "s", (), (Section("a", "A", (Text("\u4f60"),)),))
    assert lacking_letters(plain) is None
    assert "CJK" in (lacking_letters(other) or "")
    assert len(render_pdf(other)) > len(render_pdf(plain)) > 1000
