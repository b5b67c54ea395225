"""`asrprof schema`."""

from __future__ import annotations

import json

import typer

from runner.config import Benchmark


def schema() -> None:
    """Print the JSON Schema of a benchmark config."""
    typer.echo(json.dumps(Benchmark.model_json_schema(), indent=2))
