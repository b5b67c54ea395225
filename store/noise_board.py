"""The view `noise_board`: what models make of noise and silence, a condition a row, for people."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class NoiseRow:
    """One row of the view; `store.noise_records` says what each figure is."""

    result_id: int
    job_id: int
    level: int
    """From 0, in the order in which they were heard."""
    model: str
    engine: str
    device: str
    variant: str
    language: str | None
    condition: str
    noise: str | None
    snr_db: float | None
    clips: int
    audio_s: float
    scored: int
    headline: str | None
    normaliser: str | None
    normaliser_version: str | None
    wer: float | None
    wer_low: float | None
    wer_high: float | None
    cer: float | None
    cer_low: float | None
    cer_high: float | None
    substitutions: int | None
    deletions: int | None
    insertions: int | None
    hits: int | None
    invented: int | None
    invented_per_minute: float | None
    invented_low: float | None
    invented_high: float | None
    clips_with_text: int | None
    example: str | None
    reason: str | None


_OF_RESULT = ("job_id", "model", "engine", "device", "variant", "language")
NOISE_COLUMNS = tuple(NoiseRow.__dataclass_fields__)


def _expression(column: str) -> str:
    if column in _OF_RESULT:
        return f"results.{column}"
    return f"noise_levels.{'seq' if column == 'level' else column}"


CREATE_NOISE_BOARD = "CREATE VIEW noise_board AS SELECT\n  {}\nFROM noise_levels {}".format(
    ",\n  ".join(f"{_expression(column)} AS {column}" for column in NOISE_COLUMNS),
    "JOIN results ON results.id = noise_levels.result_id",
)
"""The statement that makes the view."""
