"""The levels of load of a job, as the commands print them."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from runner.cli.plain import cell
from store import Store
from store.energy_marks import energy_mark
from store.knee import knees
from store.load_board import LoadRow
from store.load_records import NOT_ASKED, service_words

_NONE = "-"
_NARROW = 100
"""Columns of a terminal below which the less important figures give way."""


def print_load(console: Console, store: Store, *, job_id: int) -> None:
    """Prints every level of a job, and what went wrong; nothing where there is none.

    Args:
        console: Where to; its width decides which columns there are.
        store: The store.
        job_id: The job.
    """
    rows = store.load_board(job_id)
    if not rows:
        return
    console.print()
    subjects = dict.fromkeys((row.model, row.engine, row.device, row.variant) for row in rows)
    for subject in subjects:
        own = [row for row in rows if (row.model, row.engine, row.device, row.variant) == subject]
        model, engine, device, variant = subject
        console.print(cell(f"load on {model} ({engine}) {device} {variant}", "bold"))
        console.print(load_table(own, width=console.width))
        for line in knee_lines(own):
            console.print(cell(line), soft_wrap=True)
    for line in notes(rows):
        console.print(cell(line, "dim"), soft_wrap=True)


def load_table(rows: Sequence[LoadRow], *, width: int) -> Table:
    """One row a level.

    Args:
        rows: Of one model, device and variant.
        width: Cells of the terminal.
    """
    wide = width >= _NARROW
    metered = any(row.joules_per_audio_hour is not None for row in rows)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True, show_edge=False)
    table.add_column("load")
    columns = [
        "req/s", "RTFx", "p50 ms", "p95 ms", "p99 ms", "good/s", "errors", "WER %",
        *(("queue ms", "batch", "CPU") if wide else ()),
        *(("J/audio h",) if metered else ()),
    ]  # fmt: skip
    for heading in columns:
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        slo = {1: "", 0: "!", None: ""}[row.slo_met]
        figures = [
            _number(row.requests_per_s),
            _number(row.rtfx),
            _with_interval(row.p50_ms, row.p50_low_ms, row.p50_high_ms),
            f"{slo}{_with_interval(row.p95_ms, row.p95_low_ms, row.p95_high_ms)}",
            _number(row.p99_ms),
            _number(row.goodput_per_s),
            f"{row.errors:,}",
            _NONE if row.wer is None else f"{100 * row.wer:.1f}",
        ]
        if wide:
            busy = _NONE if row.cpu_busy is None else f"{row.cpu_busy:.0%}"
            figures += [_number(row.queue_ms), _number(row.batch), busy]
        if metered:
            joules = row.joules_per_audio_hour
            mark = "" if joules is None else energy_mark(row.energy_label)
            figures.append(f"{mark}{_number(joules)}")
        table.add_row(cell(f"{'' if row.held else '+'}{_load(row)}"), *map(cell, figures))
    return table


def knee_lines(rows: Sequence[LoadRow]) -> list[str]:
    """The largest rate that met the SLO, a line for each size of batches; none for one level.

    Args:
        rows: Of one model, device and variant.
    """
    if sum(row.rate is not None for row in rows) < 2:
        return []
    found = []
    slo_ms = rows[0].slo_p95_ms
    for service, knee in knees(rows):
        batch = service_words(*service)
        slo = f"within {slo_ms:g} ms for 95 of 100 requests{batch}"
        if knee.rate is None:
            found.append(f"knee: no rate was {slo}")
            continue
        low = "none" if knee.low is None else f"{knee.low:g}"
        high = "none" if knee.high is None else f"{knee.high:g}"
        found.append(
            f"knee: {knee.rate:g} requests a second {slo} (surely {low}, surely no longer {high})"
        )
    return found


def notes(rows: Sequence[LoadRow]) -> list[str]:
    """What the marks mean, and what went wrong at which level."""
    limits = sorted({row.slo_p95_ms for row in rows})
    slo = ", ".join(f"{limit:g}" for limit in limits)
    found = [
        "latency counts from when a request was due, not from when it was sent; good/s: answers "
        f"within {slo} ms (SLO)"
    ]
    if any(row.paced for row in rows):
        found.append(
            "of streams, which are sent at real-time pace, it counts from the end of the speech to "
            "the final text"
        )
    if any(row.slo_met == 0 for row in rows):
        found.append("! fewer than 95 of 100 requests were answered within the SLO")
    # A client of a closed loop is due when it sends; the pieces of its stream are not.
    late = [row.send_delay_p99_ms for row in rows if row.mode == "open" or row.paced]
    known = [delay for delay in late if delay is not None]
    if known:
        found.append(f"the generator sent {max(known):.2g} ms late (p99 of the worst level)")
    labels = sorted({row.energy_label for row in rows if row.energy_label is not None})
    if labels:
        signs = [f"{energy_mark(label)} {label}".strip() for label in labels]
        found.append(f"J/audio h: of the machine, the generator included ({', '.join(signs)})")
    reasons = dict.fromkeys(
        row.energy_reason for row in rows if row.energy_reason not in (None, NOT_ASKED)
    )
    found += [f"no joules: {reason}" for reason in reasons]
    for row in rows:
        if not row.held:
            found.append(f"+ {_load(row)} ended early: {row.reason}")
        if row.errors_by_kind is not None:
            found.append(f"{_load(row)}: {row.errors_by_kind}, {row.error_words}")
    return found


def _load(row: LoadRow) -> str:
    batch = "" if row.max_batch is None else f", batch {row.max_batch}"
    batch += "" if (row.replicas or 1) == 1 else f", {row.replicas} models"
    if row.mode == "closed":
        return f"{row.concurrency} {'streams' if row.paced else 'at once'}{batch}"
    return f"{row.rate:g}/s {row.arrivals}{' streams' if row.paced else ''}{batch}"


def _number(value: float | None) -> str:
    if value is None:
        return _NONE
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _with_interval(value: float | None, low: float | None, high: float | None) -> str:
    if value is None or low is None or high is None or not value:
        return _number(value)
    return f"{_number(value)} ±{(high - low) / 2 / value:.0%}"
