"""Why a figure is missing, or to be doubted: in words that stand in one line."""

from __future__ import annotations

from collections.abc import Mapping

from store import LeaderboardRow

_BELONGS = {
    "stable_reason": ("latency_ms", "p95_ms", "rtfx", "throughput"),
    "latency_interval_reason": ("latency_low_ms", "latency_high_ms"),
    "comparison_reason": ("speedup",),
    "energy_reason": ("energy_j", "joules_per_audio_hour", "energy_label", "energy_source"),
    "flops_reason": ("gflops", "encoder_gflops"),
    "quality_reason": ("wer", "cer", "clips"),
}
_REASON_OF = {column: reason for reason, columns in _BELONGS.items() for column in columns}


def missing_reason(row: LeaderboardRow, column: str, reasons: Mapping[str, str]) -> str:
    """What is to be said of one value, empty where it speaks for itself.

    Args:
        row: The result.
        column: A column of the leaderboard.
        reasons: What the store says, by the names of its columns for reasons.
    """
    value = getattr(row, column, None)
    if row.state != "ok":
        return f"{row.state}: {row.reason}" if row.reason else row.state
    if value is None:
        return _missing(row, column, reasons)
    kind = _REASON_OF.get(column)
    if kind == "stable_reason" and row.stable is False:
        return f"unstable: {reasons.get('stable_reason', 'the machine was not quiet')}"
    if column in ("energy_j", "joules_per_audio_hour"):
        return f"{row.energy_label} by {row.energy_source}"
    if column == "model":
        random = row.weights == "random"
        return f"{row.model}{': random weights, real cost, no WER' if random else ''}"
    return ""


def _missing(row: LeaderboardRow, column: str, reasons: Mapping[str, str]) -> str:
    if column == "vram_mb" and row.device == "cpu":
        return "no GPU was used"
    if column == "tokens":
        return "this model has no decoder that generates tokens"
    if column == "reason":
        return ""
    return reasons.get(_REASON_OF.get(column, ""), "not measured")
