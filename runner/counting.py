"""A case that asks for nothing but counts: from the configuration, without weights or inference."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from statistics import fmean

from runner.catalogue.engines import EngineEntry
from runner.clips import SAMPLE_RATE, load_clips
from runner.engines.base import Engine, Unmeasurable
from runner.load import engine_for, load_engine
from runner.measure.cycle import make_cycle
from runner.passes.count_once import CountOnce
from runner.passes.flops import Batches, count_batches, count_study, with_readings
from runner.task import CaseTask, Message, Remark, threads_of
from store.records import Result

NO_LATENCY = "latency is not among the measures"
UNKNOWN_TEXT = (
    'how many tokens a text has is not known before it is decoded: add "latency" to measures, or '
    "count random weights, which decode limits.tokens_per_audio_second"
)


def count_case(task: CaseTask, send: Callable[[Message], None], started_at: str) -> Result:
    """The row of a case with its FLOPs, or why there are none.

    Args:
        task: The case.
        send: To the session.
        started_at: When it began, as it is stored.

    Raises:
        Refused: The model cannot be had, or its variant does not fit it.
    """
    began = time.monotonic()
    case = task.case
    result = replace(
        task.outcome("ok", "", started_at=started_at, wall_s=0.0),
        reason=None,
        latency_reason=NO_LATENCY,
        figures=threads_of(case),
    )
    try:
        _check_countable(task, engine_for(task.load_request()))
        engine = load_engine(task.load_request())
        for text in engine.remarks:
            send(Remark(text))
        result = replace(
            result,
            engine=engine.family,
            revision=engine.revision or result.revision,
            parameters=engine.parameters,
            language=engine.language.code if engine.language is not None else None,
            language_by=engine.language.by if engine.language is not None else None,
        )
        result = _counted(task, engine, CountOnce(task.counted, send), result)
    except Unmeasurable as error:
        result = replace(result, flops_reason=str(error))
    return replace(result, wall_s=time.monotonic() - began)


def _counted(task: CaseTask, engine: Engine, once: CountOnce, result: Result) -> Result:
    longest, windows_differ = _longest(task, engine)
    if "flops" in task.measures:
        if windows_differ:
            raise Unmeasurable("clips of a batch fill different numbers of windows")
        fixed = [calls for calls in map(engine.fixed_calls, longest) if calls is not None]
        batches = Batches(task.batch_size, longest, fmean(fixed) if fixed else None)
        result = with_readings(result, count_batches(engine, batches, once))
        totals = [one.flops for one in result.flops if one.stage == "total"]
        if totals == [None]:
            notes = [one.note for one in result.flops if one.stage == "total"]
            decodes = len(result.flops) > 1 and not fixed
            result = replace(result, flops_reason=UNKNOWN_TEXT if decodes else notes[0])
    if "study_flops" in task.measures:
        samples = round(task.case.audio_seconds * SAMPLE_RATE)
        result = with_readings(result, count_study(engine, samples, once))
    return result


def _longest(task: CaseTask, engine: Engine) -> tuple[list[int], bool]:
    """Samples of the longest clip of each batch, and whether clips fill several windows."""
    case = task.case
    if not case.mixed or task.clips is None:
        return [round(case.audio_seconds * SAMPLE_RATE)], False
    cycle = make_cycle(
        load_clips(task.clips),
        task.batch_size,
        task.limits.cycle_batches,
        by_length=case.variant.batching == "sorted",
    )
    longest = [max(map(len, batch)) for batch in cycle.waveforms]
    window_s = engine.window_s
    return longest, window_s is not None and max(longest) > window_s * SAMPLE_RATE


def _check_countable(task: CaseTask, entry: EngineEntry) -> None:
    """Checks what is known before there is a model.

    Raises:
        Unmeasurable: its weights, or what it hears, decide how much is computed.
    """
    if not entry.model_types:
        whose = "; its model, by its own engine, can be counted" if entry.runs else ""
        raise Unmeasurable(f"{entry.name} has no configuration to count without weights{whose}")
    if {"assistant", "prompt_lookup"} & task.case.variant.parts.keys():
        raise Unmeasurable("the drafts decide how much is computed")
    if "fallback" in task.case.variant.parts and task.case.model.weights != "random":
        raise Unmeasurable("what is said decides how much is decoded again")
