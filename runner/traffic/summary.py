"""The figures of a level, of what became of its requests."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

import numpy as np

from runner.traffic.generator import Held, Request
from runner.traffic.level import Level
from stats.sequence import known_quantile, mean_and_quantiles
from store.load_records import LoadLevel

QUANTILES = (0.5, 0.9, 0.95, 0.99)
_MOST_WORDS = 200


def summarise(
    held: Held,
    audio_s: Sequence[float],
    *,
    seed: int,
    max_wait_s: float | None = None,
    cpu_busy: float | None = None,
) -> LoadLevel:
    """The figures of a level, but for its words and joules.

    Latency, errors and goodput are of the requests that were *due* in the counted time, whenever
    they were answered; rates are of the answers that *came* in it, whenever they were due.

    Args:
        held: What was sent.
        audio_s: Seconds of each utterance.
        seed: Seed of the intervals.
        max_wait_s: That of the batcher.
        cpu_busy: Share of the CPU time that was used.
    """
    level = held.level
    begin, end = held.window_start_s, held.window_end_s
    window_s = end - begin
    due = [one for one in held.requests if begin <= one.due_s < end]
    good = [one for one in due if one.answer is not None]
    came = [one for one in held.requests if one.answer is not None and begin <= one.done_s < end]
    kinds = Counter(one.error for one in due if one.error is not None)
    mean, p50, p90, p95, p99 = mean_and_quantiles(
        [one.latency_s for one in good], QUANTILES, seed=seed
    )
    known = [one for one in good if one.answer and one.answer.service_start_s is not None]
    queue_s = [_service_start(one) - one.due_s for one in known]
    (queue,) = mean_and_quantiles(queue_s, (), seed=seed)
    service_s = [_service_end(one) - _service_start(one) for one in known]
    first = [
        one.answer.first_text_s - one.due_s
        for one in good
        if one.answer is not None and one.answer.first_text_s is not None
    ]
    batches = [one.answer.batch for one in good if one.answer and one.answer.batch is not None]
    within = sum(one.latency_s <= level.slo_p95_s for one in good)
    is_open = level.concurrency is None
    return LoadLevel(
        mode="open" if is_open else "closed",
        concurrency=level.concurrency,
        rate_per_s=level.rate_per_s,
        arrivals=level.arrivals if is_open else None,
        paced=held.paced,
        max_batch=level.max_batch,
        replicas=level.replicas,
        max_wait_s=max_wait_s,
        held=held.ended_early is None,
        reason=held.ended_early,
        window_s=window_s,
        requests=len(due),
        answered=len(good),
        errors=len(due) - len(good),
        errors_by_kind=json.dumps(dict(kinds.most_common())) if kinds else None,
        error_words=_words(due, kinds),
        requests_per_s=len(came) / window_s if window_s else None,
        rtfx=sum(audio_s[one.utterance] for one in came) / window_s if window_s else None,
        in_flight=_in_flight(held) if window_s else None,
        latency_mean_s=mean.value,
        latency_mean_low_s=mean.interval.low,
        latency_mean_high_s=mean.interval.high,
        latency_p50_s=p50.value,
        latency_p50_low_s=p50.interval.low,
        latency_p50_high_s=p50.interval.high,
        latency_p90_s=p90.value,
        latency_p90_low_s=p90.interval.low,
        latency_p90_high_s=p90.interval.high,
        latency_p95_s=p95.value,
        latency_p95_low_s=p95.interval.low,
        latency_p95_high_s=p95.interval.high,
        latency_p99_s=p99.value,
        latency_p99_low_s=p99.interval.low,
        latency_p99_high_s=p99.interval.high,
        interval_reason=mean.interval.reason,
        queue_mean_s=queue.value,
        queue_mean_low_s=queue.interval.low,
        queue_mean_high_s=queue.interval.high,
        queue_p95_s=known_quantile(queue_s, 0.95),
        service_mean_s=float(np.mean(service_s)) if service_s else None,
        service_p95_s=known_quantile(service_s, 0.95),
        batch_mean=float(np.mean(batches)) if batches else None,
        first_text_p50_s=known_quantile(first, 0.5),
        first_text_p95_s=known_quantile(first, 0.95),
        send_delay_p99_s=known_quantile([one.delay_s for one in due], 0.99),
        slo_p95_s=level.slo_p95_s,
        slo_met=_within_slo(level, due) if due else None,
        goodput_per_s=within / window_s if window_s else None,
        scored=0,
        wer=None,
        wer_low=None,
        wer_high=None,
        texts_changed=None,
        cpu_busy=cpu_busy,
        energy_j=None,
        energy_label=None,
        energy_source=None,
        energy_reason=None,
    )


def meets(held: Held) -> bool:
    """Whether a level was held, and 95 of 100 requests of it were answered rightly in time."""
    begin, end = held.window_start_s, held.window_end_s
    due = [one for one in held.requests if begin <= one.due_s < end]
    return held.ended_early is None and bool(due) and _within_slo(held.level, due)


def first_texts(held: Held) -> tuple[dict[int, str], int]:
    """What was answered of each utterance first, and of how many the answers differ.

    Those of the warm-up count: the words do not depend on the time.
    """
    texts: dict[int, str] = {}
    changed = set()
    for one in held.requests:
        if one.answer is None:
            continue
        if texts.setdefault(one.utterance, one.answer.text) != one.answer.text:
            changed.add(one.utterance)
    return texts, len(changed)


def _within_slo(level: Level, due: Sequence[Request]) -> bool:
    within = sum(one.answer is not None and one.latency_s <= level.slo_p95_s for one in due)
    return within >= 0.95 * len(due)


def _service_start(one: Request) -> float:
    assert one.answer is not None and one.answer.service_start_s is not None
    return one.answer.service_start_s


def _service_end(one: Request) -> float:
    assert one.answer is not None and one.answer.service_end_s is not None
    return one.answer.service_end_s


def _in_flight(held: Held) -> float:
    """Open requests, mean over the counted time; one is open from its due time."""
    begin, end = held.window_start_s, held.window_end_s
    shares = (min(one.done_s, end) - max(one.due_s, begin) for one in held.requests)
    return sum(share for share in shares if share > 0) / (end - begin)


def _words(due: Sequence[Request], kinds: Counter[str]) -> str | None:
    if not kinds:
        return None
    ((kind, _),) = kinds.most_common(1)
    words = next(one.words for one in due if one.error == kind)
    return " ".join((words or kind).split())[:_MOST_WORDS]
