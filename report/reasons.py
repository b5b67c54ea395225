"""Why a figure is missing, or to be doubted: in words that stand in one line."""

from __future__ import annotations

from collections.abc import Mapping

from store import COLUMNS, LeaderboardRow

_OF_LESS_WORK = ("latency_ms", "rtfx", "stopped_early")
_REASON_OF = {name: column.reason or "" for name, column in COLUMNS.items()}


def missing_reason(row: LeaderboardRow, column: str, reasons: Mapping[str, str]) -> str:
    """What is to be said of one value, empty where it speaks for itself.

    Args:
        row: The result.
        column: A column of the leaderboard.
        reasons: What the store says, by the names of its columns for reasons.
    """
    value = row.value(column)
    if row.state != "ok":
        return f"{row.state}: {row.reason}" if row.reason else row.state
    if value is None:
        return _missing(row, column, reasons)
    doubts = _doubts(row, column, reasons)
    if doubts:
        return "; ".join(doubts)
    if column in ("energy_j", "joules_per_audio_hour"):
        return f"{row.energy_label} by {row.energy_source}"
    if column == "model":
        random = row.weights == "random"
        return f"{row.model}{': random weights, real cost, no WER' if random else ''}"
    return ""


def _doubts(row: LeaderboardRow, column: str, reasons: Mapping[str, str]) -> list[str]:
    """What is to be said against a value."""
    said = []
    if row.stopped_early and column in _OF_LESS_WORK:
        said.append(
            "stopped early: a tenth of the words or more are missing, so it is of less work"
        )
    if _REASON_OF.get(column) == "stable_reason" and row.stable is False:
        said.append(f"unstable: {reasons.get('stable_reason', 'its reason is not stored')}")
    if row.clips_mode == "packed" and column in ("audio_seconds", "clips_mode"):
        said.append(
            "packed: clips of unrelated speakers joined, after which some models stop early"
        )
    if row.wer_of == "packed clips" and column in ("wer", "cer", "wer_low", "wer_of"):
        said.append(
            "of packed clips, not of utterances: of some models too high by tens of percent"
        )
    if column in ("wer", "cer") and "quality_remark" in reasons:
        said.append(reasons["quality_remark"])
    return said


def _missing(row: LeaderboardRow, column: str, reasons: Mapping[str, str]) -> str:
    if column == "vram_mb" and row.device == "cpu":
        return "no GPU was used"
    if column == "tokens":
        return "this model has no decoder that generates tokens"
    if column == "reason":
        return ""
    return reasons.get(_REASON_OF.get(column, ""), "not measured")
