"""The columns of the results table, with the labels that keep its figures honest.

``~`` unstable, ``e`` estimated, ``s`` sampled, ``r`` random weights: as in the tables that the
commands print.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from store import Group, LeaderboardRow
from tui.glyphs import Glyphs
from tui.plain import UNPRINTABLE
from tui.present import NO_VALUE, model_name, number, state_glyph
from tui.widgets.column import Cell, Column

Row = LeaderboardRow
_MISSING: Cell = (NO_VALUE, "muted")

DEFAULT = (
    *("model", "device", "variant", "audio_seconds", "batch_size", "latency_ms", "rtfx"),
    *("wer", "energy_j", "joules_per_audio_hour", "rss_mb", "gflops", "created_at"),
)
"""Columns that show until others are chosen, by their importance."""

WIDE = (
    *("model", "device", "variant", "audio_seconds", "batch_size", "latency_ms", "latency_low_ms"),
    *("p95_ms", "rtfx", "throughput", "wer", "cer", "energy_j", "joules_per_audio_hour"),
    *("rss_mb", "vram_mb", "gflops", "benchmark", "created_at"),
)
"""The same on a wide screen."""


def result_columns(*, model_width: int = 24) -> tuple[Column[Row], ...]:
    """Every column that can be shown, in the order of the list to choose from."""
    return (
        Column("model", "model", model_width, _model, help="r: random weights, real cost, no WER"),
        Column("device", "device", 6, _text("device"), help="where it ran"),
        Column("variant", "variant", 8, _text("variant"), help="how it ran: precision …"),
        Column("audio_seconds", "audio s", 7, _plain_number("audio_seconds"), True, "of one clip"),
        Column("batch_size", "batch", 5, _plain_number("batch_size"), True, "clips at once"),
        Column("latency_ms", "latency ms", 10, _latency, True, "median of one batch, ~ unstable"),
        Column("latency_low_ms", "95 % interval", 16, _interval, True, "of the median, in ms"),
        Column("p95_ms", "p95 ms", 7, _figure("p95_ms"), True, "95 % of batches are quicker"),
        Column("cold_ms", "cold ms", 7, _figure("cold_ms"), True, "the first batch after loading"),
        Column("rtfx", "RTFx", 6, _figure("rtfx"), True, "seconds of audio a second"),
        Column("throughput", "clips/s", 7, _figure("throughput"), True, "clips a second"),
        Column("wer", "WER %", 5, _rate("wer"), True, "word error rate"),
        Column("cer", "CER %", 5, _rate("cer"), True, "character error rate"),
        Column("energy_j", "energy J", 8, _energy, True, "of one batch; e estimated, s sampled"),
        Column(
            "joules_per_audio_hour",
            "J/audio h",
            9,
            _energy_per_hour,
            right=True,
            help="joules for an hour of audio",
        ),
        Column("energy_source", "source", 13, _text("energy_source"), help="of the energy"),
        Column("rss_mb", "RAM MB", 6, _figure("rss_mb"), True, "peak of the case's own process"),
        Column("vram_mb", "VRAM MB", 7, _figure("vram_mb"), True, "reserved by the framework"),
        Column("gflops", "GFLOP", 6, _figure("gflops"), True, "of one batch"),
        Column("encoder_gflops", "enc GFLOP", 9, _figure("encoder_gflops"), True, "the encoder's"),
        Column("speedup", "speed-up", 8, _figure("speedup"), True, "of a variant to its baseline"),
        Column("tokens", "tokens", 6, _figure("tokens"), True, "generated a batch"),
        Column("clips", "clips", 5, _plain_number("clips"), True, "scored for WER and CER"),
        Column("state", "state", 7, _state, help="ok, or why there are no figures"),
        Column("reason", "reason", 40, _text("reason"), help="why a case has no figures"),
        Column("engine", "engine", 12, _text("engine"), help="the family that ran it"),
        Column("weights", "weights", 10, _text("weights"), help="pretrained or random"),
        Column("benchmark", "benchmark", 18, _text("benchmark"), help="the config's name"),
        Column("job_id", "job", 5, _plain_number("job_id"), True, "the run it belongs to"),
        Column("environment_id", "machine", 7, _plain_number("environment_id"), True, "its number"),
        Column("result_id", "id", 7, _plain_number("result_id"), True, "of the result"),
        Column("created_at", "stored, UTC", 16, _moment, help="when it was stored"),
    )


def chosen_columns(keys: Sequence[str], *, model_width: int = 24) -> list[Column[Row]]:
    """The columns of some keys, in the order of the keys; unknown ones are left out."""
    known = {column.key: column for column in result_columns(model_width=model_width)}
    return [known[key] for key in keys if key in known]


def state_sign(glyphs: Glyphs) -> Callable[[Row], Cell]:
    """A sign for every row that is not ``ok``; failures differ without colour."""

    def sign(row: Row) -> Cell:
        if row.state == "ok":
            return "", ""
        return state_glyph(row.state, glyphs), "bad" if row.state == "failed" else "warn"

    return sign


def group_columns(by: Sequence[str]) -> list[Column[Group]]:
    """The columns of a table of groups."""
    labels = {column.key: (column.label, column.width) for column in result_columns()}
    labels["energy_label"] = ("energy", 11)
    keys = []
    for index, key in enumerate(by):
        label, width = labels[key]
        keys.append(Column(key, label, max(width, 10), _group_value(index, key)))
    return [
        *keys,
        Column("results", "results", 7, lambda g: (f"{g.results:,}", ""), True, "in the group"),
        Column("failed", "not ok", 6, _not_ok, True, "failed, refused or out of memory"),
        Column("unstable", "unstable", 8, _unstable, True, "the machine was not quiet"),
        Column("wer", "best WER %", 10, _group_wer, True, "lowest word error rate"),
        Column("rtfx", "best RTFx", 9, lambda g: _number_cell(g.rtfx), True, "highest"),
        Column("rtfx_mean", "mean RTFx", 9, lambda g: _number_cell(g.rtfx_mean), True, "mean"),
        Column("joules_per_audio_hour", "best J/audio h", 14, _group_energy, True, "lowest"),
        Column("newest", "newest, UTC", 16, lambda g: (_short_moment(g.newest), "")),
    ]


def group_filter(by: Sequence[str], group: Group) -> str:
    """The words of a filter that finds the results of a group."""
    words = []
    for key, value in zip(by, group.values, strict=True):
        if value is None:
            words.append(f"{key}:none")
        elif isinstance(value, str):
            # What cannot be written in words is left out: the rest finds the group, perhaps more.
            parts = re.split(f'["{UNPRINTABLE}]', value)
            longest = max(parts, key=len)
            words.append(f'{key}="{value}"' if len(parts) == 1 else f'{key}:"{longest}"')
        else:
            words.append(f"{key}={value:.10g}")
    return " ".join(words)


def notes(rows: Sequence[Row]) -> list[str]:
    """What the marks in some rows mean."""
    said = []
    if any(row.stable is False for row in rows):
        said.append("~ unstable: the machine was not quiet")
    labels = {row.energy_label for row in rows if row.energy_j is not None}
    if "estimated" in labels:
        said.append("e estimated")
    if "sampled" in labels:
        said.append("s sampled")
    if any(row.weights == "random" for row in rows):
        said.append("r random weights")
    return said


def _model(row: Row) -> Cell:
    name = model_name(row.model)
    return (f"{name} r" if row.weights == "random" else name), ""


def _text(key: str) -> Callable[[Row], Cell]:
    def cell(row: Row) -> Cell:
        value = getattr(row, key)
        return (str(value), "") if value else _MISSING

    return cell


def _plain_number(key: str) -> Callable[[Row], Cell]:
    def cell(row: Row) -> Cell:
        value = getattr(row, key)
        # Not :g, which turns ids and long lengths into exponents.
        return _MISSING if value is None else (f"{value:.10g}", "")

    return cell


def _figure(key: str) -> Callable[[Row], Cell]:
    return lambda row: _number_cell(getattr(row, key))


def _number_cell(value: float | None) -> Cell:
    return _MISSING if value is None else (number(value), "")


def _latency(row: Row) -> Cell:
    if row.latency_ms is None:
        return _MISSING
    return (number(row.latency_ms), "") if row.stable else (f"~{number(row.latency_ms)}", "warn")


def _interval(row: Row) -> Cell:
    if row.latency_low_ms is None or row.latency_high_ms is None:
        return _MISSING
    return f"{number(row.latency_low_ms)} to {number(row.latency_high_ms)}", ""


def _energy(row: Row) -> Cell:
    return _labelled(row.energy_j, row)


def _energy_per_hour(row: Row) -> Cell:
    return _labelled(row.joules_per_audio_hour, row)


def _labelled(value: float | None, row: Row) -> Cell:
    mark = {"estimated": "e", "sampled": "s"}.get(row.energy_label or "", "")
    return _MISSING if value is None else (f"{mark}{number(value)}", "")


def _rate(key: str) -> Callable[[Row], Cell]:
    def cell(row: Row) -> Cell:
        value = getattr(row, key)
        return _MISSING if value is None else (f"{100 * value:.1f}", "")

    return cell


def _state(row: Row) -> Cell:
    tone = {"ok": "good", "failed": "bad"}.get(row.state, "warn")
    return row.state, tone  # type: ignore[return-value]


def _moment(row: Row) -> Cell:
    return _short_moment(row.created_at), "muted"


def _short_moment(text: str) -> str:
    return text[:16].replace("T", " ")


def _group_value(index: int, key: str) -> Callable[[Group], Cell]:
    def cell(group: Group) -> Cell:
        value = group.values[index]
        if value is None:
            return _MISSING
        if isinstance(value, float):
            return f"{value:g}", ""
        return (model_name(str(value)) if key == "model" else str(value)), ""

    return cell


def _not_ok(group: Group) -> Cell:
    missing = group.results - group.ok
    return (f"{missing:,}", "bad") if missing else ("0", "muted")


def _unstable(group: Group) -> Cell:
    return (f"~{group.unstable:,}", "warn") if group.unstable else ("0", "muted")


def _group_wer(group: Group) -> Cell:
    return _MISSING if group.wer is None else (f"{100 * group.wer:.1f}", "")


def _group_energy(group: Group) -> Cell:
    if group.energy_label == "mixed":
        return "mixed labels", "muted"
    mark = {"estimated": "e", "sampled": "s"}.get(group.energy_label or "", "")
    value = group.joules_per_audio_hour
    return _MISSING if value is None else (f"{mark}{number(value)}", "")
