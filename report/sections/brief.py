"""The study in a few sentences: what a reader takes away who reads no further."""

from __future__ import annotations

from report.alike import front_of
from report.compare import estimates_apart
from report.content import Block, Bullets, Note, Section, Text
from report.one_speech import what_is_left_out
from report.recommend import OWN_SPEECH
from report.scaling import saturations
from report.speech import error_rate, rate_kind, scored
from report.study import BASELINE, Case, Study, front_candidates, group, shape
from report.text import listing, number, percent, plural, size
from report.variants import peak_memory, wer_difference
from store import Transcript


def brief(study: Study) -> Section:
    """The section."""
    if not study.ok:
        nothing = (
            f"None of the {len(study.cases):,} cases has figures: see what is missing, and why."
        )
        return Section("brief", "In brief", (Text(nothing),))
    found = [
        _fastest(study),
        _devices(study),
        _errors(study),
        _energy(study),
        _memory(study),
        _batch(study),
        _early(study),
        _lost(study),
        _to_quote(study),
    ]
    items = tuple(item for item in found if item is not None)
    blocks: list[Block] = [Bullets(items)] if items else []
    others = what_is_left_out(study.other_data)
    if others is not None:
        blocks.append(Note(others))
    return Section("brief", "In brief", tuple(blocks))


def _baseline(study: Study) -> list[Case]:
    """What may be chosen from, without any optimisation."""
    return [case for case in study.comparable if case.row.variant == BASELINE]


def _fastest(study: Study) -> tuple[str, str] | None:
    baseline = _baseline(study)
    point = study.common_point(baseline)
    cases = [case for case in baseline if case.point == point and case.row.rtfx]
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


def _energy(study: Study) -> tuple[str, str] | None:
    """Of joules that compare: one label, and no estimates with different numbers of threads."""
    known = [case for case in _at_one_point(study) if case.row.joules_per_audio_hour]
    labels = {case.row.energy_label for case in known}
    if len(known) < 2 or len(labels) > 1 or estimates_apart(case.row for case in known):
        return None
    ordered = sorted(known, key=lambda case: case.row.joules_per_audio_hour or 0)
    least, most = ordered[0], ordered[-1]
    factor = (most.row.joules_per_audio_hour or 0) / (least.row.joules_per_audio_hour or 1)
    return (
        "Energy.",
        f"At {shape(*least.point)}, {least.configuration.title} needs the least for an hour of "
        f"audio ({number(least.row.joules_per_audio_hour)} J, {least.row.energy_label}); "
        f"{most.configuration.title} needs {number(factor, 2)} times as much.",
    )


def _memory(study: Study) -> tuple[str, str] | None:
    known = [case for case in _at_one_point(study) if peak_memory(case)]
    parts = []
    for place, members in group(known, lambda case: case.place).items():
        ordered = sorted(members, key=lambda case: peak_memory(case) or 0)
        least, most = ordered[0], ordered[-1]
        if peak_memory(least) == peak_memory(most):
            continue
        parts.append(
            f"on {place} from {size(peak_memory(least) or 0)} ({least.model}) to "
            f"{size(peak_memory(most) or 0)} ({most.model})"
        )
    if not parts:
        return None
    return "Memory.", f"At {shape(*known[0].point)}, the peak goes {listing(parts)}."


def _at_one_point(study: Study) -> list[Case]:
    baseline = _baseline(study)
    point = study.common_point(baseline)
    return [case for case in baseline if case.point == point]


def _devices(study: Study) -> tuple[str, str] | None:
    factors = []
    for members in group(_baseline(study), lambda case: (case.model, case.point)).values():
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
    if not cases:
        return "Errors.", "Every case with a WER stopped early, so none can be set against speed."
    front = front_of(cases, lambda case: case.row)
    names = list(dict.fromkeys(case.model for case in front))
    best = front[-1]
    rate = f"{rate_kind(best.row).headline} {percent(error_rate(best.row))} %"
    text = f"In {scored(best.row)}, {best.model} makes the fewest ({rate})"
    if len(names) > 1:
        text += (
            f"; from the fastest at {shape(*best.point)} to the best, the choice is "
            f"between {listing(names)}."
        )
    elif len({case.model for case in cases}) > 1:
        text += " and is the fastest as well."
    else:
        text += "."
    if any(name.startswith(OWN_SPEECH) for name in names):
        text += " The small-… models know the built-in speech alone."
    return "Errors.", text


def _to_quote(study: Study) -> tuple[str, str] | None:
    """One sentence that stands by itself: what was compared, on what, with which outcome."""
    cases = front_candidates(study)
    models = {case.model for case in cases}
    if len(models) < 2:
        return None
    front = front_of(cases, lambda case: case.row)
    fast, best = front[0], front[-1]
    environment = study.environment(best)
    machine = ""
    if environment is not None and best.place == fast.place:
        cpu = best.row.device.startswith("cpu")
        machine = f" ({environment.cpu_model if cpu else environment.gpu_name})"
    rate = f"{rate_kind(best.row).headline} {percent(error_rate(best.row))} %"
    text = (
        f"Of {plural(len(models), 'model')} at {shape(*best.point)}, {best.configuration.title}"
        f"{machine} made the fewest errors ({rate}, {scored(best.row)})"
    )
    if fast is best:
        text += f" and was the fastest ({number(best.row.rtfx)} × real time)"
    else:
        factor = (fast.row.rtfx or 0) / (best.row.rtfx or 1)
        text += (
            f"; {fast.configuration.title} was {number(factor, 2)} times as fast, at "
            f"{percent(error_rate(fast.row))} %"
        )
        texts = study.children(Transcript, [best, fast])
        ours, theirs = (texts.get(case.row.result_id, ()) for case in (best, fast))
        words = wer_difference(ours, theirs)
        if words is None or not words.significant:
            text += ", which chance may explain"
    shaky = []
    if any(case.row.stable is False for case in (fast, best)):
        shaky.append("a latency was not stable")
    if any(case.row.model.startswith(OWN_SPEECH) for case in (fast, best)):
        shaky.append("the speech is synthetic")
    return "To quote.", f"{text}{f' ({listing(shaky)})' if shaky else ''}."


def _batch(study: Study) -> tuple[str, str] | None:
    found = [s for s in saturations(_baseline(study)) if s.smallest == 1]
    if not found:
        return None
    best = max(found, key=lambda s: s.gain)
    return (
        "Batches.",
        f"{best.configuration.title} gains most from them: {number(best.gain, 2)} times the "
        f"throughput of batch 1 at batch {best.saturated} and {best.audio_seconds:g} s.",
    )


def _early(study: Study) -> tuple[str, str] | None:
    left = len(study.ok) - len(study.comparable)
    if not left:
        return None
    return (
        "Stopped early.",
        f"In {left:,} of {plural(len(study.ok), 'case')} a tenth of the words or more is missing: "
        "their latency is of less work, and no choice here rests on them.",
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
