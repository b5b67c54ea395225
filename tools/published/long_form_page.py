"""The measurement of long audio as a table on a terminal, and as a page of the docs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date

from runner.config import ENGLISH
from runner.measure.normalisers import normaliser_version
from runner.measure.seams import REACH
from store.records import Environment
from tools.published.long_form import MODEL, LongRow, Recording
from tools.published.real_page import PACKAGES, Table, as_markdown, as_text, filled

__all__ = ["as_text", "page", "table"]

_ABOUT = """\
Written by a command; run it again rather than edit the page:

```sh
.ci/weights weights
.venv/bin/python -m tools.published long --weights weights --speech speech \\
  --write docs/measurements/long-form.md
```

`weights` is made by the first line, `speech` is a folder of real speech with a manifest
([clips.md](../clips.md#folder)). What the ways do: [variants.md](../variants.md#long-audio)."""


def table(rows: Sequence[LongRow]) -> Table:
    """A line for each engine and way."""
    header = ("engine", "way", "windows", "seams", "lost at seams", "other at seams")
    return Table(
        (*header, "WER %", "sub", "del", "ins", "words"),
        tuple(map(_line, rows)),
    )


def _line(row: LongRow) -> tuple[str, ...]:
    quality = row.quality
    return (
        row.engine,
        row.way,
        str(row.windows),
        str(row.at_seams.seams),
        str(row.at_seams.lost),
        str(row.at_seams.other),
        "-" if quality.wer is None else f"{100 * quality.wer:.1f}",
        str(quality.substitutions),
        str(quality.deletions),
        str(quality.insertions),
        str(quality.words or 0),
    )


def page(
    recording: Recording,
    rows: Sequence[LongRow],
    threads: int,
    environment: Environment,
    day: date,
) -> str:
    """The page of the docs, in Markdown.

    Args:
        recording: What was transcribed.
        rows: What came of it.
        threads: Of the framework.
        environment: Of the process that measured it.
        day: When.
    """
    versions = json.loads(environment.packages)
    packages = ", ".join(f"{name} {versions[name]}" for name in PACKAGES if name in versions)
    names = ", ".join(f"`{name.replace('`', ' ')}`" for name in recording.readers)
    conditions = (
        f"- **Model**: {MODEL}, fp32, greedy, English, no temperature fallback, no earlier text "
        "as a prompt.",
        f"- **Machine**: {environment.cpu_model}, threads: {threads}, no GPU; {day}.",
        f"- **Versions**: asrprof {environment.asrprof}, Python {environment.python}, {packages}.",
        f"- **Speech**: {recording.seconds:.0f} s read by {names}: each reader's utterances in the "
        "order of the manifest, 0.25 s apart, joined to one recording.",
        f"- **Scoring**: both texts by {ENGLISH} {normaliser_version()}. An error is at a seam "
        f"within {REACH} words of where the texts of two windows meet; words that are missing "
        "there count in full.",
    )
    blocks = (
        "# Long audio",
        _ABOUT,
        "\n".join(filled(line, "  ") for line in conditions),
        as_markdown(table(rows)),
        filled(
            "Lost are words of the reference that are missing. Without time stamps, as `windows` "
            "and `overlap` decode, a Whisper may end a window's text where the reader changes or "
            "pauses: what is left out from there to the window's end counts at the seam.",
            "",
        ),
    )
    return "\n\n".join(blocks) + "\n"
