"""What runs in the place of a case where a model is held, for tests/test_shared_load.py."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import torch

from runner.case import default_threads
from runner.held import Held
from runner.resident import Run
from runner.task import CaseTask, Remark, utc_now

LEAKED: list[bytes] = []


def ticks() -> list[int]:
    """CPU time of each thread of this process in clock ticks, the busiest first."""
    found = []
    for thread in Path("/proc/self/task").iterdir():
        fields = (thread / "stat").read_text().rsplit(")", 1)[1].split()
        found.append(int(fields[11]) + int(fields[12]))
    return sorted(found, reverse=True)


def _state(held: Held) -> dict[str, object]:
    weight = next(held.engine.model.parameters())
    return {
        "threads": torch.get_num_threads(),
        "dtype": str(torch.get_default_dtype()),
        "random": torch.rand(1).item(),
        "weights": weight.double().abs().sum().item(),
        "leaked": len(LEAKED),
        "environment": os.environ.get("SPOILT"),
        "load_s": held.load_s,
    }


def _told(connection: Connection, task: CaseTask, what: object) -> None:
    connection.send(Remark(json.dumps(what)))
    connection.send(task.outcome("ok", "told", started_at=utc_now(), wall_s=0.0))
    os._exit(0)


def spoils(
    connection: Connection, task: CaseTask, log: str, held: Held, pages: tuple[Run, ...]
) -> None:
    """Tells the state that it finds, having changed all of it."""
    found = _state(held)
    torch.set_num_threads(default_threads() + 1)
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(7)
    for weight in held.engine.model.parameters():
        weight.zero_()
    LEAKED.append(bytes(50_000_000))
    os.environ["SPOILT"] = "yes"
    _told(connection, task, found)


def two_threads(
    connection: Connection, task: CaseTask, log: str, held: Held, pages: tuple[Run, ...]
) -> None:
    """Computes on two threads, and tells the CPU time of each."""
    before = len(list(Path("/proc/self/task").iterdir()))
    torch.set_num_threads(2)
    square = torch.rand(512, 512)
    while ticks()[0] < 50:
        square = (square @ square).softmax(dim=1)
    _told(connection, task, {"before": before, "ticks": ticks()})


def too_much(
    connection: Connection, task: CaseTask, log: str, held: Held, pages: tuple[Run, ...]
) -> None:
    """Asks for more memory than the case may have."""
    try:
        LEAKED.append(bytes(3_000_000_000))
    except MemoryError:
        connection.send(task.outcome("oom", "bounded", started_at=utc_now(), wall_s=0.0))
    os._exit(0)


Body = Callable[[Connection, CaseTask, str, Held, tuple[Run, ...]], None]
BODIES: tuple[Body, ...] = (spoils, two_threads, too_much)
