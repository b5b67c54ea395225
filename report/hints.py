"""What the measurements say about where to optimise; every hint names the figure behind it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from report.scaling import saturations
from report.speech import missing_words, quality_loops
from report.study import Case, Study, group, shape
from report.text import listing
from store import EnergyReading, Operator, Stage

DECODER_SHARE = 0.5
FEATURES_SHARE = 0.15
PADDING_SHARE = 0.5
LOOPS_SHARE = 0.1
"""Of the word errors."""
WINDOW_S = {"small-whisper": 15.0}
"""Seconds that a Whisper takes at a time, however short the clip ..."""
PUBLISHED_WINDOW_S = 30.0
"""... and of every published one."""
BATCH_GAIN = 1.3
COLD_RATIO = 5.0
IDLE_BOARD = 0.5
"""Of the board's power limit."""
MATMUL_SHARE = 0.5


@dataclass(frozen=True)
class Hint:
    """One thing to try."""

    title: str
    advice: str
    evidence: str
    """The figure that led to it."""
    subjects: tuple[str, ...]
    """Models or cases that it holds for, the strongest first."""


@dataclass(frozen=True)
class _Finding:
    subject: str
    strength: float
    evidence: str


def hints(study: Study) -> list[Hint]:
    """All hints that the study gives cause for."""
    found = [
        _decoder(study),
        _batch(study),
        _saturated(study),
        _padding(study),
        _early(study),
        _loops(study),
        _features(study),
        _low_precision(study),
        _power(study),
        _threads(study),
        _cold(study),
        _noise(study),
        _energy_access(study),
    ]
    return [hint for hint in found if hint is not None]


def _hint(title: str, advice: str, findings: Iterator[_Finding] | list[_Finding]) -> Hint | None:
    """One hint from the findings of one rule, led by the strongest."""
    ordered = sorted(findings, key=lambda finding: -finding.strength)
    if not ordered:
        return None
    return Hint(
        title,
        advice,
        f"{ordered[0].subject}: {ordered[0].evidence}",
        tuple(dict.fromkeys(finding.subject for finding in ordered)),
    )


def _smallest(study: Study) -> list[Case]:
    """The case with the least work of every configuration: latency matters most there."""
    groups = group(study.ok, lambda case: case.configuration)
    return [min(members, key=lambda case: case.point[::-1]) for members in groups.values()]


def _decoder(study: Study) -> Hint | None:
    cases = [case for case in _smallest(study) if case.row.decoder_calls]
    stages = study.children(Stage, cases)
    findings = []
    for case in cases:
        seconds = {stage.stage: stage.median_s for stage in stages.get(case.row.result_id, ())}
        total = _total(seconds)
        share = seconds.get("decode", 0.0) / total if total else 0.0
        if share < DECODER_SHARE:
            continue
        evidence = f"decoding takes {share:.0%} of {shape(*case.point)}"
        token_s, weights = seconds.get("token"), case.row.weights_bytes
        if token_s and weights:
            evidence += (
                f", {1e3 * token_s:.3g} ms a token against {weights / 1e6:,.0f} MB of weights"
            )
        findings.append(_Finding(case.configuration.title, share, evidence))
    return _hint(
        "The decoder waits for memory, token by token",
        "A decoder step reads its weights for one token each. Try a static cache with compilation, "
        "lower precision, an assistant model, or a model with fewer decoder layers.",
        findings,
    )


def _batch(study: Study) -> Hint | None:
    findings = []
    for found in saturations(study.cases):
        if found.smallest == 1 and found.gain >= BATCH_GAIN:
            findings.append(
                _Finding(
                    found.configuration.title,
                    found.gain,
                    f"batch {found.saturated} gives {found.gain:.2g} times the throughput of "
                    f"batch 1 at {found.audio_seconds:g} s",
                )
            )
    return _hint(
        "A batch of one leaves the device idle",
        "Where throughput matters, collect clips into batches.",
        findings,
    )


def _saturated(study: Study) -> Hint | None:
    findings = [
        _Finding(
            found.configuration.title,
            found.largest / found.saturated,
            f"at {found.audio_seconds:g} s, batch {found.saturated} has 95 % of the best "
            f"throughput; batch {found.largest} only waits longer",
        )
        for found in saturations(study.cases)
        if found.saturated < found.largest
    ]
    return _hint(
        "Beyond some batch size only latency and memory grow",
        "Stop at the batch size where throughput saturates.",
        findings,
    )


def _padding(study: Study) -> Hint | None:
    findings = []
    for case in study.baseline:
        row = case.row
        if not row.decoder_calls or not row.windows or not row.audio_s:
            continue
        window_s = WINDOW_S.get(row.model, PUBLISHED_WINDOW_S)
        padding = 1 - row.audio_s / (row.windows * window_s)
        if row.engine.startswith("whisper") and padding >= PADDING_SHARE:
            evidence = f"{padding:.0%} of what it encodes at {shape(*case.point)} is padding"
            findings.append(_Finding(case.configuration.title, padding, evidence))
    return _hint(
        "Short clips pay for a whole window",
        "Join consecutive utterances of one speaker to fill a window (of different speakers never: "
        "a Whisper ends its text where the speaker changes), or take a CTC model for short clips.",
        findings,
    )


def _early(study: Study) -> Hint | None:
    findings = []
    for case in study.ok:
        words, missing = case.row.reference_words, case.row.missing_words
        if case.stopped_early and words and missing:
            evidence = f"{missing_words(case.row)} at {shape(*case.point)}"
            if case.packed:
                evidence += ", with packed clips"
            findings.append(_Finding(case.configuration.title, missing / words, evidence))
    return _hint(
        "The text ends before the speech does",
        "Never join different speakers in one input (`data.clips` is `continuous` by default); "
        "where clips are of one speaker, cut long ones, or take a model that keeps its words.",
        findings,
    )


def _loops(study: Study) -> Hint | None:
    findings = []
    for case in study.ok:
        share = case.row.quality_loops_error_share or 0.0
        words = quality_loops(case.row)
        if words is not None and share >= LOOPS_SHARE:
            findings.append(_Finding(case.configuration.title, share, words))
    return _hint(
        "A few texts that repeat themselves make many of the errors",
        "Measure the variant with `fallback`, the publishers' own remedy; it costs a second "
        "decoding where a text loops.",
        findings,
    )


def _features(study: Study) -> Hint | None:
    cases = _smallest(study)
    stages = study.children(Stage, cases)
    findings = []
    for case in cases:
        seconds = {stage.stage: stage.median_s for stage in stages.get(case.row.result_id, ())}
        total = _total(seconds)
        share = seconds.get("features", 0.0) / total if total else 0.0
        if share >= FEATURES_SHARE:
            evidence = f"features take {share:.0%} of {shape(*case.point)}"
            findings.append(_Finding(case.configuration.title, share, evidence))
    return _hint(
        "The front end takes a visible share",
        "Compute features on the device, or in another process while the model works.",
        findings,
    )


def _low_precision(study: Study) -> Hint | None:
    tried = {(case.model, case.place) for case in study.ok if case.row.variant != "fp32"}
    cases = [case for case in _smallest(study) if (case.model, case.place) not in tried]
    operators = study.children(Operator, cases)
    findings = []
    for case in cases:
        rows = operators.get(case.row.result_id, ())
        devices = {operator.device for operator in rows}
        device = "cuda" if "cuda" in devices else "cpu"
        share = sum(o.share for o in rows if o.category == "matmul" and o.device == device)
        if share >= MATMUL_SHARE:
            evidence = f"matrix products are {share:.0%} of its operator time"
            findings.append(_Finding(case.configuration.title, share, evidence))
    return _hint(
        "Matrix products dominate, and only full precision was measured",
        "Measure a variant: fp16 or bf16 on a GPU, int8 on a CPU. The WER column says what it "
        "costs.",
        findings,
    )


def _power(study: Study) -> Hint | None:
    cases = [case for case in study.baseline if case.row.batch_size == 1]
    readings = study.children(EnergyReading, cases)
    findings = []
    for case in cases:
        environment = study.environment(case)
        limit = environment.gpu_power_limit_w if environment else None
        for reading in readings.get(case.row.result_id, ()):
            if not limit or not reading.mean_w or not reading.source.startswith("nvml"):
                continue
            share = reading.mean_w / limit
            if share < IDLE_BOARD:
                evidence = f"{reading.mean_w:.0f} W of {limit:.0f} W at {shape(*case.point)}"
                findings.append(_Finding(case.configuration.title, 1 - share, evidence))
    return _hint(
        "The GPU is far from its power limit",
        "It waits for the host or for memory: grow the batch, use CUDA graphs, or share the board.",
        findings,
    )


def _threads(study: Study) -> Hint | None:
    findings = []
    for case in study.ok:
        environment = study.environment(case)
        if environment is None or not case.row.threads or not case.row.device.startswith("cpu"):
            continue
        if case.row.threads_listed is not None:
            continue  # Fewer than there are was what was asked for.
        cores = min(
            environment.cpu_physical_cores or environment.cpu_logical_cores,
            environment.cpu_affinity,
        )
        if case.row.threads < cores:
            evidence = f"{case.row.threads} of {cores} cores were used"
            findings.append(_Finding(case.configuration.title, cores / case.row.threads, evidence))
    return _hint(
        "Not every core was used",
        "Raise `limits.threads` for the latency that the whole machine can give, or run one "
        "process a core for throughput.",
        findings,
    )


def _cold(study: Study) -> Hint | None:
    findings = []
    for case in _smallest(study):
        cold, warm = case.row.cold_s, case.row.latency_s
        if cold and warm and cold / warm >= COLD_RATIO:
            evidence = f"the first inference takes {cold:.3g} s, later ones {1e3 * warm:.3g} ms"
            findings.append(_Finding(case.configuration.title, cold / warm, evidence))
    return _hint(
        "The first inference is far slower than the rest",
        "Keep a process warm; run one inference before the first request.",
        findings,
    )


def _noise(study: Study) -> Hint | None:
    unstable = [case for case in study.ok if case.row.stable is False]
    if not unstable:
        return None
    evidence = f"{len(unstable)} of {len(study.ok)} latencies were not stable"
    reasons = listing(dict.fromkeys(filter(None, (c.row.stable_reason for c in unstable))))
    if reasons:
        evidence += f": {reasons}"
    return Hint(
        "Some latencies were not stable",
        "Close other programs, fix the clock frequency, and measure these cases again "
        "before you rely on small differences.",
        evidence,
        tuple(dict.fromkeys(case.configuration.title for case in unstable)),
    )


def _energy_access(study: Study) -> Hint | None:
    estimated = [case for case in study.ok if case.row.energy_label == "estimated"]
    if not estimated:
        return None
    return Hint(
        "Energy is only estimated",
        "Give access to a counter: `asrprof doctor` says which there is and what it needs. An "
        "estimate follows time and can rank nothing that time does not.",
        f"{len(estimated)} of {len(study.ok)} cases have joules from a model of power",
        tuple(dict.fromkeys(case.configuration.title for case in estimated)),
    )


def _total(seconds: dict[str, float]) -> float:
    """Seconds of all stages; a token is a part of decoding."""
    return sum(value for stage, value in seconds.items() if stage != "token")
