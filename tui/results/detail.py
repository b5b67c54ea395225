"""One result as people read it: figures, stages, samples, energy, operators, machine."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from statistics import median

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from report.speech import STOPPED_EARLY, language_source
from report.text import interval, plural, with_unit
from store import Environment, Latency, Metric, Result, Scalar, Stage, StoredResult
from tui.glyphs import Glyphs
from tui.palette import Palette
from tui.plain import cell, plain
from tui.present import (
    NO_VALUE,
    duration,
    joules,
    milliseconds,
    number,
    percent,
    size,
)
from tui.present_queue import bar
from tui.results.bins import bins
from tui.results.detail_words import FigureLine, scored_words, stopped_early, timed_words


def title(stored: StoredResult) -> str:
    """What was measured."""
    result = stored.result
    random = " r" if result.weights == "random" else ""
    return (
        f"{result.model}{random}  {result.device} {result.variant}  "
        f"{result.audio_seconds:g} s x {result.batch_size}"
    )


def figures(stored: StoredResult, palette: Palette, glyphs: Glyphs) -> RenderableType:
    """Every figure, with its interval, or with the reason why it is missing.

    Args:
        stored: The result.
        palette: Colours of the theme.
        glyphs: Signs to draw with.
    """
    result = stored.result
    table = _grid(3)

    def row(label: str, value: str, note: str | None = None, style: str = "") -> None:
        table.add_row(
            Text(label, palette.muted), cell(value, style), Text(plain(note or ""), palette.muted)
        )

    row("state", result.state, result.reason, palette.style(result.state))
    row("weights", result.weights, _weights_note(result))
    if result.parameters:
        row("parameters", f"{result.parameters / 1e6:,.4g} M")
    latency = result.latency
    if latency is None:
        row("latency", NO_VALUE, result.latency_reason or f"{result.state}: no figures")
    else:
        stable = f"{_latency_interval(latency)}, {latency.iterations} batches"
        early = stopped_early(result.speech, palette)
        mark, style = (STOPPED_EARLY, palette.warn) if early else ("", "")
        row("latency", f"{mark}{milliseconds(latency.median_s)}", stable, style)
        if not latency.stable:
            row(
                "", "~ unstable", latency.stable_reason or "the machine was not quiet", palette.warn
            )
        for line in early:
            row(*line)
        row(
            "mean, deviation",
            f"{milliseconds(latency.mean_s)}, {milliseconds(latency.stdev_s)}",
            f"p90 {milliseconds(latency.p90_s)}, p95 {milliseconds(latency.p95_s)}, "
            f"p99 {milliseconds(latency.p99_s)}",
        )
        row(
            "cold", milliseconds(latency.cold_s), f"first batch; loading {duration(latency.load_s)}"
        )
        audio = f"{number(latency.audio_s)} s of audio a batch"
        row("RTFx", f"{mark}{number(latency.rtfx)}", audio, style)
        row("throughput", f"{number(latency.throughput)} clips/s")
        if latency.tokens is not None:
            row("tokens", number(latency.tokens), "generated a batch")
    label = _energy_label(result)
    source = f"{label} by {result.energy_primary}" if label else result.energy_reason
    row("energy", joules(stored.energy_j, label), source)
    if stored.joules_per_audio_hour is not None:
        row("an hour of audio", joules(stored.joules_per_audio_hour, label))
    for line in (*timed_words(result.speech, palette), *scored_words(result.quality, palette)):
        row(*line)
    memory = result.memory
    if memory is not None:
        row("RAM", size(memory.rss_bytes), f"{size(memory.rss_before_bytes)} before loading")
        if memory.gpu_reserved_bytes is not None:
            row("VRAM", size(memory.gpu_reserved_bytes), "reserved by the framework")
    for line in (*_beside_baseline(result, palette), *_of_the_variant(stored)):
        row(*line)
    row("FLOPs", _flops(stored.flops), result.flops_reason)
    if stored.encoder_flops is not None:
        row("of the encoder", _flops(stored.encoder_flops))
    when = stored.created_at[:19].replace("T", " ")
    took = f"job {stored.job_id}, took {duration(result.wall_s)}, stored {when} UTC"
    return Group(table, Text(), Text(took, palette.muted), cell(result.case_key, palette.muted))


def _beside_baseline(result: Result, palette: Palette) -> list[FigureLine]:
    """Speed and texts against the baseline, or why there is no comparison."""
    found = result.comparison
    if found is None:
        why = result.comparison_reason
        return [("speed-up", NO_VALUE, why, "")] if why else []
    low, high = found.speedup_low, found.speedup_high
    ends = (
        found.interval_reason or "no interval"
        if low is None or high is None
        else f"95 % interval {low:.2f} to {high:.2f}"
    )
    against = f"{ends}, against {found.baseline} in {plural(found.rounds, 'round')}"
    broken = found.text_mismatch
    texts = "promised of all, but for rounding" if broken else f"as {found.baseline}"
    same = f"{found.same_text} of {found.clips}"
    return [
        ("speed-up", f"x{found.speedup:.2f}", against, ""),
        ("same text", same, texts, palette.warn if broken else ""),
    ]


def _latency_interval(latency: Latency) -> str:
    if latency.low_s is None or latency.high_s is None:
        return latency.interval_reason or "no interval"
    return f"95 % interval {number(latency.low_s * 1e3)} to {number(latency.high_s * 1e3)} ms"


def _stage_interval(stage: Stage) -> str:
    if stage.low_s is None or stage.high_s is None:
        return stage.interval_reason or "no interval"
    return interval(stage.low_s * 1e3, stage.high_s * 1e3)


def _of_the_variant(stored: StoredResult) -> list[FigureLine]:
    """Figures that only some cases have, and what showed that each part took effect."""
    own = [
        (*figure_words(figure, stored.scalars.get(figure.name)), figure.note, "")
        for figure in stored.result.figures
    ]
    proofs = [
        (proof.technique.replace("_", " "), proof.requested, proof.found, "")
        for proof in stored.result.proofs
    ]
    return [*own, *proofs]


def figure_words(figure: Scalar, metric: Metric | None) -> tuple[str, str]:
    """Name and value of a figure that only some cases have."""
    if metric is None:
        return figure.name, number(figure.value)
    seconds = metric.unit == "s"
    value = milliseconds(figure.value) if seconds else with_unit(metric, figure.value)
    return metric.heading, value


def stages(stored: StoredResult, palette: Palette, glyphs: Glyphs, width: int) -> RenderableType:
    """Where the time of a batch goes.

    Args:
        stored: The result.
        palette: Colours of the theme.
        glyphs: Signs to draw with.
        width: Cells of the part.
    """
    result = stored.result
    if not result.stages:
        return _nothing("No stages were timed.", result, palette)
    total = sum(stage.median_s for stage in result.stages if stage.stage != "token")
    table = _grid(5)
    room = max(10, min(40, width - 50))
    for stage in result.stages:
        share = stage.median_s / total if total > 0 else 0.0
        inside = stage.stage == "token"
        table.add_row(
            cell(f"  one {stage.stage}" if inside else stage.stage),
            Text(milliseconds(stage.median_s), justify="right"),
            Text("") if inside else bar(share, room, palette, glyphs, palette.primary),
            Text("" if inside else percent(share), justify="right"),
            Text(plain(_stage_interval(stage)), palette.muted),
        )
    said = [
        Text("Timed in a pass of their own; they need not add up to the latency.", palette.muted),
        *_tokens(result, palette),
    ]
    counted = [reading for reading in result.flops if reading.method == "meta"]
    if counted:
        flops = _grid(2)
        for reading in counted:
            flops.add_row(
                Text(f"{reading.stage} FLOPs", palette.muted),
                cell(_flops(reading.flops) if reading.flops is not None else reading.note or "-"),
            )
        return Group(table, Text(), *said, Text(), flops)
    return Group(table, Text(), *said)


def _tokens(result: Result, palette: Palette) -> list[Text]:
    """What the chart of the decoder's steps, drawn below, says in one figure."""
    ratio = next(
        (figure.value for figure in result.figures if figure.name == "late_to_early"), None
    )
    if ratio is None:
        return []
    return [
        Text.assemble(
            ("The last tokens take ", palette.muted),
            f"{ratio:.2f} times",
            (" as long as the first; 1 is a cache at work.", palette.muted),
        )
    ]


def histogram(stored: StoredResult, palette: Palette, glyphs: Glyphs, width: int) -> RenderableType:
    """How the latencies of the batches are spread.

    Args:
        stored: The result.
        palette: Colours of the theme.
        glyphs: Signs to draw with.
        width: Cells of the part.
    """
    values = [sample.seconds for sample in stored.result.samples if sample.kind == "latency"]
    if not values:
        return _nothing("There are no samples.", stored.result, palette)
    low, step, counts = bins(values)
    most, middle = max(counts), median(values)
    room = max(10, min(60, width - 30))
    table = _grid(3)
    for place, count in enumerate(counts):
        start = low + place * step
        holds = start <= middle < start + step or (place == len(counts) - 1 and middle >= start)
        table.add_row(
            Text(f"{number(1e3 * start, 4)} ms", palette.muted, justify="right"),
            bar(count / most, room, palette, glyphs, palette.accent if holds else palette.primary),
            Text(f"{count}{'  median' if holds else ''}"),
        )
    warmup = sum(sample.kind == "warmup" for sample in stored.result.samples)
    words = f"{plural(len(values), 'sample')}, one for each batch that was timed."
    if warmup:
        words += f" {warmup} more of the warm-up do not count."
    return Group(Text(words, palette.muted), Text(), table)


def energy(stored: StoredResult, palette: Palette, glyphs: Glyphs) -> RenderableType:
    """What every source said, refused readings with their reasons.

    Args:
        stored: The result.
        palette: Colours of the theme.
        glyphs: Signs to draw with.
    """
    result = stored.result
    if not result.energy:
        return Text(plain(result.energy_reason or "No energy was measured."), palette.muted)
    table = Table.grid(padding=(0, 2, 0, 0))
    for name in ("source", "how", "J", "net J", "mean W", "idle W"):
        table.add_column(Text(name, palette.muted))
    table.add_row(
        *(Text(name, palette.muted) for name in ("source", "how", "J", "net J", "mean W", "idle W"))
    )
    reasons: list[Text] = []
    for reading in result.energy:
        primary = reading.source == result.energy_primary
        plus_minus = glyphs.plus_minus
        table.add_row(
            cell(reading.source, "bold" if primary else ""),
            Text(reading.label),
            Text(_with_error(reading.gross_j, reading.uncertainty_j, plus_minus)),
            Text(_with_error(reading.net_j, reading.net_uncertainty_j, plus_minus)),
            Text(number(reading.mean_w)),
            Text(number(reading.idle_w)),
        )
        for words in dict.fromkeys((reading.reason, reading.net_reason)):
            if words:
                reasons.append(
                    Text.assemble((f"{plain(reading.source)}: ", palette.warn), plain(words))
                )
    first = f"{result.energy_primary} is the result's." if result.energy_primary else ""
    if result.energy_reason:
        reasons.insert(0, Text(plain(result.energy_reason), palette.warn))
    notes = Text(f"Joules of one batch. {first} Sources are never added.", palette.muted)
    return Group(table, Text(), *reasons, notes)


def operators(stored: StoredResult, palette: Palette, glyphs: Glyphs, width: int) -> RenderableType:
    """The operators of the profile, the costliest first.

    Args:
        stored: The result.
        palette: Colours of the theme.
        glyphs: Signs to draw with.
        width: Cells of the part.
    """
    result = stored.result
    if not result.operators:
        reason = result.operators_reason or "No operators were profiled."
        return Text(plain(reason), palette.muted)
    room = max(6, min(24, width - 70))
    table = Table.grid(padding=(0, 2, 0, 0))
    for name in ("operator", "category", "device", "calls", "self time", "", ""):
        table.add_column(no_wrap=name in ("calls", "self time"), overflow="fold")
    head = ("operator", "category", "device", "calls", "self time", "share", "")
    table.add_row(*(Text(name, palette.muted) for name in head))
    for operator in sorted(result.operators, key=lambda found: -found.self_s):
        table.add_row(
            cell(operator.name),
            cell(operator.category, palette.muted),
            cell(operator.device, palette.muted),
            Text(f"{operator.calls:,}", justify="right"),
            Text(milliseconds(operator.self_s), justify="right"),
            Text(percent(operator.share, 1), justify="right"),
            bar(operator.share, room, palette, glyphs, palette.primary),
        )
    return table


def environment(stored: StoredResult, palette: Palette) -> RenderableType:
    """Where and under what conditions it ran."""
    found = stored.result.environment
    if found is None:
        return Text("The environment is not known.", palette.muted)
    table = _grid(2)
    for field in fields(Environment):
        value = getattr(found, field.name)
        if value is None or field.name in ("fingerprint", "packages"):
            continue
        shown = size(value) if field.name.endswith("_bytes") else str(value)
        table.add_row(Text(field.name.replace("_", " "), palette.muted), cell(shown))
    conditions = stored.result.conditions
    if conditions is not None:
        for name, value in asdict(conditions).items():
            if value is not None:
                shown = number(value) if isinstance(value, float) else str(value)
                shown = percent(value, 1) if name == "foreign_cpu" else shown
                table.add_row(Text(name.replace("_", " "), palette.muted), cell(shown))
    packages = _packages(found.packages)
    return Group(table, Text(), Text("packages", palette.muted), Text(plain(packages)))


def as_json(stored: StoredResult) -> str:
    """Everything that is stored of it, as `asrprof show --json` prints it."""
    return json.dumps(asdict(stored), indent=2, default=str)


def _packages(text: str) -> str:
    try:
        found = json.loads(text)
    except ValueError:
        return text
    if not isinstance(found, dict):
        return text
    return "  ".join(f"{name} {version}" for name, version in sorted(found.items()))


def _energy_label(result: Result) -> str | None:
    return next((r.label for r in result.energy if r.source == result.energy_primary), None)


def _weights_note(result: Result) -> str:
    """Which they are, and the language that they are told to transcribe."""
    random = "true architecture: real cost, no WER" if result.weights == "random" else ""
    told = f"language {result.language}, {language_source(result.language_by)}"
    parts = (result.revision or random, "" if result.language is None else told)
    return "; ".join(filter(None, parts))


def _with_error(value: float | None, error: float | None, plus_minus: str) -> str:
    if value is None:
        return NO_VALUE
    return number(value) if error is None else f"{number(value)} {plus_minus} {number(error, 2)}"


def _flops(flops: float | None) -> str:
    return NO_VALUE if flops is None else f"{number(flops / 1e9)} GFLOP"


def _grid(columns: int) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(columns):
        table.add_column(overflow="fold")
    return table


def _nothing(words: str, result: Result, palette: Palette) -> Text:
    if result.state != "ok":
        words = f"{words} The case is {result.state}: {result.reason or 'no reason was given'}"
    return Text(plain(words), palette.muted)
