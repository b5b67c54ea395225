"""`asrprof rescore`: other error rates from the same transcripts."""

from __future__ import annotations

from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from report.text import plural
from runner.cli import complete
from runner.cli.options import JobOption, StoreOption, store_path
from runner.cli.plain import cell
from runner.cli.where import WhereOption, condition_of
from runner.errors import UserError
from runner.measure.normalisers import NORMALISERS, SHORT_NAMES, named
from store import Store, StudyRow

_OFFERED = [name for name, entry in NORMALISERS.items() if not entry.older]


def rescore(
    normaliser: Annotated[
        str | None,
        typer.Argument(
            help=f"One of {', '.join([*SHORT_NAMES, *_OFFERED])}.",
            show_default=False,
            autocompletion=complete.normalisers,
        ),
    ] = None,
    store: StoreOption = None,
    where: WhereOption = None,
    job: JobOption = None,
    write: Annotated[
        bool,
        typer.Option("--write", help="Replace the old error rates by the new ones."),
    ] = False,
) -> int:
    """Score stored transcripts again under another normaliser.

    One line for each set of transcripts, with the number of results that share it. Written, the
    new error rates are those of every result that does. The raw texts stay, so the old error rates
    can be had back by the old normaliser.
    """
    if normaliser is None or normaliser not in (*SHORT_NAMES, *NORMALISERS):
        lines = "; ".join(f"{name} ({NORMALISERS[name].about})" for name in _OFFERED)
        raise UserError(f"name a normaliser: {lines}")
    normaliser = named(normaliser)
    # jiwer and numpy take a moment that the other commands need not wait for.
    from runner.rescore import rescore as score_again

    path = store_path(store)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True, show_edge=False)
    table.add_column("model, device and variant", overflow="fold", min_width=24)
    table.add_column("rows", justify="right", no_wrap=True)
    table.add_column("WER %\nstored", justify="right", no_wrap=True)
    table.add_column(f"WER %\n{normaliser}", justify="right")
    table.add_column("points", justify="right", no_wrap=True)
    with Store.open_to_read(path) as opened:
        rows = opened.study.rows(where=condition_of(opened, where), job_id=job)
        scored = list(score_again(opened, rows, normaliser))
    if not scored:
        raise UserError(f"no transcripts to score in {path}")
    for again in scored:
        row, quality = again.row, again.quality
        change = None if row.wer is None or quality.wer is None else quality.wer - row.wer
        table.add_row(
            cell(_title(row)),
            str(len(again.rows)),
            _percent(row.wer),
            _percent(quality.wer),
            "-" if change is None else f"{100 * change:+.1f}",
        )
    console = Console()
    console.print(table)
    before = sorted({f"{s.row.normaliser} {s.row.normaliser_version}" for s in scored})
    console.print(cell(f"stored: {', '.join(before)}", "dim"), soft_wrap=True)
    for reason in dict.fromkeys(one.quality.reason for one in scored if one.quality.wer is None):
        console.print(cell(f"- {reason}"), soft_wrap=True)
    # Rates that are there are not overwritten by none.
    scored = [one for one in scored if one.quality.wer is not None or one.row.wer is None]
    if write:
        with Store.open(path) as opened:
            changed = sum(
                opened.replace_quality(again.row.result_id, again.quality, again.transcripts)
                for again in scored
            )
        have = "has" if changed == 1 else "have"
        text = f"{plural(changed, 'result')} of {path} {have} the new error rates"
    else:
        text = "nothing was written: --write stores the new error rates"
    console.print(cell(text), soft_wrap=True)
    return 0


def _title(row: StudyRow) -> str:
    """What the error rates are of; packed clips have a length, utterances their own."""
    title = f"{row.model.rstrip('/').rsplit('/', 1)[-1]} {row.device} {row.variant}"
    if row.quality_of == "packed clips":
        return f"{title}, packed clips of {row.audio_seconds:g} s × {row.batch_size}"
    return title


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"
