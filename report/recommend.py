"""Which model, device, batch and variant to take for a scenario, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from report.alike import common_lengths
from report.compare import estimates_apart
from report.rivals import OF_ENERGY, OF_TIME, Doubts, doubts_of
from report.scenarios import MEASURES, Limit, MeasureName, Scenario, value_of
from report.scoring import bound_of, cost_of, in_unit, keeps
from report.speech import OTHER_KIND, missing_words, quality_loops, scored
from report.study import Case, Study, comparable, group, of_one_rate
from report.text import plural

OWN_SPEECH = "small-"
"""Models that asrprof brings along know the vocabulary of its own synthesised speech alone."""

FEW_UTTERANCES = 100
"""A WER of fewer is of little speech."""

MUCH_LOOPS = 0.1
"""Share of the word errors from which hypotheses that loop are worth a word."""


@dataclass(frozen=True)
class Recommendation:
    """The choice for one scenario."""

    scenario: Scenario
    choice: Case | None
    """None where nothing keeps the limits; ``caveats`` say why."""
    runner_up: Case | None
    """The best of another model, device or variant."""
    audio_seconds: float | None
    """Clip length at which cases were compared."""
    candidates: int
    """Cases of that length, device and batch size."""
    left_out: tuple[str, ...]
    """Why candidates dropped out, with their number."""
    caveats: tuple[str, ...]
    """What could not be judged, and what is shaky about the choice."""
    doubts: Doubts = field(default_factory=Doubts)
    """Configurations that chance cannot tell from the choice, or that are better elsewhere."""


def recommend(scenario: Scenario, study: Study) -> Recommendation:
    """Chooses among cases that had the same audio length.

    A candidate that lacks a figure of the objective or of a limit drops out where others have it.
    Where none has it, the scenario is judged without, and says so. Cases that stopped early drop
    out unless scenario or study ask for them, and those with a WER of packed clips where others
    have one of utterances.

    Args:
        scenario: What is needed.
        study: Its cases with a latency are the candidates.
    """
    admitted = scenario.admitted(study.ok)
    early_too = scenario.stopped_early or study.with_stopped_early
    sound = comparable(admitted, with_stopped_early=early_too)
    length = _length(scenario, sound or admitted)
    candidates = [case for case in admitted if case.row.audio_seconds == length]
    if not candidates:
        return Recommendation(scenario, None, None, None, 0, (), (_nothing(scenario),))
    caveats: list[str] = []
    left_out: list[str] = []
    judged = _judged(scenario, candidates, early_too, left_out)
    aims = [aim for aim in scenario.objective if _known(aim.measure, judged, caveats)]
    limits = [limit for limit in scenario.limits if _known(limit.measure, judged, caveats)]
    kept = judged
    for limit in limits:
        kept = _within(limit, kept, judged, left_out)
    for measure in dict.fromkeys(aim.measure for aim in aims):
        kept = _with_figure(measure, kept, left_out)
    if not judged:
        caveats = ["every candidate stopped early: none has a latency of the whole work"]
    elif not aims:
        caveats.insert(0, "nothing of the objective was measured")
        kept = []
    elif not kept:
        caveats.insert(0, "no candidate keeps every limit")
    ranked = sorted(kept, key=lambda case: cost_of(aims, case))
    choice = ranked[0] if ranked else None
    runner_up = next(
        (case for case in ranked if choice and case.configuration != choice.configuration), None
    )
    used: set[MeasureName] = {aim.measure for aim in aims} | {limit.measure for limit in limits}
    return Recommendation(
        scenario=scenario,
        choice=choice,
        runner_up=runner_up,
        audio_seconds=length,
        candidates=len(candidates),
        left_out=tuple(left_out),
        caveats=(*caveats, *_caveats(used, study, judged, kept, choice)),
        doubts=doubts_of(scenario, study, aims, limits, judged, ranked) if ranked else Doubts(),
    )


def _judged(
    scenario: Scenario, candidates: Sequence[Case], early_too: bool, left_out: list[str]
) -> list[Case]:
    """The candidates whose figures compare; what drops out is counted in ``left_out``."""
    sound = comparable(candidates, with_stopped_early=early_too)
    if len(sound) < len(candidates):
        count = len(candidates) - len(sound)
        left_out.append(f"{count} that stopped early")
    asked = [aim.measure for aim in scenario.objective]
    asked += [limit.measure for limit in scenario.limits]
    if "wer" not in asked:
        return list(sound)
    alike = of_one_rate(sound)
    if len(alike) < len(sound):
        left_out.append(f"{len(sound) - len(alike)} whose WER is {OTHER_KIND}")
    return list(alike)


def _length(scenario: Scenario, cases: Sequence[Case]) -> float | None:
    """The length to compare at: the one asked for, or of those that most models share."""
    if isinstance(scenario.audio_seconds, float):
        return scenario.audio_seconds
    asked = [aim.measure for aim in scenario.objective]
    asked += [limit.measure for limit in scenario.limits]
    # A model that cannot be judged says nothing of where the others can be.
    whole = [case for case in cases if all(value_of(case, name) is not None for name in asked)]
    lengths = common_lengths(case.entry for case in whole or cases)
    if not lengths:
        return None
    return lengths[-1] if scenario.audio_seconds == "longest" else lengths[0]


def _nothing(scenario: Scenario) -> str:
    asked = [f"on {scenario.device}"] if scenario.device else []
    if scenario.batch_size:
        asked.append(f"at batch {scenario.batch_size}")
    if isinstance(scenario.audio_seconds, float):
        asked.append(f"with clips of {scenario.audio_seconds:g} s")
    return " ".join(("nothing was measured", *asked))


def _known(measure: MeasureName, cases: Sequence[Case], caveats: list[str]) -> bool:
    if measure in OF_ENERGY and estimates_apart(case.row for case in cases):
        note = (
            "energy is estimated with different numbers of threads, and such estimates do not "
            "compare: judged without it"
        )
        if note not in caveats:
            caveats.append(note)
        return False
    if any(value_of(case, measure) is not None for case in cases):
        return True
    note = f"{MEASURES[measure].title} was not measured here: judged without it"
    if note not in caveats:
        caveats.append(note)
    return False


def _within(
    limit: Limit, cases: Sequence[Case], candidates: Sequence[Case], left_out: list[str]
) -> list[Case]:
    bound = bound_of(limit, candidates)
    kept, over, unknown = [], [], 0
    for case in cases:
        value = value_of(case, limit.measure)
        if value is None:
            unknown += 1
        elif keeps(limit, value, bound):
            kept.append(case)
        else:
            over.append(case)
    title = MEASURES[limit.measure].title
    if over:
        word = "below" if limit.at_least is not None else "above"
        doubt = _doubt(over, bound) if limit.measure == "wer" else ""
        if limit.at_most_times_best is not None and bound == 0:
            doubt = f", since the best is 0 and so is any multiple of it{doubt}"
        left_out.append(f"{len(over)} {word} {title} {in_unit(limit.measure, bound)}{doubt}")
    if unknown:
        left_out.append(f"{unknown} without {title}")
    return kept


def _doubt(over: Sequence[Case], bound: float) -> str:
    """Words on how many error rates lie above a bound and how many might lie below it.

    Cases that share a quality record are one piece of evidence, not as many as they are.
    """
    rates = group(over, lambda case: case.quality_record)
    unsure = sum(
        members[0].row.wer_low is not None and members[0].row.wer_low <= bound
        for members in rates.values()
    )
    if not unsure:
        return ""
    return f" ({plural(len(rates), 'error rate')}, of which {unsure} may lie below it)"


def _with_figure(measure: MeasureName, cases: list[Case], left_out: list[str]) -> list[Case]:
    kept = [case for case in cases if value_of(case, measure) is not None]
    if len(kept) < len(cases):
        left_out.append(f"{len(cases) - len(kept)} without {MEASURES[measure].title}")
    return kept


def _caveats(
    used: set[MeasureName],
    study: Study,
    candidates: Sequence[Case],
    kept: Sequence[Case],
    choice: Case | None,
) -> list[str]:
    if choice is None:
        return []
    found = []
    if used & OF_ENERGY:
        labels = sorted({case.row.energy_label for case in kept if case.row.energy_label})
        if labels == ["estimated"]:
            found.append("energy is only estimated by a model, not measured")
        elif len(labels) > 1:
            found.append(f"energy figures of different kinds are compared: {', '.join(labels)}")
    if "wer" in used:
        found += _about_words(study, kept, choice)
    if used - {"wer", "rss_mb", "vram_mb"}:
        modes = {case.row.clips_mode for case in kept if case.row.clips_mode}
        if len(modes) > 1:
            found.append("continuous and packed clips are compared, which is different work")
        elif choice.packed:
            found.append("its clips are packed: they join utterances of unrelated speakers")
    if choice.stopped_early:
        found.append(f"the choice stopped early ({missing_words(choice.row)}): of less work")
    if choice.row.stable is False and used & (OF_TIME | OF_ENERGY):
        found.append(f"the latency of the choice was not stable: {choice.row.stable_reason}")
    threads = _threads(study, choice)
    if threads is not None and used & (OF_TIME | OF_ENERGY):
        found.append(threads)
    if len({case.configuration for case in candidates}) == 1:
        found.append("it is the only candidate")
    return found


def _threads(study: Study, choice: Case) -> str | None:
    """On how much of the processor it ran, where that is not all of it."""
    environment, threads = study.environment(choice), choice.row.threads
    if not choice.row.device.startswith("cpu") or environment is None or threads is None:
        return None
    if threads >= environment.cpu_affinity:
        return None
    return f"it ran on {plural(threads, 'thread')} of {environment.cpu_affinity} logical CPUs"


def _about_words(study: Study, kept: Sequence[Case], choice: Case) -> list[str]:
    """What is to be said of the error rates that a choice rests on."""
    found = []
    if choice.row.model.startswith(OWN_SPEECH):
        found.append(
            f"the WER of {choice.model} says nothing about real speech: it was trained on "
            "asrprof's own synthesised speech"
        )
    if choice.row.quality_of == "packed clips":
        found.append(
            "WER is of packed clips, where some models end their text at a change of the speaker"
        )
    judged = [case for case in kept if case.row.wer is not None]
    if len({case.row.normaliser for case in judged}) > 1:
        found.append("error rates are by different normalisers")
    if len(set(study.utterances(judged).values())) > 1:
        found.append("error rates come from different utterances")
    if choice.row.wer is not None and 0 < (choice.row.scored or 0) < FEW_UTTERANCES:
        found.append(f"its WER is of {scored(choice.row)}, which is little speech")
    if choice.row.wer is not None and choice.row.wer_low is None:
        found.append(f"the WER of the choice has no interval: it is of {scored(choice.row)} alone")
    if choice.row.quality_loops and (choice.row.quality_loops_error_share or 0) >= MUCH_LOOPS:
        found.append(f"of the choice {quality_loops(choice.row)}")
    return found
