"""The page as PDF, set by Typst: a compiler in a wheel, with its fonts, that needs no network."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import Any

import typst

from report.content import Block, Figure, Note, Page
from report.render.fonts import OWN_FONTS, without_font


def render_pdf(page: Page) -> bytes:
    """The page as PDF."""
    return _compiled(page)[0]


def render_pages(page: Page, *, pixels_per_inch: float = 40.0) -> list[bytes]:
    """The pages of the PDF as pictures, each a PNG.

    Args:
        page: The page.
        pixels_per_inch: Of the pictures.
    """
    return _compiled(page, format="png", ppi=pixels_per_inch)


def _compiled(page: Page, **options: Any) -> list[bytes]:
    """What Typst makes of a page: one PDF, or pictures."""
    with tempfile.TemporaryDirectory(prefix="asrprof-report-") as name:
        folder = Path(name)
        for figure in page.figures:
            (folder / f"{figure.name}.svg").write_text(figure.svg, "utf-8")
        document = _page(page)
        lacking = lacking_letters(page)
        if lacking is not None:
            note = {
                "kind": "Note",
                "text": f"{lacking[0].upper()}{lacking[1:]}.",
                "style": "warning",
            }
            document["sections"] = [{"title": "Letters", "blocks": [note]}, *document["sections"]]
        (folder / "page.json").write_text(json.dumps(document), "utf-8")
        template = resources.files("report").joinpath("templates/page.typ").read_text("utf-8")
        (folder / "page.typ").write_text(template, "utf-8")
        # The text's font is in the compiler. The drawings' and the machine's fonts are for letters
        # that it lacks: a transcript may be in any script.
        compiled: bytes | list[bytes] = typst.compile(
            folder / "page.typ", root=folder, font_paths=[OWN_FONTS], **options
        )
    return compiled if isinstance(compiled, list) else [compiled]


def lacking_letters(page: Page) -> str | None:
    """Which letters of a page no font here has, in words; None where all have one."""
    return without_font(_texts(_page(page)))


def _texts(value: object) -> Iterator[str]:
    """Every text within lists and objects."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)


def _page(page: Page) -> dict[str, Any]:
    return {
        "title": page.title,
        "subtitle": page.subtitle,
        "facts": page.facts,
        "sections": [
            {"title": section.title, "blocks": [_block(block) for block in section.blocks]}
            for section in page.sections
        ],
    }


def _block(block: Block) -> dict[str, Any]:
    kind = type(block).__name__
    if isinstance(block, Figure):
        file = f"{block.name}.svg"
        return {"kind": kind, "file": file, "alt": block.alt, "caption": block.caption}
    if isinstance(block, Note):
        return {"kind": kind, "text": block.text, "style": block.kind}
    fields = asdict(block)
    if "best" in fields:
        fields["best"] = sorted(fields["best"])
    return {"kind": kind, **fields}
