"""The view `load_board`: the levels of load of all results, a row each, for people."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class LoadRow:
    """One row of the view. Times are milliseconds; docs/load.md says what each figure is of."""

    result_id: int
    job_id: int
    level: int
    """From 0, in the order in which they were held."""
    model: str
    engine: str
    device: str
    variant: str
    mode: str
    concurrency: int | None
    rate: float | None
    """Requests a second that were asked for."""
    arrivals: str | None
    paced: int
    """1: streams at real-time pace, whose latencies count from the end of the speech."""
    max_batch: int | None
    replicas: int | None
    requests: int
    requests_per_s: float | None
    rtfx: float | None
    streams_per_thread: float | None
    """Streams of speech at real-time pace that a thread of a CPU carries: RTFx by replicas and
    threads, where the SLO was met."""
    mean_ms: float | None
    p50_ms: float | None
    p50_low_ms: float | None
    p50_high_ms: float | None
    p90_ms: float | None
    p95_ms: float | None
    p95_low_ms: float | None
    p95_high_ms: float | None
    p99_ms: float | None
    queue_ms: float | None
    service_ms: float | None
    batch: float | None
    first_text_ms: float | None
    send_delay_p99_ms: float | None
    slo_p95_ms: float
    slo_met: int | None
    goodput_per_s: float | None
    errors: int
    errors_by_kind: str | None
    error_words: str | None
    wer: float | None
    wer_low: float | None
    wer_high: float | None
    texts_changed: int | None
    cpu_busy: float | None
    energy_j: float | None
    energy_label: str | None
    energy_source: str | None
    joules_per_audio_hour: float | None
    energy_reason: str | None
    held: int
    reason: str | None


_MS = {
    "mean_ms": "latency_mean_s",
    "p50_ms": "latency_p50_s",
    "p50_low_ms": "latency_p50_low_s",
    "p50_high_ms": "latency_p50_high_s",
    "p90_ms": "latency_p90_s",
    "p95_ms": "latency_p95_s",
    "p95_low_ms": "latency_p95_low_s",
    "p95_high_ms": "latency_p95_high_s",
    "p99_ms": "latency_p99_s",
    "queue_ms": "queue_mean_s",
    "service_ms": "service_mean_s",
    "first_text_ms": "first_text_p50_s",
    "send_delay_p99_ms": "send_delay_p99_s",
    "slo_p95_ms": "slo_p95_s",
}
_OF_RESULT = ("job_id", "model", "engine", "device", "variant")
_RENAMED = {"level": "seq", "rate": "rate_per_s", "batch": "batch_mean"}
LOAD_COLUMNS = tuple(LoadRow.__dataclass_fields__)


def _expression(column: str) -> str:
    if column in _MS:
        return f"1000.0 * load_levels.{_MS[column]}"
    if column in _OF_RESULT:
        return f"results.{column}"
    if column == "joules_per_audio_hour":
        heard = "nullif(load_levels.rtfx * load_levels.window_s, 0)"
        return f"3600.0 * load_levels.energy_j / {heard}"
    if column == "streams_per_thread":
        threads = "nullif(load_levels.replicas * results.threads, 0)"
        met = "load_levels.slo_met AND results.device LIKE 'cpu%'"
        return f"CASE WHEN {met} THEN load_levels.rtfx / {threads} END"
    return f"load_levels.{_RENAMED.get(column, column)}"


CREATE_LOAD_BOARD = "CREATE VIEW load_board AS SELECT\n  {}\nFROM load_levels {}".format(
    ",\n  ".join(f"{_expression(column)} AS {column}" for column in LOAD_COLUMNS),
    "JOIN results ON results.id = load_levels.result_id",
)
"""The statement that makes the view."""
