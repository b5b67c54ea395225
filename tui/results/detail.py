"""One result as people read it: figures, stages, samples, energy, operators, machine."""

from __future__ import annotations

import json
from dataclasses import asdict, fields

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from report.speech import STOPPED_EARLY, language_source
from report.text import plural, with_unit
from store import Environment, Latency, Metric, Result, Scalar, StoredResult
from tui.glyphs import UNSTABLE, Glyphs
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
    table = grid(3)

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
        mark = f"{'' if latency.stable else UNSTABLE}{STOPPED_EARLY if early else ''}"
        style = palette.warn if mark else ""
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
    row("FLOPs", flops_words(stored.flops), result.flops_reason)
    if stored.encoder_flops is not None:
        row("of the encoder", flops_words(stored.encoder_flops))
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
            Text(NO_VALUE if reading.gross_j is None else reading.label),
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
    table = grid(2)
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


def flops_words(flops: float | None) -> str:
    """FLOPs with their unit."""
    return NO_VALUE if flops is None else f"{number(flops / 1e9)} GFLOP"


def grid(columns: int) -> Table:
    """A table without lines, of so many columns."""
    table = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(columns):
        table.add_column(overflow="fold")
    return table


def nothing(words: str, result: Result, palette: Palette) -> Text:
    """Why there is nothing to show.

    Args:
        words: What there is none of.
        result: The result.
        palette: Colours of the theme.
    """
    if result.state != "ok":
        words = f"{words} The case is {result.state}: {result.reason or 'no reason was given'}"
    return Text(plain(words), palette.muted)
