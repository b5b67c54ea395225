"""Writes a page as files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from report.content import Page
from report.errors import ReportError
from report.render.html import render_html
from report.render.markdown import render_markdown
from report.render.pdf import render_pdf

Format = Literal["html", "pdf", "md"]
FORMATS: tuple[Format, ...] = ("html", "pdf", "md")


def write_page(page: Page, folder: Path, formats: Iterable[Format] = FORMATS) -> list[Path]:
    """Writes ``report.html``, ``report.pdf``, ``report.md`` and the drawings.

    Args:
        page: The page.
        folder: Where to; made if it is not there. Files of an earlier report are replaced, and
            its drawings removed.
        formats: Which of the three.

    Returns:
        The pages and the folder of the drawings.

    Raises:
        ReportError: The folder cannot be written; one line.
    """
    written = []
    try:
        drawings = folder / "figures"
        drawings.mkdir(parents=True, exist_ok=True)
        for old in (*drawings.glob("*.svg"), *drawings.glob("*.png")):
            old.unlink()
        for figure in page.figures:
            (drawings / f"{figure.name}.svg").write_text(figure.svg, "utf-8")
            (drawings / f"{figure.name}.png").write_bytes(figure.png)
        for name in dict.fromkeys(formats):
            path = folder / f"report.{name}"
            path.write_bytes(_render(page, name))
            written.append(path)
        if page.figures:
            written.append(drawings)
    except OSError as error:
        said = error.strerror or str(error)
        raise ReportError(f"{error.filename or folder}: cannot write the report: {said}") from error
    return written


def stale_pages(folder: Path, formats: Iterable[Format]) -> list[Path]:
    """The pages of an earlier report that lie in a folder.

    Args:
        folder: Where a report was written.
        formats: Those that were written.
    """
    kept = (folder / f"report.{name}" for name in FORMATS if name not in set(formats))
    return [path for path in kept if path.exists()]


def _render(page: Page, name: Format) -> bytes:
    if name == "html":
        return render_html(page).encode("utf-8")
    if name == "pdf":
        return render_pdf(page)
    return render_markdown(page).encode("utf-8")
