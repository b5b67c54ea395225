"""Configs as people read them: the list, the grid in short, JSON in colours."""

from __future__ import annotations

import re

from rich.table import Table
from rich.text import Text

from runner.estimate import Estimate
from tui.configs import Config
from tui.form import Checked, summary
from tui.glyphs import Glyphs
from tui.palette import Palette
from tui.plain import cell, plain
from tui.present import about
from tui.table import FlexColumn, Row

COLUMNS = (FlexColumn("", 1), FlexColumn("config", 12, grow=1), FlexColumn("", 6, keep=2))

_JSON = re.compile(
    r'(?P<key>"(?:\\.|[^"\\])*")(?=\s*:)|(?P<text>"(?:\\.|[^"\\])*")'
    r"|(?P<number>-?\d[\d.eE+-]*)|(?P<word>true|false|null)"
)


def config_row(config: Config, *, changed: bool, palette: Palette, glyphs: Glyphs) -> Row:
    """A line of the list: a sign for what is unsaved or broken, name, kind.

    Args:
        config: The config.
        changed: Whether it has changes that are not saved.
        palette: Colours of the theme.
        glyphs: Signs to draw with.
    """
    if config.error is not None:
        sign = Text(glyphs.bad, palette.bad)
    else:
        sign = Text(glyphs.on if changed else " ", palette.accent)
    kind = "preset" if config.preset else "" if config.path is not None else "new"
    return Row(config.key, (sign, cell(config.name), Text(kind, palette.muted)))


def grid_line(checked: Checked, estimate: Estimate | None, palette: Palette) -> Text:
    """The grid in one line, or what is wrong.

    Args:
        checked: The config with its cases, or what is wrong with it.
        estimate: How long the grid takes, if it is known.
        palette: Colours of the theme.
    """
    if checked.error is not None:
        return Text(plain(checked.error), palette.bad)
    count = len(checked.cases)
    text = Text.assemble((f"{count} {'case' if count == 1 else 'cases'}", "bold"))
    if estimate is not None:
        text.append(f", about {about(estimate.seconds)}")
        if estimate.known:
            text.append(f" ({estimate.known} timed before)", palette.muted)
    benchmark = checked.benchmark
    if benchmark is not None:
        axes = (
            ("model", len(benchmark.models)),
            ("device", len(benchmark.devices)),
            ("length", len(benchmark.audio_seconds)),
            ("batch size", len(benchmark.batch_sizes)),
            ("variant", len(benchmark.variants)),
            ("thread count", len(benchmark.threads or [1])),
        )
        words = [f"{n} {name}{'s' if n != 1 else ''}" for name, n in axes if n != 1]
        changes = [
            f"{len(points)} {name}"
            for name, points in (("excluded", benchmark.exclude), ("included", benchmark.include))
            if points
        ]
        text.append(f"  {' x '.join(words)}", palette.muted)
        if changes:
            text.append(f" ({', '.join(changes)})", palette.muted)
    return text


def grid_table(checked: Checked, palette: Palette, most: int) -> Table:
    """Cases of each model.

    Args:
        checked: The config with its cases.
        palette: Colours of the theme.
        most: At most so many models are named.
    """
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(justify="right", style=palette.muted)
    table.add_column()
    table.add_column(style=palette.muted)
    found = summary(checked.cases)
    for name, count in found[:most]:
        table.add_row(str(count), cell(name), "")
    if len(found) > most:
        table.add_row("", Text(f"and {len(found) - most} more models", palette.muted), "")
    return table


def json_text(text: str, palette: Palette) -> Text:
    """JSON in the theme's colours."""
    shown = Text(style=palette.muted)
    colours = {
        "key": palette.primary,
        "text": palette.foreground,
        "number": palette.accent,
        "word": palette.secondary,
    }
    for line in text.split("\n"):
        clean = plain(line)
        part = Text(clean, palette.muted)
        for found in _JSON.finditer(clean):
            part.stylize(colours[found.lastgroup or "text"], *found.span())
        shown.append_text(part).append("\n")
    return shown
