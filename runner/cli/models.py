"""`asrprof models`."""

from __future__ import annotations

import json
from dataclasses import asdict

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from runner.catalogue.engines import ENGINES, installed
from runner.catalogue.entries import ModelEntry
from runner.catalogue.extras import install_line
from runner.catalogue.models import CATALOGUE
from runner.cli.names import Name
from runner.cli.options import JsonOption


def models(as_json: JsonOption = False) -> None:
    """List the models asrprof knows by name."""
    if as_json:
        typer.echo(json.dumps([asdict(entry) for entry in CATALOGUE.values()], indent=2))
        return
    console = Console()
    wide = console.width >= 120
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True, show_edge=False)
    table.add_column("model", overflow="fold", min_width=30 if wide else 27)
    table.add_column("architecture", overflow="fold", max_width=None if wide else 18)
    table.add_column("M", justify="right", no_wrap=True)
    table.add_column("takes", justify="right", no_wrap=True)
    table.add_column("lang", justify="right", no_wrap=True)
    table.add_column("weights", no_wrap=True)
    if wide:
        table.add_column("family", max_width=12)  # Of 120 columns, for the licence.
        table.add_column("rate", justify="right", no_wrap=True)
        table.add_column("licence", no_wrap=True)
    for entry in CATALOGUE.values():
        table.add_row(
            Name(entry.name),
            Name(entry.architecture),
            _millions(entry.parameters),
            f"{entry.window_seconds:g} s" if entry.window_seconds else "any",
            _languages(entry.languages),
            ("bundled" if entry.bundled else "hub") + (", random" if entry.random else ""),
            *(_further(entry) if wide else ()),
        )
    console.print(table)
    narrow = "" if wide else " At 120 columns: family, sample rate and licence too."
    console.print(
        "M: million parameters; takes: audio at a time, longer clips are cut; lang: a language, or "
        "how many (--json lists them)."
        f"{narrow} Any other Hugging Face repository or local folder of these architectures runs "
        "too.",
        style="dim",
    )
    for name, engine in ENGINES.items():
        if engine.extra is not None:
            library = installed(engine) or f"not installed; {install_line(engine.extra)}"
            console.print(f'engine "{name}" {engine.about} ({library})', style="dim", markup=False)


def _further(entry: ModelEntry) -> tuple[Name | str, ...]:
    """What a wide table has besides."""
    return Name(entry.family), f"{entry.sample_rate_hz / 1e3:g} kHz", entry.licence


def _millions(parameters: int) -> str:
    """Millions in three digits or more; a dash for none."""
    millions = parameters / 1e6
    if not parameters:
        return "-"
    return f"{millions:.0f}" if millions >= 100 else f"{millions:.4g}"


def _languages(codes: tuple[str, ...]) -> str:
    """The code of the only language, else how many there are."""
    if len(codes) == 1:
        return codes[0]
    return str(len(codes)) if codes else "any"
