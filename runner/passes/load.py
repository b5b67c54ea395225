"""The model as a service: requests that fall due, at levels of load."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

import psutil
import torch

from runner.clips import Clip, load_clips
from runner.config import Load
from runner.engines.base import Unmeasurable
from runner.engines.http import HttpEngine
from runner.measure.energy.discover import discover
from runner.measure.energy.levels import LevelMeters, LevelPower, MetersThread
from runner.measure.environment import read_cpu
from runner.measure.quality import Transcribed, score
from runner.passes.base import Context, Pass
from runner.passes.replica import Begin
from runner.passes.replicas import replicas
from runner.task import CaseTask, Progress
from runner.traffic.generator import Gauge, Held, Tell, hold
from runner.traffic.in_process import Transcribe, load_engine_here
from runner.traffic.level import Level
from runner.traffic.plan import hold_all, levels_of
from runner.traffic.summary import first_texts, summarise
from runner.traffic.target import Target
from store.events import LoadGauge
from store.load_records import NOT_ASKED, LoadLevel
from store.records import Result


class LoadPass(Pass):
    """Holds every level, on a server or on the engine of this process behind a batcher."""

    reason_field = "load_reason"

    def run(self, context: Context, result: Result) -> Result:
        """See :class:`~runner.passes.base.Pass`."""
        task = context.task
        if task.utterances is None:
            raise Unmeasurable("no utterances were prepared")
        utterances = load_clips(task.utterances.path).clips
        # Read before the first request: the disk is no part of a request's time.
        waves = [one.audio for one in utterances]
        max_batch = max(task.load.max_batch)
        if task.case.variant.chunk_seconds is not None and max_batch > 1:
            raise Unmeasurable(
                "a variant that streams takes one utterance at a time: set load.max_batch to [1]"
            )
        remote = isinstance(context.engine, HttpEngine)
        power: tuple[LevelPower, ...] = ()
        load = task.load if remote else _that_fits(context)
        watch = Watch(context, utterances, load, batcher=not remote)
        meters, without = _meters(task, remote=remote)
        watch.meters = meters
        if isinstance(context.engine, HttpEngine):
            target = context.engine.target(waves)
            asyncio.run(_hold_all(watch, target))
        else:
            engine = context.engine

            def transcribe(numbers: Sequence[int]) -> Sequence[str]:
                texts = engine.transcribe([waves[number] for number in numbers]).texts
                engine.synchronize()
                return texts

            try:
                with self._copies(context, load, task.utterances.path) as copies:
                    held = load_engine_here(
                        [transcribe, *copies],
                        load,
                        seed=task.seed,
                        utterances=len(utterances),
                        on_level=watch.level_begins,
                        on_window=watch.window,
                    )
            finally:
                power = meters.close() if meters is not None else ()
            for one in held:
                watch.level_done(one)
        return replace(result, load_levels=with_joules(watch.found, power, without))

    @staticmethod
    def _copies(
        context: Context, load: Load, utterances: Path
    ) -> AbstractContextManager[list[Transcribe]]:
        """As many as a level has at the most, beside the engine of this process."""
        count = max(load.replicas) - 1
        if not count:
            return nullcontext([])
        begin = Begin(context.task.load_request(), torch.get_num_threads(), utterances)
        return replicas(
            begin,
            count,
            lambda ready: context.progress(f"load: {ready + 1} models", ready / count),
        )


def _that_fits(context: Context) -> Load:
    """The load without numbers of models that would wait for each other, which are told of.

    Raises:
        Unmeasurable: Nothing is left.
    """
    load, device, cores = context.task.load, context.task.case.device, read_cpu().affinity
    threads = torch.get_num_threads()
    if max(load.replicas) == 1:
        return load
    if not device.startswith("cpu"):
        fits = [count for count in load.replicas if count == 1]
        why = f"copies of a model are for CPUs, and this case is on {device}"
    else:
        fits = [count for count in load.replicas if count == 1 or count * threads <= cores]
        left = [count for count in load.replicas if count not in fits]
        many = ", ".join(str(count) for count in left)
        why = (
            f"{many} models of {threads} {'thread' if threads == 1 else 'threads'} would wait for "
            f'each other on {cores} CPUs: list fewer threads, as "threads": [1]'
        )
    if not fits:
        raise Unmeasurable(f"load.replicas: {why}")
    if len(fits) < len(load.replicas):
        context.remark(f"load.replicas: left out: {why}")
    return load.model_copy(update={"replicas": fits})


def _meters(task: CaseTask, *, remote: bool) -> tuple[MetersThread | None, str]:
    """What reads the joules of levels; without that, why."""
    if "energy" not in task.measures:
        return None, NOT_ASKED
    if remote:
        return None, "a server's machine cannot be read"
    device = task.case.device
    found = discover(device, tracker=task.tracker)
    return MetersThread(LevelMeters(device, found.sources, found.missing)), ""


def with_joules(
    levels: Sequence[LoadLevel], power: Sequence[LevelPower], without: str
) -> tuple[LoadLevel, ...]:
    """Levels with what the machine took in their counted time.

    Args:
        levels: In the order in which they were held.
        power: Of each; nothing where nothing was read.
        without: Why nothing was.
    """
    nothing = LevelPower(None, None, None, without)
    return tuple(
        replace(
            level,
            energy_j=None if drawn.mean_w is None else drawn.mean_w * level.window_s,
            energy_label=drawn.label,
            energy_source=drawn.source,
            energy_reason=drawn.reason,
        )
        for level, drawn in zip(levels, power or [nothing] * len(levels), strict=True)
    )


async def _hold_all(watch: Watch, target: Target) -> None:
    task = watch.context.task

    async def one(level: Level) -> Held:
        tell = watch.level_begins(level)
        count = len(watch.utterances)
        held = await hold(target, level, count, tell=tell, on_window=watch.window)
        watch.level_done(held)
        return held

    await target.begin()
    try:
        await hold_all(target, levels_of(task.load, batcher=False, seed=task.seed), one)
    finally:
        await target.close()


class Watch:
    """Tells how far the levels are, and keeps their figures."""

    def __init__(
        self, context: Context, utterances: Sequence[Clip], load: Load, *, batcher: bool
    ) -> None:
        """Begins with no level.

        Args:
            context: The case.
            utterances: What is sent.
            load: How.
            batcher: Whether every size of batch is a level of its own.
        """
        self.context = context
        self.utterances = utterances
        self.found: list[LoadLevel] = []
        self.meters: MetersThread | None = None
        self._expected = load.usual_levels * (load.services if batcher else 1)
        """Levels; a search may take more."""
        self._begun = 0
        self._busy: list[float] = []
        """CPU share of each level so far."""

    def level_begins(self, level: Level) -> Tell:
        """What is told how a level goes."""
        number = self._begun
        self._begun += 1

        def told(gauge: Gauge) -> None:
            # The figures beside the words: a pass by another name would be told of at once.
            now = LoadGauge(
                level=level.title,
                requests_per_s=gauge.per_s,
                in_flight=gauge.open,
                p95_s=gauge.p95_s,
                errors=gauge.errors,
            )
            share = (number + gauge.share) / max(self._expected, self._begun)
            self.context.send(Progress(f"load: {level.title}", share, load=now))

        return told

    def window(self, begins: bool) -> None:
        """The counted time begins or ends."""
        if self.meters is not None:
            self.meters.window(begins)
        share = psutil.cpu_percent() / 100  # Since the last call.
        if not begins:
            self._busy.append(share)

    def level_done(self, held: Held) -> None:
        """A level is over."""
        task = self.context.task
        in_process = held.level.max_batch is not None
        found = summarise(
            held,
            [one.seconds for one in self.utterances],
            seed=task.seed,
            max_wait_s=task.load.max_wait_s if in_process else None,
            cpu_busy=self._busy[len(self.found)],
        )
        found = self._with_words(found, held)
        if found.reason is not None:
            self.context.remark(f"load of {held.level.title} ended early: {found.reason}")
        elif found.errors:
            self.context.remark(
                f"load of {held.level.title}: {found.errors} of {found.requests} requests failed "
                f"({found.errors_by_kind}): {found.error_words}"
            )
        self.found.append(found)

    def _with_words(self, found: LoadLevel, held: Held) -> LoadLevel:
        """With the error rate of the first answer of each utterance."""
        texts, changed = first_texts(held)
        if not texts or self.context.task.case.model.weights == "random":
            return found
        transcribed = [
            Transcribed(
                clip_id=one.id,
                reference=one.reference,
                hypothesis=texts[number],
                audio_seconds=one.speech_seconds,
                speaker=one.speaker,
                recording=one.recording,
            )
            for number, one in enumerate(self.utterances)
            if number in texts
        ]
        task = self.context.task
        quality, _ = score(transcribed, seed=task.seed, normaliser=task.normaliser)
        return replace(
            found,
            scored=quality.scored,
            wer=quality.wer,
            wer_low=quality.wer_low,
            wer_high=quality.wer_high,
            texts_changed=changed,
        )
