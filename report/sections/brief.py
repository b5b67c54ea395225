"""The study in a few sentences: what a reader takes away who reads no further."""

from __future__ import annotations

from report.content import Block, Bullets, Section, Text
from report.pareto import pareto_front
from report.recommend import OWN_SPEECH
from report.scaling import saturations
from report.study import Case, Study, front_candidates, group, shape
from report.text import listing, number, percent


def brief(study: Study, condition: str | None = None) -> Section:
    """The section.

    Args:
        study: The study.
        condition: By which its results were chosen, to say so where there are none.
    """
    if not study.cases:
        nothing = "There is no result to report on. Run a benchmark first: `asrprof demo`."
        if condition:
            nothing = "The store has no result of this kind: choose another condition."
        return Section("brief", "In brief", (Text(nothing),))
    if not study.ok:
        nothing = (
            f"None of the {len(study.cases):,} cases has figures: see what is missing, and why."
        )
        return Section("brief", "In brief", (Text(nothing),))
    found = [_fastest(study), _devices(study), _errors(study), _batch(study), _lost(study)]
    items = tuple(item for item in found if item is not None)
    blocks: list[Block] = [Bullets(items)] if items else []
    return Section("brief", "In brief", tuple(blocks))


def _fastest(study: Study) -> tuple[str, str] | None:
    point = study.common_point(study.baseline)
    cases = [case for case in study.baseline if case.point == point and case.row.rtfx]
    if point is None or not cases:
        return None
    parts = []
    for place, members in group(cases, lambda case: case.place).items():
        ordered = sorted(members, key=lambda case: -(case.row.rtfx or 0))
        best = ordered[0]
        text = f"on {place} {best.model} is the fastest ({number(best.row.rtfx)} × real time"
        if len(ordered) > 1:
            last = ordered[-1]
            factor = (best.row.rtfx or 0) / (last.row.rtfx or 1)
            text += f", {number(factor, 2)} times as fast as {last.model}"
        parts.append(text + ")")
    return "Speed.", f"At {shape(*point)}, {listing(parts)}."


def _devices(study: Study) -> tuple[str, str] | None:
    factors = []
    for members in group(study.baseline, lambda case: (case.model, case.point)).values():
        cpu = [c.row.latency_s for c in members if c.row.device.startswith("cpu")]
        gpu = [c.row.latency_s for c in members if not c.row.device.startswith("cpu")]
        factors += [a / b for a in cpu for b in gpu if a and b]
    if not factors:
        return None
    low, high = number(min(factors), 2), number(max(factors), 2)
    return "CPU and GPU.", f"The GPU is {low} to {high} times as fast as the CPU on the same case."


def _errors(study: Study) -> tuple[str, str] | None:
    judged = [case for case in study.ok if case.row.wer is not None]
    if not judged:
        return "Errors.", "No case has a WER, so speed and energy cannot be set against quality."
    cases = front_candidates(study)
    points = [(case.row.rtfx or 0.0, case.row.wer or 0.0) for case in cases]
    front = [cases[i] for i in pareto_front(points, minimise=(False, True))]
    names = list(dict.fromkeys(case.model for case in front))
    best = front[-1]
    length = f"{best.row.audio_seconds:g} s"
    text = f"With clips of {length}, {best.model} makes the fewest ({percent(best.row.wer)} %)"
    if len(names) > 1:
        text += f"; from the fastest to the best, the choice is between {listing(names)}."
    elif len({case.model for case in cases}) > 1:
        text += " and is the fastest as well."
    else:
        text += "."
    if any(name.startswith(OWN_SPEECH) for name in names):
        text += " The small-… models know the built-in speech alone."
    return "Errors.", text


def _batch(study: Study) -> tuple[str, str] | None:
    found = [s for s in saturations(study.baseline) if s.smallest == 1]
    if not found:
        return None
    best = max(found, key=lambda s: s.gain)
    return (
        "Batches.",
        f"{best.configuration.title} gains most from them: {number(best.gain, 2)} times the "
        f"throughput of batch 1 at batch {best.saturated} and {best.audio_seconds:g} s.",
    )


def _lost(study: Study) -> tuple[str, str] | None:
    lost: list[Case] = [case for case in study.cases if case.row.state != "ok"]
    if not lost:
        return None
    states = {
        state: sum(c.row.state == state for c in lost) for state in ("oom", "failed", "refused")
    }
    words = {"oom": "out of memory", "failed": "failed", "refused": "refused"}
    parts = [f"{count:,} {words[state]}" for state, count in states.items() if count]
    return "Not measured.", f"{len(lost):,} of {len(study.cases):,} cases: {listing(parts)}."
