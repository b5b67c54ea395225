"""The PDF's pages, as pictures: filled, and a heading with what it is of."""

from __future__ import annotations

import io
from pathlib import Path

import matplotlib.image as mpimg
import numpy as np
import pytest

from report.page import build_page
from report.render.pdf import render_pages
from report.scenarios import load_scenarios
from report.study import Study
from store import Store
from tests.report.demo_like import write_demo_like

MARGIN_MM, PAPER_MM, FOOT_MM = 22, 297, 16


def white_below(png: bytes) -> float:
    """The share of a page's text that is white at its foot, the footer not counted."""
    picture = mpimg.imread(io.BytesIO(png), format="png")[..., :3].min(axis=2)
    scale = picture.shape[0] / PAPER_MM
    top, end = round(MARGIN_MM * scale), round((PAPER_MM - FOOT_MM - 4) * scale)
    inked = np.flatnonzero((picture[top:end] < 0.9).any(axis=1))
    last = inked[-1] if len(inked) else 0
    return 1 - last / (end - top)


@pytest.mark.e2e
def test_no_page_is_more_than_a_third_white(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    write_demo_like(path)
    with Store.open(path, readonly=True) as store:
        pages = render_pages(build_page(Study.read(store), load_scenarios()))
    assert len(pages) > 5
    # The last page ends where the text does.
    white = [white_below(page) for page in pages[:-1]]
    assert max(white) < 1 / 3, [f"{share:.0%}" for share in white]
