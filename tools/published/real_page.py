"""The measurement with real weights as tables on a terminal, and as a page of the docs."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from runner.config import ENGLISH
from runner.measure.normalisers import normaliser_version
from store.records import Environment
from tools.published.real import CLIP_S, JoinedRow, Measured, Row
from tools.published.real_speech import SHORTEST_S, WINDOW_S

WIDTH = 140
"""Most characters of a line of text."""

_ABOUT = """\
Written by a command; run it again rather than edit the page:

```sh
.ci/weights weights
.venv/bin/python -m tools.published real --weights weights --speech speech \\
  --write docs/measurements/real-weights.md
```

`weights` is made by the first line, `speech` is a folder of real speech with a manifest
([clips.md](../clips.md#folder))."""

PACKAGES = ("ctranslate2", "faster-whisper", "jiwer", "torch", "torchao", "transformers")
"""Those whose version can change a figure of the page."""


@dataclass(frozen=True)
class Table:
    """A header and rows; the first two columns are words, the others figures."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def apart(found: Measured) -> Table:
    """Every utterance by itself, each model in each way."""
    header = ("model", "way", "WER %", "95 %", "sub", "del", "ins", "words", "tokens", "loops")
    return Table((*header, "median ms", "RTFx"), tuple(map(_apart, found.rows)))


def joined(found: Measured) -> Table:
    """The same words in clips that were made in different ways."""
    header = ("model", "clips", "of them joined", "WER %", "sub", "del", "ins", "words", "tokens")
    return Table(header, tuple(map(_joined, found.joined)))


def as_text(table: Table) -> str:
    """Columns of a terminal."""
    lines = (table.header, *table.rows)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if number > 1 else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def as_markdown(table: Table) -> str:
    """The same as a table of Markdown."""
    aligned = ("---", "---", *["--:"] * (len(table.header) - 2))
    lines = (table.header, aligned, *table.rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def losses(found: Measured) -> Iterator[str]:
    """What packing cost each model, a sentence each."""
    by_title = {(row.model, row.title): row for row in found.joined}
    for model in dict.fromkeys(row.model for row in found.joined):
        one, packed = by_title[model, "one by one"], by_title[model, "packed"]
        yield (
            f"{model} leaves out {packed.quality.deletions or 0} of {packed.quality.words or 0} "
            f"words when utterances are packed, {one.quality.deletions or 0} when one by one, "
            f"and decodes {packed.tokens} tokens instead of {one.tokens}."
        )


def page(found: Measured, environment: Environment, day: date) -> str:
    """The page of the docs, in Markdown.

    Args:
        found: What was measured.
        environment: Of the process that measured it.
        day: When.
    """
    blocks = ["# Real weights on real speech", _ABOUT, _conditions(found, environment, day)]
    blocks += [
        "## Each utterance by itself",
        as_markdown(apart(found)),
        filled(
            "Sub, del and ins are the word errors; tokens are all that was decoded, ends of text "
            "included; loops are texts that ran into the length limit or repeat themselves. RTFx "
            "is seconds of audio by seconds of computing. Times are of one pass, on a machine that "
            "may have had other work: `asrprof run` measures latency."
        ),
    ]
    if found.joined:
        blocks += [
            f"## The same words, joined to clips of {CLIP_S:g} s",
            as_markdown(joined(found)),
            filled(
                "By transformers in fp32. Continuous clips hold speech of one recording or one "
                "speaker alone, packed ones utterances of anyone, 0.25 s apart."
            ),
            "\n".join(filled(f"- {line}", "  ") for line in losses(found)),
        ]
    if found.lacking:
        blocks += ["## Left out", "\n".join(f"- {line}" for line in found.lacking)]
    return "\n\n".join(blocks) + "\n"


def _conditions(found: Measured, environment: Environment, day: date) -> str:
    spoken = found.spoken
    versions = json.loads(environment.packages)
    packages = ", ".join(f"{name} {versions[name]}" for name in PACKAGES if name in versions)
    # A name with a backtick in it would end the code.
    speakers = ", ".join(f"`{name.replace('`', ' ')}`" for name in spoken.speakers) or "none"
    return "\n".join(
        filled(line, "  ")
        for line in (
            f"- **Machine**: {environment.cpu_model}, {_threads(found.threads)}, no GPU; {day}.",
            f"- **Versions**: asrprof {environment.asrprof}, Python {environment.python}, "
            f"{packages}.",
            f"- **Speech**: {len(spoken.utterances)} utterances of {SHORTEST_S:g} to {WINDOW_S:g} s"
            f", {spoken.seconds:.0f} s in all. Left out are {spoken.too_short} shorter ones and "
            f"{spoken.too_long} that are longer than Whisper's window.",
            f"- **Speakers**, as the manifest names them: {speakers}; {spoken.unnamed} utterances "
            "are of no named speaker.",
            "- **Decoding**: greedy, without timestamps or fallback, English, one at a time.",
            f"- **Scoring**: both texts by {ENGLISH} {normaliser_version()}; intervals are a "
            f"bootstrap over {_drawn(found.rows[0])}.",
        )
    )


def filled(paragraph: str, indent: str = "") -> str:
    """A paragraph in lines, all but the first indented."""
    return textwrap.fill(
        paragraph, WIDTH, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False
    )


def _threads(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"


def _drawn(row: Row) -> str:
    """What the intervals are drawn from: those of a page are of the same utterances."""
    quality = row.quality
    return f"{quality.clusters} clusters ({quality.interval_by})" if quality.clusters else "nothing"


def _apart(row: Row) -> tuple[str, ...]:
    quality = row.quality
    known = quality.wer_low is not None and quality.wer_high is not None
    return (
        row.model,
        row.way,
        _percent(quality.wer),
        f"{_percent(quality.wer_low)} to {_percent(quality.wer_high)}" if known else "-",
        str(quality.substitutions),
        str(quality.deletions),
        str(quality.insertions),
        str(quality.words or 0),
        str(row.tokens),
        str(quality.loops),
        f"{1e3 * row.median_s:.0f}",
        f"{row.rtfx:.1f}",
    )


def _joined(row: JoinedRow) -> tuple[str, ...]:
    quality = row.quality
    return (
        row.model,
        row.title,
        f"{row.of_several} of {row.clips}",
        _percent(quality.wer),
        str(quality.substitutions),
        str(quality.deletions),
        str(quality.insertions),
        str(quality.words or 0),
        str(row.tokens),
    )


def _percent(rate: float | None) -> str:
    return "-" if rate is None else f"{100 * rate:.1f}"
