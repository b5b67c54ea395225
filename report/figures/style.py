"""How every figure looks: one colour and marker a model, readable in print and without colour."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

import matplotlib as mpl
import numpy as np
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

from report.content import Figure

INK = "#1f2430"
RULE = "#d5d9e0"
PAPER = "#ffffff"
FAINT = "#8a919e"
"""Pages with a dark side replace these four by their own."""

COLOURS: Sequence[str] = tuple(sns.color_palette("colorblind", 10).as_hex())
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")
HATCHES = ("", "///", "...", "\\\\\\", "xx", "--", "++", "oo")

WIDTH = 7.2
"""Inches: the width of the text of a printed page."""
NARROW = 3.8
"""Inches: a telephone's 390 pixels show letters of 8 points, the smallest here, as 11 pixels."""
_narrow: ContextVar[bool] = ContextVar("narrow", default=False)

Given = ParamSpec("Given")
Drawn = TypeVar("Drawn")

FAR_BEYOND = 5.0
"""Times the median beyond which an error rate makes their axis logarithmic."""

_RC: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 8.5,
    "axes.edgecolor": FAINT,
    "axes.linewidth": 0.8,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.linewidth": 1.6,
    "lines.markersize": 5.5,
    "hatch.linewidth": 0.5,
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "svg.fonttype": "path",
}


@dataclass(frozen=True)
class Palette:
    """The look of each model, the same in every figure."""

    models: tuple[str, ...]
    """Those that are drawn."""
    left_out: int
    """Models that are not: more than ten lines cannot be told apart."""

    @classmethod
    def of(cls, models: Sequence[str]) -> Palette:
        """The palette of a study's models, the most important first."""
        kept = tuple(models[: len(COLOURS)])
        return cls(kept, len(models) - len(kept))

    def colour(self, model: str) -> str:
        return COLOURS[self.models.index(model)]

    def marker(self, model: str) -> str:
        return MARKERS[self.models.index(model)]

    def handles(self, models: Iterable[str], *, line: bool = True) -> list[Line2D]:
        """Entries of a legend, in the palette's order."""
        shown = set(models)
        return [
            Line2D(
                [],
                [],
                color=self.colour(model),
                marker=self.marker(model),
                linestyle="-" if line else "",
                label=model,
            )
            for model in self.models
            if model in shown
        ]

    @property
    def note(self) -> str:
        """What a caption must add."""
        if not self.left_out:
            return ""
        return (
            f" Shown are the {len(self.models)} models with most cases; "
            f"{self.left_out} more are in the store."
        )


def by_width(draw: Callable[Given, Drawn]) -> Callable[Given, Drawn]:
    """Has a figure drawn for paper and desktop, and again for a telephone."""

    @wraps(draw)
    def both(*args: Given.args, **named: Given.kwargs) -> Drawn:
        wide = draw(*args, **named)
        if not isinstance(wide, Figure):
            return wide
        token = _narrow.set(True)
        try:
            narrow = draw(*args, **named)
        finally:
            _narrow.reset(token)
        assert isinstance(narrow, Figure)
        return cast(Drawn, replace(wide, narrow=narrow.svg))

    return both


@contextmanager
def canvas(
    rows: int = 1, columns: int = 1, *, height: float = 3.0, share_y: bool = False
) -> Iterator[tuple[Canvas, list[Axes]]]:
    """A figure of the page's width, in our style, that touches no global state.

    Args:
        rows: Of axes.
        columns: Of axes; on a narrow page these stand below each other, in the same order.
        height: Inches, of the whole.
        share_y: Whether the axes of a row have one scale.
    """
    width = WIDTH
    if _narrow.get():
        width, height = NARROW, height * columns
        rows, columns = rows * columns, 1
    with mpl.rc_context(_RC | {"svg.hashsalt": f"asrprof {width}"}):
        figure = Canvas(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(rows, columns, squeeze=False, sharey=share_y)
        yield figure, list(axes.ravel())


def drawn(figure: Canvas, name: str, caption: str, alt: str) -> Figure:
    """The finished figure as SVG and PNG.

    Args:
        figure: The canvas with everything drawn.
        name: Name of the files, without their ending.
        caption: What stands below the figure.
        alt: What a reader is told who cannot see it.
    """
    svg, png = io.StringIO(), io.BytesIO()
    figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    if not _narrow.get():
        figure.savefig(png, format="png", dpi=160)
    text = svg.getvalue()
    return Figure(name, caption, alt, text[text.index("<svg") :], png.getvalue())


def plain(value: float, _position: object = None) -> str:
    """A tick's label without exponents, short enough to stand beside others."""
    if abs(value) >= 100_000:
        return f"{value / 1e6:g}M" if abs(value) >= 1e6 else f"{value / 1e3:g}k"
    if value and abs(value) < 1e-3:
        return f"{value:.0e}"
    return f"{value:,.10g}"


def log_axis(axes: Axes, which: str, values: Iterable[float]) -> None:
    """A logarithmic axis with labels that can be read, also within one decade.

    Args:
        axes: Where.
        which: ``x`` or ``y``.
        values: What is drawn along it.
    """
    positive = [value for value in values if value > 0]
    low, high = min(positive), max(positive)
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    decades = high / low
    subs = (1.0, 2.0, 5.0) if decades < 200 else (1.0, 3.0) if decades < 3000 else (1.0,)
    # A tick of each decade beside the next one would not be read on a narrow page.
    ticks = 6 if which == "x" and _narrow.get() else 12
    axis.set_major_locator(LogLocator(base=10, subs=subs, numticks=ticks))
    axis.set_major_formatter(FuncFormatter(plain))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())
    # At least a factor of four, so that two alike values do not fill the height.
    margin = max(1.25, (4 / decades) ** 0.5, decades**0.05)
    limits = (low / margin, high * margin)
    (axes.set_xlim if which == "x" else axes.set_ylim)(*limits)


def error_axis(axes: Axes, values: Sequence[float]) -> str:
    """An upward axis of error rates on which one bad model does not press the others together.

    Args:
        axes: Where, with everything drawn.
        values: The rates in per cent; at least one.

    Returns:
        What a caption must add; empty where the axis is linear.
    """
    if max(values) <= FAR_BEYOND * float(np.median(values)):
        # Room below zero, or the marker of a model without errors would be cut.
        axes.set_ylim(bottom=-0.03 * axes.get_ylim()[1])
        return ""
    # Linear up to 1 %: a model may make no errors.
    top = axes.get_ylim()[1]
    axes.set_yscale("symlog", linthresh=1.0, linscale=0.4)
    axes.yaxis.set_major_locator(FixedLocator([0, 1, 2, 5, 10, 20, 50, 100, 200]))
    axes.yaxis.set_major_formatter(FuncFormatter(plain))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_ylim(-0.12, max(top, 1.3 * max(values)))
    return " The axis of errors is logarithmic above 1 %."


def grid_axis(axes: Axes, values: Iterable[float]) -> None:
    """A logarithmic x axis whose ticks are the measured values."""
    ticks = sorted(set(values))
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_major_formatter(FuncFormatter(plain))
    axes.xaxis.set_minor_locator(NullLocator())
    if len(ticks) > 1:
        axes.set_xlim(ticks[0] / 1.12, ticks[-1] * 1.12)


def legend_below(figure: Canvas, handles: Sequence[Artist], columns: int = 4) -> None:
    """One legend for all axes, under them, where it covers nothing.

    Args:
        figure: The canvas.
        handles: What the legend names.
        columns: At most so many entries beside each other; fewer where the labels are long.
    """
    longest = max((len(str(handle.get_label())) for handle in handles), default=0)
    room = 104 * figure.get_figwidth() / WIDTH
    fitting = max(1, min(columns, int(room / (longest + 7))))
    figure.legend(handles=list(handles), loc="outside lower center", ncols=fitting)
