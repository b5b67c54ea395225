"""The four tables of the published study, from this store."""

from __future__ import annotations

from collections.abc import Sequence

from report.compare import estimates_apart
from report.content import Block, Column, Section, Table, Text
from report.rivals import words_alike
from report.sections.cells import (
    cell_notes,
    column,
    energy_cell,
    hour_cell,
    latency_cell,
    wer_cell,
    wer_notes,
)
from report.speech import error_rate, interval_by, rate_kind, scored
from report.study import BASELINE, Case, Study, comparable, group, shape
from report.text import MISSING, interval, listing, number, percent, plural, tally
from stats.intervals import FEWEST_ROUNDS
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
        same_kind = same_kind and not estimates_apart([cpu.row, gpu.row])
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
        notes.append("No energy ratio where the two figures were not obtained in the same way.")
    notes.append("CPU energy is package and memory, GPU energy the whole board, where measured.")
    return Table(
        f"CPU against GPU, clips of {longest:g} s",
        (
            column("model"),
            column("batch_size"),
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
    sound = comparable(cases, with_stopped_early=study.with_stopped_early)
    best = {
        place: max(members, key=lambda case: case.row.rtfx or 0)
        for place, members in group(sound, lambda case: case.place).items()
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
            hour_cell(case),
        )
        for case in cases
    ]
    marked = frozenset((n, 5) for n, case in enumerate(cases) if best.get(case.place) is case)
    absent = {case.configuration for case in study.baseline} - {
        case.configuration for case in cases
    }
    notes = list(cell_notes(cases))
    if any(row[3] == MISSING for row in rows):
        notes.append(
            f"No interval of a latency from fewer than {FEWEST_ROUNDS} rounds of the batch cycle."
        )
    if absent:
        names = listing(sorted(configuration.title for configuration in absent))
        notes.append(f"Not measured at this point: {names}.")
    return Table(
        f"Energy and throughput at {shape(*point)}",
        (
            column("model"),
            column("device"),
            column("latency_ms"),
            column("latency_low_ms"),
            column("throughput"),
            column("rtfx"),
            column("energy_j", "J a batch"),
            column("joules_per_audio_hour"),
        ),
        tuple(rows),
        tuple(notes),
        marked,
    )


def _complexity(study: Study) -> Block:
    """Encoder, decoder and dominant operators of every model at one point."""
    counted = [case for case in study.ended if case.row.flops and case.row.variant == BASELINE]
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
            column("model"),
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
    """WER of every model and variant: a row for each error rate, whatever the clips' lengths."""
    judged = [case for case in study.ok if case.row.wer is not None]
    if not judged:
        reasons = tally(case.row.quality_reason or "not asked for" for case in study.ok)
        return Text(f"WER: none in this store ({'; '.join(reasons) or 'no case'}).")
    groups = group(judged, _error_rate)
    chosen = sorted(
        (members[0] for members in groups.values()),
        key=lambda case: (_what(case), error_rate(case.row) or 0, case.configuration),
    )[:MOST_ROWS]
    best = set[int]().union(
        *(words_alike(study, members) for members in group(chosen, _what).values())
    )
    normalisers = {case.row.normaliser for case in chosen}
    marked = set()
    rows = []
    for n, case in enumerate(chosen):
        row = case.row
        rows.append(
            (
                _model(case),
                listing(dict.fromkeys(one.place for one in groups[_error_rate(case)])),
                wer_cell(case),
                _ends(row.wer_low, row.wer_high),
                scored(row),
                interval_by(row) or MISSING,
                percent(row.cer),
                _ends(row.cer_low, row.cer_high),
                *([row.normaliser or MISSING] if len(normalisers) > 1 else []),
            )
        )
        if row.result_id in best:
            marked.add((n, 2))
    notes = [
        "In bold the lowest, and what chance cannot tell from it (paired over utterances).",
        *wer_notes(chosen),
    ]
    unjudged = {case.model for case in study.ok} - {case.model for case in judged}
    if unjudged:
        reasons = tally(
            case.row.quality_reason or "not asked for"
            for case in study.ok
            if case.model in unjudged
        )
        notes.append(f"No WER of {listing(sorted(unjudged))}: {'; '.join(reasons)}.")
    if any(MISSING in row for row in rows):
        notes.append("No interval from too few utterances, recordings and speakers.")
    if len(groups) > len(chosen):
        notes.append(f"{plural(len(groups) - len(chosen), 'more row')} in the store.")
    return Table(
        "Word error rate",
        (
            column("model"),
            column("device"),
            column("wer"),
            Column("95 % interval", "%"),
            Column("of", text=True),
            Column("interval drawn from", text=True),
            column("cer"),
            Column("95 % interval", "%"),
            *([Column("normaliser", text=True)] if len(normalisers) > 1 else []),
        ),
        tuple(rows),
        tuple(notes),
        frozenset(marked),
    )


def _error_rate(case: Case) -> tuple[object, ...]:
    """What has a row of its own: a device, or an older record, only where its figures differ."""
    row = case.row
    figures = (row.wer, row.wer_low, row.wer_high, row.cer, row.quality_loops)
    return case.model, row.variant, _what(case), figures


def _what(case: Case) -> tuple[bool, str, str, str]:
    """What an error rate is of: those of different things have no common best."""
    row = case.row
    headline = rate_kind(row).headline or ""
    return row.quality_of == "packed clips", scored(row), row.normaliser or "", headline


def _model(case: Case) -> str:
    return case.model if case.row.variant == "fp32" else f"{case.model} {case.row.variant}"


def _ends(low: float | None, high: float | None) -> str:
    return MISSING if low is None or high is None else f"[{100 * low:.1f}, {100 * high:.1f}]"


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
