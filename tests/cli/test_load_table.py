"""The table of the levels of load, as the commands print it."""

from __future__ import annotations

import io
from dataclasses import fields
from typing import Any

from rich.console import Console

from runner.cli.load_table import load_table, notes
from store.load_board import LoadRow


def row(**figures: Any) -> LoadRow:
    """A level of which nothing is known but what is given."""
    known: dict[str, Any] = {
        **{field.name: None for field in fields(LoadRow)},
        **{"result_id": 1, "job_id": 1, "level": 0, "model": "m", "engine": "ctc"},
        **{"device": "cpu", "variant": "fp32", "mode": "closed", "concurrency": 4},
        **{"requests": 9, "slo_p95_ms": 500.0, "errors": 0, "held": 1},
        **figures,
    }
    return LoadRow(**known)


def printed(rows: list[LoadRow], width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    console.print(load_table(rows, width=width))
    return [line.split() for line in console.file.getvalue().splitlines()]


def test_joules_carry_their_mark_and_a_missing_figure_none() -> None:
    levels = [
        row(requests_per_s=2.0, p95_ms=600.0, slo_met=0, wer=0.012, energy_label="estimated",
            joules_per_audio_hour=1234.0),
        row(concurrency=8, energy_label="estimated"),
    ]  # fmt: skip
    head, _, first, second = printed(levels, 80)
    assert " ".join(head).endswith("good/s errors WER % J/audio h")
    assert " ".join(first) == "4 at once 2 - - !600 - - 0 1.2 ≈1,234"
    assert " ".join(second) == "8 at once - - - - - - 0 - -"
    assert any(line.startswith("J/audio h: of the machine") for line in notes(levels))


def test_a_wide_terminal_has_what_a_narrow_one_leaves_out() -> None:
    head, _, first = printed([row(queue_ms=12.0, batch=3.5, cpu_busy=0.5)], 120)
    assert " ".join(head).endswith("errors WER % queue ms batch CPU")
    assert first[-3:] == ["12", "3.5", "50%"]
