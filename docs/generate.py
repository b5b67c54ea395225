"""Writes the generated parts of the pages here: `python docs/generate.py`.

With `--check` nothing is written; the exit code is 1 if a page is out of date.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import typer
from pydantic import BaseModel
from typer.testing import CliRunner

from runner.catalogue.measures import MEASURES
from runner.catalogue.variants import VARIANTS
from runner.cli.app import app
from runner.config import (
    Benchmark,
    Data,
    Limits,
    Load,
    Model,
    Point,
    Server,
    Slo,
    Variant,
    meanings,
)
from runner.config_file import load_benchmark, presets
from runner.grid import expand
from store import COLUMNS, Metric
from store.metrics import SCALARS
from tui.__main__ import make_parser
from tui.keys import document as keys_page

DOCS = Path(__file__).parent
BEGIN, END = "<!-- begin generated -->", "<!-- end generated -->"
HELP_WIDTH = 100

OBJECTS: tuple[tuple[str, str, type[BaseModel]], ...] = (
    ("The benchmark", "", Benchmark),
    (
        "A model as an object",
        "An entry of `models`, where its name alone does not say enough.",
        Model,
    ),
    ("`server` of a model", "", Server),
    ("A variant as an object", "An entry of `variants`.", Variant),
    ("`data`", "", Data),
    ("`limits`", "", Limits),
    ("`load`", "", Load),
    ("`slo` of `load`", "", Slo),
    ("An entry of `include` or `exclude`", "", Point),
)


def config_page() -> str:
    """Every field of a config, the ready-made variants and the presets."""
    schemas = Benchmark.model_json_schema()
    parts = []
    for title, words, model in OBJECTS:
        schema = schemas if model is Benchmark else schemas["$defs"][model.__name__]
        rows = [
            "| field | value | default | meaning |",
            "|---|---|---|---|",
            *(_field_row(model, schema, name) for name in model.model_fields),
        ]
        about = words or " ".join((model.__doc__ or "").split())
        parts.append(f"### {title}\n\n{about}\n\n" + "\n".join(rows))
    names = ", ".join(f"`{name}`" for name in VARIANTS)
    parts.append(f"## Ready-made variants\n\n{names}")
    parts.append(
        "## Presets\n\nA name instead of a path: `asrprof run study --dry-run` shows its grid.\n\n"
        "| preset | cases | models | devices | audio seconds | batch sizes |\n"
        "|---|---|---|---|---|---|\n" + "\n".join(map(_preset_row, presets()))
    )
    shown = (files("runner.presets") / "demo.json").read_text(encoding="utf-8").strip()
    parts.append(f"`demo` in full:\n\n```json\n{shown}\n```")
    return "\n\n".join(parts)


def _field_row(model: type[BaseModel], schema: dict[str, Any], name: str) -> str:
    field = model.model_fields[name]
    meaning = " ".join(meanings(model).get(name, "").split())
    if field.is_required():
        default = "required"
    else:
        value = field.get_default()
        plain = not isinstance(value, BaseModel) and value is not None and value != []
        default = f"`{json.dumps(value)}`" if plain else ""
    words = _value(schema["properties"][name]).replace("|", "\\|")
    return f"| `{name}` | {words} | {default} | {meaning} |"


def _value(schema: dict[str, Any]) -> str:
    """What a JSON Schema takes, in words."""
    if "$ref" in schema:
        return "object"
    if "anyOf" in schema:
        branches = [branch for branch in schema["anyOf"] if branch.get("type") != "null"]
        return " or ".join(dict.fromkeys(map(_value, branches)))
    if "enum" in schema:
        return ", ".join(f"`{word}`" for word in schema["enum"])
    kind = str(schema["type"])
    if kind == "array":
        return f"list: {_value(schema['items'])}"
    return {"boolean": "`true` or `false`"}.get(kind, kind) + _bounds(schema)


def _bounds(schema: dict[str, Any]) -> str:
    low = schema.get("minimum")
    above = schema.get("exclusiveMinimum")
    high = schema.get("maximum")
    below = schema.get("exclusiveMaximum")
    words = [
        f"from {low:,.12g}" if low is not None else "",
        f"above {above:,.12g}" if above is not None else "",
        f"{'to' if low is not None else 'and at most'} {high:,.12g}" if high is not None else "",
        f"and below {below:,.12g}" if below is not None else "",
        f"up to {schema['maxLength']} characters" if "maxLength" in schema else "",
    ]
    return "".join(f" {word}" for word in words if word)


def _preset_row(name: str) -> str:
    cases = expand(load_benchmark(name))
    columns = (
        f"{len(cases)}",
        ", ".join(dict.fromkeys(f"`{case.model.name}`" for case in cases)),
        ", ".join(dict.fromkeys(case.device for case in cases)),
        ", ".join(dict.fromkeys(f"{case.audio_seconds:g}" for case in cases)),
        ", ".join(dict.fromkeys(str(case.batch_size) for case in cases)),
    )
    return f"| `{name}` | {' | '.join(columns)} |"


def commands_page() -> str:
    """The help of `asrprof` and of each of its commands."""
    return "\n\n".join(
        f"## `{' '.join(('asrprof', *path))}`\n\n```text\n{_help(path)}\n```" for path in commands()
    )


def commands() -> Iterator[tuple[str, ...]]:
    """`asrprof` itself and all that it can be told to do."""
    yield ()
    group = typer.main.get_command(app)
    for name in group.list_commands(None):  # type: ignore[attr-defined]
        yield (name,)
        command = group.get_command(None, name)  # type: ignore[attr-defined]
        yield from ((name, inner) for inner in getattr(command, "commands", ()))


def _help(path: tuple[str, ...]) -> str:
    result = CliRunner().invoke(
        app,
        [*path, "--help"],
        prog_name="asrprof",
        # Both: the help of the options measures the terminal a second time.
        env={"COLUMNS": str(HELP_WIDTH), "TERM": "dumb", "NO_COLOR": "1"},
        terminal_width=HELP_WIDTH,
        color=False,
    )
    if result.exit_code != 0:
        raise RuntimeError(f"--help of {path} failed: {result.output}")
    return "\n".join(line.rstrip() for line in result.output.strip().splitlines())


def store_page() -> str:
    """The columns of the view `leaderboard`, and the scalars that have one where they occur."""
    heads = ("| column | heading | unit | what it is of |", "|---|---|---|---|")
    names = ("| scalar | heading | unit | what it is of |", heads[1])
    columns = (_metric_row(metric) for metric in COLUMNS.values())
    of_measures = (metric for entry in MEASURES.values() for metric in entry.metrics)
    scalars = (_metric_row(metric) for metric in (*SCALARS.values(), *of_measures))
    return "\n".join((*heads, *columns, "", *names, *scalars))


def _metric_row(metric: Metric) -> str:
    # A share is written as per cent, and stored from 0 to 1.
    unit = {"share": "0 to 1", "bytes": "B"}.get(metric.form, metric.unit)
    better = f"{metric.better} is better" if metric.better else ""
    about = "; ".join(filter(None, (metric.about, better)))
    return f"| `{metric.name}` | {metric.heading} | {unit} | {about} |"


def tui_page() -> str:
    """The help of `asrprof-tui`."""
    return f"```text\n{make_parser(HELP_WIDTH).format_help().strip()}\n```"


def renewed(page: Path, content: str) -> str:
    """A page with its generated part replaced."""
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise RuntimeError(f"{page} lacks the markers {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{content}\n\n{END}{after}"


def main(arguments: list[str]) -> int:
    """Writes the pages, or checks them; returns the exit code."""
    stale = []
    pages = (
        ("config.md", config_page()),
        ("commands.md", commands_page()),
        ("keys.md", keys_page()),
        ("tui.md", tui_page()),
        ("store.md", store_page()),
    )
    for name, content in pages:
        page = DOCS / name
        text = renewed(page, content)
        if text != page.read_text(encoding="utf-8"):
            stale.append(name)
            if "--check" not in arguments:
                page.write_text(text, encoding="utf-8")
    if stale and "--check" in arguments:
        print(f"out of date: {', '.join(stale)}; run `python docs/generate.py`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
