"""One HTML file that needs nothing beside it: style and drawings are inside."""

from __future__ import annotations

from importlib import resources

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from report.content import Block, Page
from report.figures.style import FAINT, INK, PAPER, RULE

_VARIABLES = {INK: "--ink", RULE: "--rule", PAPER: "--paper", FAINT: "--faint"}


def render_html(page: Page) -> str:
    """The page as HTML."""
    templates = resources.files("report").joinpath("templates")
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    template = environment.from_string(templates.joinpath("page.html.j2").read_text("utf-8"))
    style, script = (
        Markup(templates.joinpath(name).read_text("utf-8")) for name in ("page.css", "page.js")
    )
    return template.render(page=page, style=style, script=script, kind=_kind, themed=_themed)


def _kind(block: Block) -> str:
    return type(block).__name__


def _themed(svg: str) -> Markup:
    """A drawing, its neutral colours following the page's: dark where the reader's are."""
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, f"var({variable})")
    return Markup(svg)
