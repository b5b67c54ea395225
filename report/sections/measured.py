"""What was measured, on what, and how the figures are to be read."""

from __future__ import annotations

import json
from collections import Counter

from report.content import Block, Bullets, Column, Note, Section, Table, Text
from report.sections.cells import column
from report.sections.drift import drift
from report.speech import PACKED, STOPPED_EARLY, WHAT_PACKED_IS, language_source, missing_words
from report.study import Case, Study, group
from report.text import listing, number, plural
from store import Environment

PACKAGES = ("torch", "transformers", "tokenizers", "pocketsphinx", "codecarbon", "jiwer")

METHOD = (
    (
        "Timed region.",
        "A batch of waveforms in host memory goes in, text in host memory comes out; a GPU is "
        "synchronised before both clock reads. It is the same for every model, device and variant.",
    ),
    (
        "Latency.",
        "The median of each batch of a fixed cycle, averaged over the cycle, after a warm-up. Its "
        "95 % interval is a bootstrap within batches.",
    ),
    (
        "RTFx.",
        "Seconds of real audio, padding not counted, by latency: how many times faster than real "
        "time.",
    ),
    (
        "Energy.",
        "Gross joules of one batch. Measured: a hardware counter; sampled: a power sensor, "
        "integrated; estimated: a model of power, without a meter. Figures of different labels are "
        "never added.",
    ),
    (
        "FLOPs.",
        "A multiply-accumulate counts two; attention is in; counted from shapes, exactly.",
    ),
    (
        "WER.",
        "Errors of all utterances by the words of all their references, after the normaliser named "
        "below. Each utterance is an input of its own, at its natural length; one pass serves "
        "every clip length and batch size of a model, variant and device. Whole speakers are drawn "
        "for its 95 % interval where enough are known, else recordings, else utterances.",
    ),
)


def measured(study: Study) -> Section:
    """The section."""
    blocks: list[Block] = [_counts(study)]
    machines = _machines(study)
    if machines is not None:
        blocks.append(machines)
    blocks += drift(study)
    clips = _clips(study)
    if clips is not None:
        blocks.append(clips)
    models = _models(study)
    if models is not None:
        blocks.append(models)
    blocks.append(Bullets(METHOD))
    blocks += _labels(study)
    return Section("measured", "What was measured", tuple(blocks))


def _counts(study: Study) -> Text:
    states: Counter[str] = Counter(case.row.state for case in study.cases)
    words = {"ok": "with figures", "oom": "out of memory", "failed": "failed", "refused": "refused"}
    parts = [f"{states[state]:,} {word}" for state, word in words.items() if states[state]]
    text = f"{plural(len(study.cases), 'case')}: {listing(parts)}."
    repeated = study.results - len(study.cases)
    if repeated:
        text += (
            f" {plural(repeated, 'older result')} of the same cases are in the store and not "
            "shown: the newest counts."
        )
    lengths = sorted({case.row.audio_seconds for case in study.cases})
    sizes = sorted({case.row.batch_size for case in study.cases})
    variants = list(dict.fromkeys(case.row.variant for case in study.cases))
    text += (
        f" Audio length: {_range(lengths)} s. Batch size: {_range(sizes)}. "
        f"Variants: {listing(variants, 8)}."
    )
    return Text(text)


def _clips(study: Study) -> Text | None:
    """How the timed clips were made. Cases that had the same clips count once."""
    known = [case for case in study.ok if case.row.clips_mode]
    if not known:
        return None
    counts: Counter[str] = Counter()
    for members in group(known, lambda case: case.row.clips_fingerprint).values():
        # A batch cycle has some of a set's clips, so the case with most of them speaks for it.
        fullest = max(members, key=lambda case: sum(_origins(case).values()))
        counts.update(_origins(fullest))
    made = [f"{counts[words]:,} {words}" for words in _ORIGINS if counts[words]]
    older = sum(not sum(_origins(case).values()) for case in known)
    if older:
        made.append(f"packed by an older version in {plural(older, 'case')}")
    shares = [case.row.speech_share for case in known if case.row.speech_share is not None]
    text = f"Timed clips: {listing(made, 6)}."
    if shares:
        ends = dict.fromkeys(f"{share:.0%}" for share in (min(shares), max(shares)))
        text += f" Speech is {' to '.join(ends)} of their audio."
    return Text(text)


_ORIGINS = (
    "of consecutive utterances of one recording",
    "of one speaker",
    "of a single utterance",
    "packed (utterances of anyone)",
)


def _origins(case: Case) -> dict[str, int]:
    row = case.row
    found = (
        *(row.clips_of_recording, row.clips_of_speaker),
        *(row.clips_of_utterance, row.clips_of_any),
    )
    return {words: count or 0 for words, count in zip(_ORIGINS, found, strict=True)}


def _range(values: list[float] | list[int]) -> str:
    if len(values) > 8:
        return f"{len(values)} values from {values[0]:g} to {values[-1]:g}"
    return ", ".join(f"{value:g}" for value in values)


def _machines(study: Study) -> Table | None:
    used = group(
        [case for case in study.cases if study.environment(case)],
        lambda case: case.row.environment_id,
    )
    found = [
        (study.environments[key], members)
        for key, members in used.items()
        if key is not None and key in study.environments
    ]
    if not found:
        return None
    fields = (
        ("Host", lambda e: f"{e.hostname}, {e.os}, kernel {e.kernel}"),
        (
            "CPU",
            lambda e: f"{e.cpu_model}, {e.cpu_affinity} of {e.cpu_logical_cores} logical CPUs",
        ),
        ("Memory", lambda e: f"{e.memory_bytes / 1e9:.1f} GB"),
        ("Virtual machine", lambda e: e.virtualization or "no"),
        ("GPU", _gpu),
        ("Software", _software),
        ("Harness", lambda e: f"asrprof {e.asrprof}" + _commit(e)),
    )
    shown = found[:4]
    columns = [Column("", text=True)]
    columns += [
        Column(f"machine {place + 1}" if len(found) > 1 else "machine", text=True)
        for place in range(len(shown))
    ]
    rows = [(name, *(text(environment) for environment, _ in shown)) for name, text in fields]
    rows.append(("Cases", *(f"{len(members):,}" for _, members in shown)))
    notes = []
    if len(found) > len(shown):
        notes.append(f"{len(found) - len(shown)} more environments are in the store.")
    return Table("Machines and software", tuple(columns), tuple(rows), tuple(notes))


def _gpu(environment: Environment) -> str:
    if environment.gpu_name is None:
        return "none"
    parts = [environment.gpu_name]
    if environment.gpu_memory_bytes:
        parts.append(f"{environment.gpu_memory_bytes / 1e9:.1f} GB")
    if environment.gpu_power_limit_w:
        parts.append(f"limit {environment.gpu_power_limit_w:.0f} W")
    if environment.gpu_driver:
        parts.append(f"driver {environment.gpu_driver}")
    if environment.cuda:
        parts.append(f"CUDA {environment.cuda}")
    return ", ".join(parts)


def _software(environment: Environment) -> str:
    packages = json.loads(environment.packages)
    named = [f"{name} {packages[name]}" for name in PACKAGES if packages.get(name)]
    return ", ".join([f"Python {environment.python}", *named])


def _commit(environment: Environment) -> str:
    return f", commit {environment.git_commit[:10]}" if environment.git_commit else ""


def _models(study: Study) -> Table | None:
    if not study.cases:
        return None
    rows = []
    for model, members in list(group(study.cases, lambda case: case.model).items())[:30]:
        first = next((case for case in members if case.row.parameters), members[0])
        row = first.row
        weights = "random, true architecture" if row.weights == "random" else "pretrained"
        if row.revision:
            weights += f", revision {row.revision[:10]}"
        if row.language is not None:
            weights += f"; language {row.language}, {language_source(row.language_by)}"
        size = number(row.parameters / 1e6) if row.parameters else "–"
        ok = sum(case.row.state == "ok" for case in members)
        rows.append((model, row.engine, size, weights, f"{ok} of {len(members)}"))
    count = len({case.model for case in study.cases})
    notes = [f"{count - 30} more models are in the store."] if count > 30 else []
    if any(row[2] == "–" for row in rows):
        notes.append("–: the engine does not say how many parameters it has, or never loaded.")
    return Table(
        "Models",
        (
            column("model"),
            column("engine"),
            Column("parameters", "M"),
            column("weights"),
            Column("cases with figures"),
        ),
        tuple(rows),
        tuple(notes),
    )


def _labels(study: Study) -> list[Block]:
    blocks: list[Block] = []
    labels = Counter(
        (case.row.energy_label, case.row.energy_source) for case in study.ok if case.row.energy_j
    )
    if labels:
        parts = [
            f"{label} by {source} in {plural(n, 'case')}" for (label, source), n in labels.items()
        ]
        blocks.append(Text(f"Energy here is {listing(parts)}."))
    if labels and all(label == "estimated" for label, _ in labels):
        blocks.append(
            Note(
                "All joules are estimates: no meter was read. They follow from time and a constant "
                "power, so they rank models as latency does and cannot say more.",
                "warning",
            )
        )
    normalisers = sorted(
        {
            f"{case.row.normaliser} {case.row.normaliser_version}"
            for case in study.ok
            if case.row.normaliser
        }
    )
    if normalisers:
        blocks.append(Text(f"Normaliser of the error rates: {listing(normalisers)}."))
    blocks += _warnings(study.ok)
    return blocks


def _warnings(cases: tuple[Case, ...]) -> list[Block]:
    blocks: list[Block] = []
    unstable = [case for case in cases if case.row.stable is False]
    if unstable:
        share = len(unstable) / len(cases)
        blocks.append(
            Note(
                f"{len(unstable)} of {len(cases)} latencies were not stable "
                f"({_common_reason(unstable)}). They are marked ~.",
                "warning" if share > 0.2 else "info",
            )
        )
    blocks += _stopped_early(cases)
    packed = sum(case.packed for case in cases)
    if packed:
        blocks.append(
            Note(
                f"In {packed:,} of {plural(len(cases), 'case')} the clips are packed: "
                f"{WHAT_PACKED_IS}. They are marked {PACKED}.",
                "warning",
            )
        )
    if any(case.row.weights == "random" for case in cases):
        blocks.append(
            Note(
                "Models marked (random) have the published architecture without its weights: "
                "latency, energy, memory and FLOPs are real, and there is no WER."
            )
        )
    if any(case.row.model.startswith("small-") for case in cases):
        blocks.append(
            Note(
                "Models named small-… were trained on the vocabulary of asrprof's own synthesised "
                "speech: their WER speaks of that speech alone."
            )
        )
    return blocks


def _stopped_early(cases: tuple[Case, ...]) -> list[Block]:
    early = [case for case in cases if case.stopped_early]
    if not early:
        return []
    reasons = []
    if any(case.packed for case in early):
        reasons.append("in packed clips a Whisper ends its text where the speaker changes")
    alone = list(dict.fromkeys(case.model for case in early if not case.packed))
    if alone:
        reasons.append(f"{listing(alone)} {'drops' if len(alone) == 1 else 'drop'} words")
    examples = [
        f"{case.title}: {words}" for case in early if (words := missing_words(case.row)) is not None
    ]
    seen = f" ({listing(examples, 3)})" if examples else ""
    return [
        Note(
            f"{plural(len(early), 'case')} stopped early: a tenth of the words or more did not "
            f"come out{seen}, so their latency, RTFx and joules are of less work. The reason: "
            f"{'; '.join(reasons)}. They are marked {STOPPED_EARLY}, and no front, recommendation "
            "or choice in brief rests on them unless asked for (`--with-stopped-early`).",
            "warning",
        )
    ]


def _common_reason(cases: list[Case]) -> str:
    kinds = Counter(
        kind
        for case in cases
        for kind in ("others used", "spread", "drift", "only one round")
        if kind in (case.row.stable_reason or "")
    )
    words = {
        "others used": "other programs used the CPU",
        "spread": "the timings spread",
        "drift": "the timings drifted",
        "only one round": "only one round was timed",
    }
    return listing([words[kind] for kind, _ in kinds.most_common(2)]) or "the hardware throttled"
