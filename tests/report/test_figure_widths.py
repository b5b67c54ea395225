"""A figure for every width: what a telephone is shown, and axes that one model cannot spoil."""

from __future__ import annotations

import re

import pytest

from report.content import Figure, Page, Section, Text
from report.figures.style import NARROW, WIDTH, by_width, canvas, drawn, error_axis
from report.render.html import render_html

PHONE_PX = 420 - 2 * 0.9 * 16
"""What a page of 420 pixels leaves a drawing: its padding is 0.9 rem on each side."""


@by_width
def two_panels(drawable: bool = True) -> Figure | Text:
    if not drawable:
        return Text("nothing")
    with canvas(1, 2, height=3.0) as (figure, axes):
        for panel in axes:
            panel.plot([1, 2], [3, 4])
            panel.set_xlabel("seconds")
        return drawn(figure, "two", "Two.", "Two panels.")


def size_pt(svg: str) -> tuple[float, float]:
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert box is not None
    return float(box[1]), float(box[2])


def test_a_telephone_gets_panels_below_each_other_with_letters_of_11_pixels() -> None:
    figure = two_panels()
    assert isinstance(figure, Figure)
    assert size_pt(figure.svg) == pytest.approx((72 * WIDTH, 72 * 3.0))
    width, height = size_pt(figure.narrow)
    assert (width, height) == pytest.approx((72 * NARROW, 72 * 6.0))
    sizes = {float(n) for n in re.findall(r"scale\(([\d.]+) -[\d.]+\)", figure.narrow)}
    assert {100 * scale for scale in sizes} == {8.0, 8.5}
    assert 8.0 * PHONE_PX / width >= 11
    # Both are in one page: what one refers to must not be found in the other, which is hidden.
    marks = [
        set(re.findall(r'<(?:clipPath|pattern) id="(\w+)"', svg))
        for svg in (figure.svg, figure.narrow)
    ]
    assert marks[0] and marks[1] and not marks[0] & marks[1]
    html = render_html(Page("T", "", (), (Section("s", "S", (figure,)),)))
    assert html.count("<svg") == 2
    assert html.count('aria-label="Two panels."') == 2


def test_what_is_no_figure_is_drawn_once_and_widths_do_not_leak() -> None:
    assert two_panels(drawable=False) == Text("nothing")
    again = two_panels()
    assert isinstance(again, Figure)
    assert size_pt(again.svg)[0] == pytest.approx(72 * WIDTH)


@pytest.mark.parametrize(
    ("rates", "logarithmic"),
    [([2.0, 5.0, 6.0, 90.0], True), ([0.0, 5.0, 6.0, 90.0], True), ([3.0, 5.0, 9.0], False)],
)
def test_one_bad_model_does_not_press_the_others_together(
    rates: list[float], logarithmic: bool
) -> None:
    with canvas() as (_, (axes,)):
        axes.plot(range(len(rates)), rates, marker="o")
        words = error_axis(axes, rates)
        place = axes.transData.transform
        heights = [place((0, rate))[1] for rate in rates]
        low, high = (place((0, end))[1] for end in axes.get_ylim())
    assert ("logarithmic" in words) == logarithmic
    assert all(low < height < high for height in heights)
    if logarithmic:
        # From the first to the third: a seventh of the height or more, where it was a twentieth.
        assert heights[2] - heights[0] > (high - low) / 7
