"""What models made of noise and silence, as the commands print it."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from runner.cli.plain import cell
from store import NoiseRow, Store

_NONE = "-"


def print_robustness(
    console: Console, store: Store, *, job_id: int | None = None, result_id: int | None = None
) -> None:
    """Prints every condition of a job or of a result; nothing where there is none.

    Args:
        console: Where to.
        store: The store.
        job_id: The job.
        result_id: The result.
    """
    rows = store.noise_board(job_id, result_id)
    if not rows:
        return
    subjects: dict[tuple[str | None, ...], list[NoiseRow]] = {}
    for row in rows:
        subjects.setdefault((row.model, row.engine, row.device, row.variant), []).append(row)
    for (model, engine, device, variant), own in subjects.items():
        console.print()
        console.print(cell(f"noise and silence: {model} ({engine}) {device} {variant}", "bold"))
        console.print(robustness_table(own))
    for line in notes(rows):
        console.print(cell(line, "dim"), soft_wrap=True)


def robustness_table(rows: Sequence[NoiseRow]) -> Table:
    """One row a condition.

    Args:
        rows: Of one model, device and variant.
    """
    headline = _headline(rows)
    unit = "chars" if headline == "CER" else "words"
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True, show_edge=False)
    table.add_column("heard")
    for heading in (f"{headline} %", "95 %", "sub", "del", "ins", f"made-up {unit}/min", "of s"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("for example", overflow="ellipsis", no_wrap=True)
    for row in rows:
        spoken = row.invented is None
        rate, low, high = _rate(row)
        quiet = [
            *(_NONE if spoken else f"{row.invented_per_minute or 0:.2f}",),
            *(_NONE if spoken else f"{row.audio_s:.0f}",),
        ]
        errors = (row.substitutions, row.deletions, row.insertions)
        ends = (low, high) if spoken else (row.invented_low, row.invented_high)
        scale, digits = (100, 1) if spoken else (1, 2)
        table.add_row(
            cell(heard(row)),
            cell(_NONE if rate is None else f"{100 * rate:.1f}"),
            cell(_ends(*ends, scale=scale, digits=digits)),
            *(cell(_NONE if count is None else f"{count:,}") for count in errors),
            *map(cell, quiet),
            cell(row.example or ""),
        )
    return table


def notes(rows: Sequence[NoiseRow]) -> list[str]:
    """What the figures are of."""
    counts = {row.scored for row in rows if row.invented is None}
    by = sorted({f"{row.normaliser} {row.normaliser_version}" for row in rows if row.normaliser})
    scored = " or ".join(f"{count:,}" for count in sorted(counts))
    found = [
        f"of {scored} utterances, by {', '.join(by)}; "
        "dB: power of the active speech over that of the noise, the same noise for every model"
    ]
    if any(row.condition == "noise" and row.insertions is None for row in rows):
        found.append("- : no rate; see `reason` of the view noise_board")
    return found


def heard(row: NoiseRow) -> str:
    """A condition in a few words."""
    if row.condition == "clean":
        return "speech as it is"
    if row.condition == "noise":
        return f"{row.noise} noise, {row.snr_db:g} dB"
    if row.condition == "silence":
        return "digital silence"
    return f"faint {row.noise} noise" if row.condition == "faint noise" else "rows without words"


def _headline(rows: Sequence[NoiseRow]) -> str:
    return next((row.headline for row in rows if row.headline), "WER")


def _rate(row: NoiseRow) -> tuple[float | None, float | None, float | None]:
    if row.headline == "CER":
        return row.cer, row.cer_low, row.cer_high
    return row.wer, row.wer_low, row.wer_high


def _ends(low: float | None, high: float | None, *, scale: float, digits: int) -> str:
    if low is None or high is None:
        return _NONE
    return f"{scale * low:.{digits}f} to {scale * high:.{digits}f}"
