"""The columns of the results table, with the labels that keep its figures honest.

``~`` unstable, ``!`` stopped early, ``&`` of packed clips, ``≈`` estimated, ``s`` sampled, ``r``
random weights: as in the tables that the commands print.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from report.speech import PACKED, STOPPED_EARLY, error_rate, rate_marks
from report.text import percent
from store import COLUMNS, Group, LeaderboardRow, Metric
from store.energy_marks import ESTIMATED, SAMPLED, energy_mark
from store.metrics import Form
from tui.glyphs import UNSTABLE, Glyphs
from tui.plain import UNPRINTABLE
from tui.present import (
    NO_VALUE,
    about_signs,
    clips_mark,
    latency_marks,
    model_name,
    number,
    size,
    state_glyph,
)
from tui.table import Cell, Column

Row = LeaderboardRow
_MISSING: Cell = (NO_VALUE, "muted")

DEFAULT = (
    *("model", "device", "variant", "audio_seconds", "batch_size", "latency_ms", "rtfx"),
    *("wer", "energy_j", "joules_per_audio_hour", "rss_mb", "gflops", "job_id", "created_at"),
)
"""Columns that show until others are chosen, by their importance."""

WIDE = (
    *("model", "device", "variant", "audio_seconds", "batch_size", "latency_ms", "latency_low_ms"),
    *("p95_ms", "rtfx", "throughput", "wer", "cer", "energy_j", "joules_per_audio_hour"),
    *("rss_mb", "vram_mb", "gflops", "job_id", "benchmark", "data", "created_at"),
)
"""The same on a wide screen."""


_FIRST = (
    *("model", "device", "variant", "audio_seconds", "batch_size", "latency_ms", "latency_low_ms"),
    *("p95_ms", "cold_ms", "rtfx", "throughput", "wer", "wer_low", "cer", "energy_j"),
    *("joules_per_audio_hour", "energy_source", "rss_mb", "vram_mb", "gflops", "encoder_gflops"),
    *("speedup", "tokens", "scored", "normaliser", "headline", "not_scored", "wer_of", "loops"),
    *("data", "clips_mode", "speech_share"),
    *("stopped_early", "state", "reason", "engine", "language", "language_by", "weights"),
    *("benchmark", "job_id", "environment_id", "result_id", "created_at"),
)
"""The order of the list to choose from; what is not named follows."""
_SHOWN_BY_OTHERS = ("latency_high_ms", "wer_high", "energy_label", "stable")
_WIDTHS = {
    **{"variant": 8, "latency_low_ms": 16, "p95_ms": 7, "wer_low": 14, "energy_source": 13},
    **{"normaliser": 26, "headline": 5, "not_scored": 10},
    **{"gflops": 7, "wer_of": 12, "clips_mode": 10, "state": 7, "reason": 40, "engine": 12},
    **{"data": 16, "weights": 10, "benchmark": 18, "job_id": 5, "result_id": 7, "created_at": 16},
}
"""Cells of the columns whose values are wider than their labels."""


def result_columns(
    scalars: Iterable[Metric] = (), *, model_width: int = 24
) -> tuple[Column[Row], ...]:
    """Every column that can be shown, in the order of the list to choose from.

    Args:
        scalars: Those of the store; each has a column too.
        model_width: Cells of the models' names.
    """
    names = [name for name in dict.fromkeys((*_FIRST, *COLUMNS)) if name not in _SHOWN_BY_OTHERS]
    widths = {**_WIDTHS, "model": model_width}
    return tuple(
        _column(metric, widths.get(metric.name, 0))
        for metric in (*(COLUMNS[name] for name in names), *scalars)
    )


def _column(metric: Metric, width: int) -> Column[Row]:
    name, words = metric.name, metric.form in ("text", "flag")
    label = metric.label
    if metric.form in ("number", "share"):
        width = max(width, 6)
    cell = _CELLS.get(name) or _MAKERS[metric.form](name)
    return Column(name, label, max(width, len(label)), cell, not words, metric.about)


def chosen_columns(
    keys: Sequence[str], scalars: Iterable[Metric] = (), *, model_width: int = 24
) -> list[Column[Row]]:
    """The columns of some keys, in the order of the keys; unknown ones are left out.

    Args:
        keys: Names of columns and scalars.
        scalars: Those of the store.
        model_width: Cells of the models' names.
    """
    known = {column.key: column for column in result_columns(scalars, model_width=model_width)}
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
    widths = {column.key: column.width for column in result_columns()}
    keys = [
        Column(key, COLUMNS[key].label, max(widths.get(key, 12), 10), _group_value(index, key))
        for index, key in enumerate(by)
    ]
    return [
        *keys,
        Column("results", "results", 7, lambda g: (f"{g.results:,}", ""), True, "in the group"),
        Column("failed", "not ok", 6, _not_ok, True, "failed, refused or out of memory"),
        Column("unstable", "unstable", 8, _unstable, True, "the machine was not quiet"),
        Column("wer", "best WER %", 10, _group_wer, True, "lowest word error rate of utterances"),
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
        said.append(f"{UNSTABLE} unstable: the machine was not quiet")
    said += about_signs(rows)
    labels = {row.energy_label for row in rows if row.energy_j is not None}
    if "estimated" in labels:
        said.append(f"{ESTIMATED} estimated")
    if "sampled" in labels:
        said.append(f"{SAMPLED} sampled")
    if any(row.weights == "random" for row in rows):
        said.append("r random weights")
    return said


def _model(row: Row) -> Cell:
    name = model_name(row.model)
    return (f"{name} r" if row.weights == "random" else name), ""


def _text(key: str) -> Callable[[Row], Cell]:
    def cell(row: Row) -> Cell:
        value = row.value(key)
        return (str(value), "") if value else _MISSING

    return cell


def _plain_number(key: str) -> Callable[[Row], Cell]:
    def cell(row: Row) -> Cell:
        value = row.value(key)
        # Not :g, which turns ids and long lengths into exponents.
        return _MISSING if value is None else (f"{value:.10g}", "")

    return cell


def _figure(key: str) -> Callable[[Row], Cell]:
    return lambda row: _number_cell(row.value(key))


def _number_cell(value: float | None) -> Cell:
    return _MISSING if value is None else (number(value), "")


def _latency(row: Row) -> Cell:
    if row.latency_ms is None:
        return _MISSING
    marks = latency_marks(row)
    return f"{marks}{number(row.latency_ms)}", "warn" if marks else ""


def _rtfx(row: Row) -> Cell:
    if row.rtfx is None:
        return _MISSING
    marks = latency_marks(row)  # It is the latency turned round.
    return f"{marks}{number(row.rtfx)}", "warn" if marks else ""


def _audio(row: Row) -> Cell:
    mark = clips_mark(row)
    return f"{mark}{row.audio_seconds:.10g}", "warn" if mark else ""


def _clips_mode(row: Row) -> Cell:
    if row.clips_mode is None:
        return _MISSING
    return (row.clips_mode, "") if row.clips_mode == "continuous" else (row.clips_mode, "warn")


def _stopped(row: Row) -> Cell:
    if row.stopped_early is None:
        return _MISSING
    return (f"{STOPPED_EARLY} yes", "warn") if row.stopped_early else ("no", "")


def _loops(row: Row) -> Cell:
    if row.loops is None:
        return _MISSING
    return f"{row.loops:,}", "warn" if row.loops else ""


def _not_scored(row: Row) -> Cell:
    if row.not_scored is None:
        return _MISSING
    return f"{row.not_scored:,}", "warn" if row.not_scored else ""


def _wer_interval(row: Row) -> Cell:
    if row.wer_low is None or row.wer_high is None:
        return _MISSING
    return f"{percent(row.wer_low)} to {percent(row.wer_high)}", ""


def _interval(row: Row) -> Cell:
    if row.latency_low_ms is None or row.latency_high_ms is None:
        return _MISSING
    return f"{number(row.latency_low_ms)} to {number(row.latency_high_ms)}", ""


def _energy(row: Row) -> Cell:
    return _labelled(row.energy_j, row)


def _energy_per_hour(row: Row) -> Cell:
    return _labelled(row.joules_per_audio_hour, row)


def _labelled(value: float | None, row: Row) -> Cell:
    return _MISSING if value is None else (f"{energy_mark(row.energy_label)}{number(value)}", "")


def _rate(key: str, decimals: int = 1) -> Callable[[Row], Cell]:
    def cell(row: Row) -> Cell:
        value = error_rate(row) if key == "wer" else row.value(key)
        if value is None:
            return _MISSING
        packed = key == "cer" and row.wer_of == "packed clips"
        marks = rate_marks(row) if key == "wer" else PACKED if packed else ""
        return f"{marks}{percent(value, decimals)}", "warn" if PACKED in marks else ""

    return cell


def _size(key: str) -> Callable[[Row], Cell]:
    return lambda row: (size(row.value(key)), "") if row.value(key) is not None else _MISSING


def _flag(key: str) -> Callable[[Row], Cell]:
    def cell(row: Row) -> Cell:
        value = row.value(key)
        return _MISSING if value is None else ("yes" if value else "no", "")

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
    return _MISSING if group.wer is None else (percent(group.wer), "")


def _group_energy(group: Group) -> Cell:
    if group.energy_label == "mixed":
        return "mixed labels", "muted"
    value = group.joules_per_audio_hour
    return _MISSING if value is None else (f"{energy_mark(group.energy_label)}{number(value)}", "")


_CELLS: Mapping[str, Callable[[Row], Cell]] = {
    "model": _model,
    "device": lambda row: (row.place, ""),
    "audio_seconds": _audio,
    "latency_ms": _latency,
    "latency_low_ms": _interval,
    "rtfx": _rtfx,
    "wer_low": _wer_interval,
    "energy_j": _energy,
    "joules_per_audio_hour": _energy_per_hour,
    "loops": _loops,
    "not_scored": _not_scored,
    "clips_mode": _clips_mode,
    "speech_share": _rate("speech_share", 0),
    "stopped_early": _stopped,
    "state": _state,
    "created_at": _moment,
}
"""Values with signs, or of several columns."""
_MAKERS: Mapping[Form, Callable[[str], Callable[[Row], Cell]]] = {
    "text": _text,
    "flag": _flag,
    "count": _plain_number,
    "number": _figure,
    "share": _rate,
    "bytes": _size,
}
