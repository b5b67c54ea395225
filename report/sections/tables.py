"""The four tables of the published study, from this store."""

from __future__ import annotations

from collections.abc import Sequence

from report.content import MISSING, Block, Column, Section, Table, Text
from report.study import Case, Study, group, shape
from report.text import interval, listing, number, percent, plural, tally
from store import FlopsReading, Operator

MOST_ROWS = 40


def study_tables(study: Study) -> Section:
    """The section."""
    blocks = [
        _devices(study),
        _energy_and_throughput(study),
        _complexity(study),
        _quality(study),
    ]
    return Section(
        "tables", "Devices, energy, complexity, errors", tuple(block for block in blocks if block)
    )


def latency_cell(case: Case) -> str:
    """Milliseconds, marked where they were not stable."""
    milliseconds = 1e3 * case.row.latency_s if case.row.latency_s is not None else None
    return ("~" if case.row.stable is False else "") + number(milliseconds)


def energy_cell(case: Case) -> str:
    """Joules, marked by how they were learnt."""
    mark = {"estimated": "e ", "sampled": "s "}.get(case.row.energy_label or "", "")
    return MISSING if case.row.energy_j is None else mark + number(case.row.energy_j)


def cell_notes(cases: Sequence[Case]) -> tuple[str, ...]:
    """What the marks of these cases mean, and why figures are missing."""
    notes = []
    if any(case.row.stable is False for case in cases):
        notes.append("~ the latency was not stable.")
    labels = {case.row.energy_label for case in cases if case.row.energy_j is not None}
    if "estimated" in labels:
        notes.append("e estimated by a model of power, not measured.")
    if "sampled" in labels:
        notes.append("s sampled from a power sensor.")
    missing = [case for case in cases if case.row.energy_j is None and case.row.latency_s]
    if missing:
        reasons = tally(case.row.energy_reason or "not asked for" for case in missing)
        notes.append(f"No energy: {'; '.join(reasons)}.")
    return tuple(notes)


def _devices(study: Study) -> Block:
    """CPU against GPU: the same case on every device."""
    pairs = []
    for (model, variant, point), members in group(
        study.ok, lambda case: (case.model, case.row.variant, case.point)
    ).items():
        on_cpu = [case for case in members if case.row.device.startswith("cpu")]
        elsewhere = [case for case in members if not case.row.device.startswith("cpu")]
        pairs += [(model, variant, point, a, b) for a in on_cpu for b in elsewhere]
    if not pairs:
        places = listing(study.places) or "no device"
        return Text(
            f"CPU against GPU: this store has figures of {places} alone, so there is nothing to "
            "compare."
        )
    longest = max(point[0] for _, _, point, _, _ in pairs)
    sizes = sorted({point[1] for _, _, point, _, _ in pairs if point[0] == longest})
    wanted = {(longest, sizes[0]), (longest, sizes[-1])}
    chosen = [pair for pair in pairs if pair[2] in wanted]
    rows = []
    for model, variant, point, cpu, gpu in chosen[:MOST_ROWS]:
        name = model if variant == "fp32" else f"{model} {variant}"
        faster = _ratio(cpu.row.latency_s, gpu.row.latency_s)
        same_kind = cpu.row.energy_label == gpu.row.energy_label
        saved = _ratio(cpu.row.energy_j, gpu.row.energy_j) if same_kind else None
        rows.append(
            (
                name,
                str(point[1]),
                latency_cell(cpu),
                latency_cell(gpu),
                number(faster),
                energy_cell(cpu),
                energy_cell(gpu),
                number(saved),
            )
        )
    notes = list(cell_notes([case for pair in chosen for case in pair[3:]]))
    if any(row[-1] == MISSING and MISSING not in row[5:7] for row in rows):
        notes.append("No energy ratio where the two figures were not learnt in the same way.")
    notes.append("CPU energy is package and memory, GPU energy the whole board, where measured.")
    return Table(
        f"CPU against GPU, clips of {longest:g} s",
        (
            Column("model", text=True),
            Column("batch"),
            Column("CPU latency", "ms"),
            Column("GPU latency", "ms"),
            Column("GPU faster", "times"),
            Column("CPU energy", "J"),
            Column("GPU energy", "J"),
            Column("GPU saves", "times"),
        ),
        tuple(rows),
        tuple(notes),
    )


def _energy_and_throughput(study: Study) -> Block:
    """Every configuration at the largest batch and length that most of them share."""
    point = study.common_point(study.baseline)
    cases = [case for case in study.baseline if case.point == point]
    if point is None or not cases:
        return Text("Energy and throughput: no case has a latency.")
    cases = sorted(cases, key=lambda case: (case.place, -(case.row.throughput or 0)))[:MOST_ROWS]
    best = {
        place: max(members, key=lambda case: case.row.rtfx or 0)
        for place, members in group(cases, lambda case: case.place).items()
    }
    rows = [
        (
            case.model,
            case.place,
            latency_cell(case),
            interval(_ms(case.row.latency_low_s), _ms(case.row.latency_high_s)),
            number(case.row.throughput),
            number(case.row.rtfx),
            energy_cell(case),
            number(case.row.joules_per_audio_hour),
        )
        for case in cases
    ]
    marked = frozenset((n, 5) for n, case in enumerate(cases) if best[case.place] is case)
    absent = {case.configuration for case in study.baseline} - {
        case.configuration for case in cases
    }
    notes = list(cell_notes(cases))
    if any(row[3] == MISSING for row in rows):
        notes.append("No interval of a latency from one round of the batch cycle.")
    if absent:
        names = listing(sorted(configuration.title for configuration in absent))
        notes.append(f"Not measured at this point: {names}.")
    return Table(
        f"Energy and throughput at {shape(*point)}",
        (
            Column("model", text=True),
            Column("device", text=True),
            Column("latency", "ms"),
            Column("95 % interval", "ms"),
            Column("throughput", "clips/s"),
            Column("RTFx"),
            Column("energy", "J a batch"),
            Column("energy", "J an audio hour"),
        ),
        tuple(rows),
        tuple(notes),
        marked,
    )


def _complexity(study: Study) -> Block:
    """Encoder, decoder and dominant operators of every model at one point."""
    counted = [case for case in study.baseline if case.row.flops]
    point = study.common_point([case for case in counted if case.row.batch_size == 1] or counted)
    chosen = []
    for members in group(counted, lambda case: case.model).values():
        at_point = [case for case in members if case.point == point]
        chosen.append((at_point or sorted(members, key=lambda case: case.point))[0])
    chosen = chosen[:MOST_ROWS]
    if not chosen:
        reasons = tally(case.row.flops_reason or "not asked for" for case in study.ok)
        return Text(f"Complexity: no FLOPs in this store ({'; '.join(reasons) or 'no case'}).")
    readings = study.children(FlopsReading, chosen)
    operators = study.children(Operator, chosen)
    rows = []
    for case in chosen:
        stages = {
            reading.stage: reading.flops
            for reading in readings.get(case.row.result_id, ())
            if reading.method == "meta"
        }
        encoder, total = case.row.encoder_flops, case.row.flops
        share = encoder / total if encoder is not None and total else None
        rows.append(
            (
                case.model,
                shape(*case.point),
                number(_giga(encoder), 4),
                number(_giga(total), 4),
                percent(share),
                number(_giga(stages.get("token"))),
                _top(operators.get(case.row.result_id, ())),
            )
        )
    notes = ["FLOPs are twice the multiply-accumulates, attention included."]
    if any(row[5] == MISSING for row in rows):
        notes.append("No GFLOP a token: a model without a decoder.")
    if any(row[6] == MISSING for row in rows):
        reasons = tally(
            case.row.operators_reason or "not asked for"
            for case, row in zip(chosen, rows, strict=True)
            if row[6] == MISSING
        )
        notes.append(f"No operators: {'; '.join(reasons)}.")
    uncounted = sorted({case.model for case in study.ok} - {case.model for case in counted})
    if uncounted:
        reasons = tally(
            case.row.flops_reason or "not asked for" for case in study.ok if case.model in uncounted
        )
        notes.append(f"No FLOPs of {listing(uncounted)}: {'; '.join(reasons)}.")
    return Table(
        "Complexity",
        (
            Column("model", text=True),
            Column("case", text=True),
            Column("encoder", "GFLOP"),
            Column("total", "GFLOP"),
            Column("encoder's share", "%"),
            Column("a token", "GFLOP"),
            Column("costliest operators (share of time)", text=True),
        ),
        tuple(rows),
        tuple(notes),
    )


def _quality(study: Study) -> Block:
    """WER of every model and variant."""
    judged = [case for case in study.ok if case.row.wer is not None]
    if not judged:
        reasons = tally(case.row.quality_reason or "not asked for" for case in study.ok)
        return Text(f"WER: none in this store ({'; '.join(reasons) or 'no case'}).")
    rows = []
    # A device makes no other errors, so it has a row of its own only where its WER differs.
    groups = group(
        judged,
        lambda case: (case.model, case.row.variant, case.row.audio_seconds, case.row.wer),
    )
    group_of = {members[0]: members for members in groups.values()}
    chosen = sorted(
        group_of,
        key=lambda case: (case.row.audio_seconds, case.row.wer or 0),
    )[:MOST_ROWS]
    best = {
        seconds: min(case.row.wer or 0 for case in members)
        for seconds, members in group(chosen, lambda case: case.row.audio_seconds).items()
    }
    marked = set()
    for n, case in enumerate(chosen):
        row = case.row
        low, high = row.wer_low, row.wer_high
        ends = MISSING if low is None or high is None else f"[{100 * low:.1f}, {100 * high:.1f}]"
        title = case.model if row.variant == "fp32" else f"{case.model} {row.variant}"
        rows.append(
            (
                title,
                listing(dict.fromkeys(c.place for c in group_of[case])),
                f"{row.audio_seconds:g}",
                percent(row.wer),
                ends,
                percent(row.cer),
                str(row.clips),
            )
        )
        if row.wer == best[row.audio_seconds]:
            marked.add((n, 3))
    notes = []
    unjudged = {case.model for case in study.ok} - {case.model for case in judged}
    if unjudged:
        reasons = tally(
            case.row.quality_reason or "not asked for"
            for case in study.ok
            if case.model in unjudged
        )
        notes.append(f"No WER of {listing(sorted(unjudged))}: {'; '.join(reasons)}.")
    if any(row[4] == MISSING for row in rows):
        notes.append("No interval from a single clip.")
    if len(groups) > len(chosen):
        notes.append(f"{plural(len(groups) - len(chosen), 'more row')} in the store.")
    return Table(
        "Word error rate",
        (
            Column("model", text=True),
            Column("device", text=True),
            Column("clip length", "s"),
            Column("WER", "%"),
            Column("95 % interval", "%"),
            Column("CER", "%"),
            Column("clips"),
        ),
        tuple(rows),
        tuple(notes),
        frozenset(marked),
    )


def _top(operators: Sequence[Operator]) -> str:
    device = "cuda" if any(operator.device == "cuda" for operator in operators) else "cpu"
    here = sorted((o for o in operators if o.device == device), key=lambda o: -o.share)[:3]
    return ", ".join(f"{_operator(o.name)} {100 * o.share:.0f} %" for o in here) or MISSING


def _operator(name: str) -> str:
    """A name without its library; the fused kernels of attention have names of a line's length."""
    short = name.removeprefix("aten::")
    return "fused attention" if "scaled_dot_product" in short else short


def _ratio(a: float | None, b: float | None) -> float | None:
    return a / b if a is not None and b else None


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else 1e3 * seconds


def _giga(count: int | None) -> float | None:
    return None if count is None else count / 1e9
