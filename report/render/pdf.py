"""The page as PDF, set by Typst: a compiler in a wheel, with its fonts, that needs no network."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import Any

import matplotlib as mpl
import typst

from report.content import Block, Figure, Note, Page


def render_pdf(page: Page) -> bytes:
    """The page as PDF."""
    with tempfile.TemporaryDirectory(prefix="asrprof-report-") as name:
        folder = Path(name)
        for figure in page.figures:
            (folder / f"{figure.name}.svg").write_text(figure.svg, "utf-8")
        (folder / "page.json").write_text(json.dumps(_page(page)), "utf-8")
        template = resources.files("report").joinpath("templates/page.typ").read_text("utf-8")
        (folder / "page.typ").write_text(template, "utf-8")
        # The text's font is in the compiler. The drawings' and the machine's fonts are for letters
        # that it lacks: a transcript may be in any script.
        fonts = Path(mpl.get_data_path()) / "fonts" / "ttf"
        compiled: bytes = typst.compile(folder / "page.typ", root=folder, font_paths=[fonts])
    return compiled


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
