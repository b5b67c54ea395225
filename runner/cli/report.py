"""`asrprof report`: the study of a store, as pages."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from runner.cli.options import JobOption, StoreOption, store_path
from runner.cli.plain import plain
from runner.cli.where import WhereOption, condition_of
from runner.errors import UserError
from store import Store


class PageFormat(StrEnum):
    """What a report is written as."""

    html = "html"
    pdf = "pdf"
    md = "md"


ScenariosOption = Annotated[
    Path | None,
    typer.Option("--scenarios", help="Your own scenarios to recommend for, a JSON file."),
]
EarlyOption = Annotated[
    bool,
    typer.Option(
        "--with-stopped-early",
        help="Let cases be chosen whose latency is of less work: words are missing.",
    ),
]


def report(
    store: StoreOption = None,
    where: WhereOption = None,
    job: JobOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Folder to write to (default: asrprof-report, beside the store)."
        ),
    ] = None,
    formats: Annotated[
        list[PageFormat] | None,
        typer.Option("--format", "-f", help="Only this format; may be repeated."),
    ] = None,
    scenarios: ScenariosOption = None,
    print_scenarios: Annotated[
        bool,
        typer.Option("--print-scenarios", help="Print the built-in scenarios, to edit, and stop."),
    ] = False,
    with_stopped_early: EarlyOption = False,
    title: Annotated[str | None, typer.Option("--title", help="Title of the page.")] = None,
) -> int:
    """Make the study of a store: HTML, PDF and Markdown, with figures and recommendations."""
    # Figures and pages need libraries that no other command should wait for.
    from report.errors import ReportError
    from report.scenarios import load_scenarios, scenarios_text

    if print_scenarios:
        typer.echo(scenarios_text().rstrip())
        return 0
    path = store_path(store)
    try:
        wanted = load_scenarios(scenarios)
        with Store.open_to_read(path) as opened:
            from report.page import build_page
            from report.render.pdf import lacking_letters
            from report.study import Study
            from report.write import FORMATS, stale_pages, write_page

            study = Study.read(
                opened,
                where=condition_of(opened, where),
                job_id=job,
                with_stopped_early=with_stopped_early,
            )
            if not study.cases and (where is not None or job is not None):
                raise UserError("no result is of this kind: choose another --where or --job")
            page = build_page(study, wanted, title=title, condition=where)
        names = [name for name in FORMATS if formats is None or PageFormat(name) in formats]
        folder = out or path.parent / "asrprof-report"
        for written in write_page(page, folder, names):
            typer.echo(plain(str(written)))
        if old := stale_pages(folder, names):
            said = " and ".join(plain(str(page)) for page in old)
            typer.echo(f"warning: {said}: of an earlier report, not written anew", err=True)
        lacking = lacking_letters(page) if "pdf" in names else None
        if lacking is not None:
            typer.echo(f"warning: {lacking}", err=True)
    except ReportError as error:
        raise UserError(str(error)) from error
    return 0
