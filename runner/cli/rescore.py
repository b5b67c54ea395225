"""`asrprof rescore`: other error rates from the same transcripts."""

from __future__ import annotations

from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from runner.cli.plain import cell
from runner.cli.report import WhereOption
from runner.cli.run import StoreOption, store_path
from runner.errors import UserError
from runner.measure.normalisers import NORMALISERS
from store import Store


def rescore(
    normaliser: Annotated[
        str | None,
        typer.Argument(help=f"One of {', '.join(NORMALISERS)}.", show_default=False),
    ] = None,
    store: StoreOption = None,
    where: WhereOption = None,
    job: Annotated[
        int | None, typer.Option("--job", min=1, max=2**63 - 1, help="Only this job.")
    ] = None,
    write: Annotated[
        bool,
        typer.Option("--write", help="Put the new error rates in the place of the old ones."),
    ] = False,
) -> int:
    """Score stored transcripts again under another normaliser.

    The raw texts stay, so the old error rates can be had back by the old normaliser.
    """
    if normaliser is None or normaliser not in NORMALISERS:
        lines = "; ".join(f"{name} ({entry.about})" for name, entry in NORMALISERS.items())
        raise UserError(f"name a normaliser: {lines}")
    # jiwer and numpy take a moment that the other commands need not wait for.
    from runner.rescore import rescore as score_again

    path = store_path(store)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True, show_edge=False)
    table.add_column("case", overflow="fold", min_width=24)
    table.add_column("WER %\nstored", justify="right", no_wrap=True)
    table.add_column(f"WER %\n{normaliser}", justify="right")
    table.add_column("points", justify="right", no_wrap=True)
    with Store.open_to_read(path) as opened:
        rows = opened.study.rows(where=where, job_id=job)
        scored = list(score_again(opened, rows, normaliser))
    if not scored:
        raise UserError(f"no transcripts to score in {path}")
    for again in scored:
        row, quality = again.row, again.quality
        name = row.model.rstrip("/").rsplit("/", 1)[-1]
        title = f"{name} {row.device} {row.variant}, {row.audio_seconds:g} s × {row.batch_size}"
        change = None if row.wer is None or quality.wer is None else quality.wer - row.wer
        table.add_row(
            cell(title),
            _percent(row.wer),
            _percent(quality.wer),
            "-" if change is None else f"{100 * change:+.1f}",
        )
    console = Console()
    console.print(table)
    before = sorted({f"{s.row.normaliser} {s.row.normaliser_version}" for s in scored})
    console.print(cell(f"stored: {', '.join(before)}", "dim"), soft_wrap=True)
    if write:
        with Store.open(path) as opened:
            for again in scored:
                opened.replace_quality(again.row.result_id, again.quality, again.transcripts)
        console.print(cell(f"{len(scored)} results of {path} have the new error rates"))
    return 0


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"
