"""What the figures rest on: the worst transcripts, what is missing and why, and every result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from report.content import Block, Column, Section, Table, Text
from report.sections.cells import (
    cell_notes,
    column,
    energy_cell,
    hour_cell,
    latency_cell,
    wer_cell,
    wer_notes,
)
from report.speech import left_out, longer_than_clips
from report.study import Case, Study, group, of_one_rate, shape
from report.text import MISSING, number, percent, plural
from report.variants import peak_memory
from store import EnergyReading, Transcript

WORST = 12
WORST_A_MODEL = 3
MOST_RESULTS = 200
LONGEST_TEXT = 220
MOST_REASONS = 30
MOST_READ = 5000
"""Cases whose energy sources are looked at one by one."""


def transcripts(study: Study) -> Section:
    """The utterances (or packed clips) with the most errors of each model."""
    judged = of_one_rate([case for case in study.baseline if case.row.wer is not None])
    chosen = [
        min(members, key=lambda case: (case.row.batch_size, -case.row.audio_seconds))
        for members in group(judged, lambda case: case.model).values()
    ]
    found = study.children(Transcript, chosen)
    worst: list[tuple[float, Case, Transcript]] = []
    for case in chosen:
        scored = [(_rate(clip), case, clip) for clip in found.get(case.row.result_id, ())]
        faulty = [entry for entry in scored if entry[0] > 0]
        worst += sorted(faulty, key=lambda entry: -entry[0])[:WORST_A_MODEL]
    if not worst:
        text = (
            "No transcript was scored."
            if not judged
            else "Not a single error was made, or the transcripts were not kept."
        )
        return Section("transcripts", "The worst transcripts", (Text(text),))
    worst = sorted(worst, key=lambda entry: -entry[0])[:WORST]
    rows = tuple(
        (
            case.model,
            clip.clip_id,
            percent(rate, 0),
            _short(clip.reference),
            _hypothesis(clip),
        )
        for rate, case, clip in worst
    )
    return Section(
        "transcripts",
        "The worst transcripts",
        (
            Table(
                f"Up to {WORST_A_MODEL} {_noun(chosen)} a model with the highest error rate, as "
                "the model wrote them",
                (
                    column("model"),
                    Column("utterance" if _noun(chosen) == "utterances" else "clip", text=True),
                    column("wer"),
                    Column("reference", text=True),
                    Column("hypothesis", text=True),
                ),
                rows,
            ),
        ),
    )


def _noun(cases: Sequence[Case]) -> str:
    return "packed clips" if cases[0].row.quality_of == "packed clips" else "utterances"


def _hypothesis(transcript: Transcript) -> str:
    """The hypothesis; one that ran into the length limit says so."""
    text = _short(transcript.hypothesis) or "(nothing)"
    return f"{text} (ran into the length limit)" if transcript.at_limit else text


def missing(study: Study) -> Section:
    """Every kind of figure that is not there, with the reason."""
    reasons: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], Case] = {}
    readings = study.children(EnergyReading, study.ok[:MOST_READ])
    for case in study.cases:
        refused = [
            (f"energy by {reading.source}", reading.reason or "no reason given")
            for reading in readings.get(case.row.result_id, ())
            if reading.gross_j is None
        ]
        for what, why in [*_absent(case), *refused]:
            reasons[what, why] += 1
            examples.setdefault((what, why), case)
    if not reasons:
        return Section(
            "missing", "What is missing", (Text("Nothing: every case has every figure."),)
        )
    rows = tuple(
        (what, why, f"{count:,}", examples[what, why].title)
        for (what, why), count in reasons.most_common(MOST_REASONS)
    )
    left = len(reasons) - len(rows)
    return Section(
        "missing",
        "What is missing, and why",
        (
            Table(
                "Figures that were refused, failed or not asked for",
                (
                    Column("what", text=True),
                    column("reason"),
                    Column("cases"),
                    Column("for example", text=True),
                ),
                rows,
                (f"{plural(left, 'more reason')} in the store.",) if left else (),
            ),
        ),
    )


def everything(study: Study) -> Section:
    """All results, as far as a page can hold them."""
    if not study.ended:
        return Section("results", "All results", (Text("There are none."),))
    ordered = sorted(study.ended, key=lambda case: (case.configuration, case.point))
    shown = ordered[:MOST_RESULTS]
    rows = tuple(
        (
            case.configuration.title,
            shape(*case.point),
            latency_cell(case),
            number(case.row.rtfx),
            energy_cell(case),
            hour_cell(case),
            number(case.row.flops / 1e9) if case.row.flops else MISSING,
            number(memory / 1e6) if (memory := peak_memory(case)) else MISSING,
            wer_cell(case),
        )
        for case in shown
    )
    notes = [*cell_notes(shown), *wer_notes(shown)]
    notes.append("Memory: reserved on the GPU, or resident on the host.")
    if any(MISSING in row for row in rows):
        notes.append("– has its reason in the section before.")
    blocks: list[Block] = []
    if len(ordered) > len(shown):
        blocks.append(
            Text(
                f"The first {len(shown)} of {len(ordered):,}; `asrprof export` writes all of them "
                "as CSV, JSON or Parquet."
            )
        )
    blocks.append(
        Table(
            "One row per case, each figure for one batch",
            (
                Column("model and device", text=True),
                Column("case", text=True),
                column("latency_ms"),
                column("rtfx"),
                column("energy_j"),
                column("joules_per_audio_hour"),
                Column("work", "GFLOP"),
                Column("memory", "MB"),
                column("wer"),
            ),
            rows,
            tuple(notes),
        )
    )
    return Section("results", "All results", tuple(blocks))


def _absent(case: Case) -> list[tuple[str, str]]:
    row = case.row
    if row.state != "ok":
        words = {"oom": "the case: out of memory", "failed": "the case: failed"}
        return [(words.get(row.state, "the case: refused"), row.reason or "no reason given")]
    found = []
    if row.latency_s is None:
        found.append(("latency", row.stable_reason or "not asked for"))
    if row.energy_j is None:
        found.append(("energy", row.energy_reason or "not asked for"))
    if row.flops is None:
        found.append(("FLOPs", row.flops_reason or "not asked for"))
    if row.wer is None:
        found.append(("WER", row.quality_reason or "not asked for"))
    elif row.quality_remark and left_out(row):
        found.append(("WER of a part of the data", row.quality_remark))
    if too_long := longer_than_clips(row):
        found.append(("speech in the timed clips", too_long))
    if row.operators_reason:
        found.append(("operators", row.operators_reason))
    return found


def _rate(clip: Transcript) -> float:
    return (clip.errors or 0) / clip.words if clip.words else 0.0


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 2]} …"
