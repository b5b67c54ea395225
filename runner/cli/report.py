"""`asrprof report`: the study of a store, as pages."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from runner.cli.plain import plain
from runner.cli.run import StoreOption, store_path
from runner.errors import UserError
from store import Store


class PageFormat(StrEnum):
    """What a report is written as."""

    html = "html"
    pdf = "pdf"
    md = "md"


WhereOption = Annotated[
    str | None,
    typer.Option(
        "--where",
        help="Only results for which this SQL condition on the leaderboard holds, for example "
        "\"device = 'cpu'\".",
    ),
]


def report(
    store: StoreOption = None,
    where: WhereOption = None,
    job: Annotated[
        int | None, typer.Option("--job", min=1, max=2**63 - 1, help="Only this job.")
    ] = None,
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
    scenarios: Annotated[
        Path | None,
        typer.Option("--scenarios", help="Your own scenarios to recommend for, a JSON file."),
    ] = None,
    print_scenarios: Annotated[
        bool,
        typer.Option("--print-scenarios", help="Print the built-in scenarios, to edit, and stop."),
    ] = False,
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
            from report.study import Study
            from report.write import FORMATS, write_page

            study = Study.read(opened, where=where, job_id=job)
            page = build_page(study, wanted, title=title, condition=where)
        names = [name for name in FORMATS if formats is None or PageFormat(name) in formats]
        for written in write_page(page, out or path.parent / "asrprof-report", names):
            typer.echo(plain(str(written)))
    except ReportError as error:
        raise UserError(str(error)) from error
    return 0
