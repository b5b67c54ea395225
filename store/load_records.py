"""What the measure `load` finds at one level, see docs/load.md: times in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from store.energy_marks import EnergyLabel

LoadMode = Literal["closed", "open"]

NOT_ASKED = "energy is not among the measures"
"""Why a level has no joules where nobody asked for any: no table tells it."""


def service_words(max_batch: int | None, replicas: int | None) -> str:
    """``, batches to 8, 2 models``: what stands behind a level's load; empty for a server.

    Args:
        max_batch: Most utterances in a batch.
        replicas: Copies of the model side by side; one is not worth a word.
    """
    batch = "" if max_batch is None else f", batches to {max_batch}"
    return batch if (replicas or 1) == 1 else f"{batch}, {replicas} models"


class Sent(Protocol):
    """What a level of load is known by, before it is held and after."""

    @property
    def concurrency(self) -> int | None:
        """Clients of a closed loop."""

    @property
    def rate_per_s(self) -> float | None:
        """Requests a second of an open loop."""

    @property
    def arrivals(self) -> str | None:
        """How those are spread."""

    @property
    def paced(self) -> bool:
        """Whether the requests are streams."""

    @property
    def max_batch(self) -> int | None:
        """See `service_words`."""

    @property
    def replicas(self) -> int | None:
        """See `service_words`."""


def level_title(level: Sent) -> str:
    """What was sent, and to what, in a few words."""
    service = service_words(level.max_batch, level.replicas)
    if level.concurrency is not None:
        return f"{level.concurrency} {'streams' if level.paced else 'at once'}{service}"
    streams = " streams" if level.paced else ""
    return f"{level.rate_per_s:g}{streams} a second, {level.arrivals}{service}"


@dataclass(frozen=True, kw_only=True)
class LoadLevel:
    """One level of load.

    ``None`` stands where a figure is not known; ``interval_reason`` and ``reason`` say why.
    """

    mode: LoadMode
    concurrency: int | None
    """Clients of a closed loop."""
    rate_per_s: float | None
    """Requests a second of an open loop, as asked for."""
    arrivals: str | None
    """How those of an open loop are spread."""
    paced: bool
    """Whether the requests were streams, sent at real-time pace: their latency counts from the end
    of the speech to the final text."""
    max_batch: int | None
    """Most utterances in a batch of the dynamic batcher; None for a server of its own."""
    replicas: int | None
    """Copies of the model side by side; None for a server, and in stores of before schema 15."""
    max_wait_s: float | None
    held: bool
    """Whether the level was held for as long as asked."""
    reason: str | None
    """Why not, or None."""
    window_s: float
    """Length of the counted time."""
    requests: int
    """Due within the counted time."""
    answered: int
    """Of those, answered rightly, at whatever time."""
    errors: int
    """Of those, not."""
    errors_by_kind: str | None
    """JSON object: kind to count; None without an error."""
    error_words: str | None
    """What the first of the most frequent kind said."""
    requests_per_s: float | None
    """Right answers that came within the counted time, by its length."""
    rtfx: float | None
    """Audio seconds of those answers, by its length."""
    in_flight: float | None
    """Mean number of open requests in the counted time."""
    latency_mean_s: float | None
    """From the time a request was due to its answer, of the answered ones; so are the next."""
    latency_mean_low_s: float | None
    latency_mean_high_s: float | None
    latency_p50_s: float | None
    latency_p50_low_s: float | None
    latency_p50_high_s: float | None
    latency_p90_s: float | None
    latency_p90_low_s: float | None
    latency_p90_high_s: float | None
    latency_p95_s: float | None
    latency_p95_low_s: float | None
    latency_p95_high_s: float | None
    latency_p99_s: float | None
    latency_p99_low_s: float | None
    latency_p99_high_s: float | None
    interval_reason: str | None
    """Why there are no intervals, or None."""
    queue_mean_s: float | None
    """From due to the begin of the batch that a request was in; None where that is not known."""
    queue_mean_low_s: float | None
    queue_mean_high_s: float | None
    queue_p95_s: float | None
    service_mean_s: float | None
    """Time of the batch that a request was in."""
    service_p95_s: float | None
    batch_mean: float | None
    """Requests in the batch of a request, mean over the requests."""
    first_text_p50_s: float | None
    """From due to the first piece of text; None where the service does not stream."""
    first_text_p95_s: float | None
    send_delay_p99_s: float | None
    """How late the generator itself sent: from due to sent."""
    slo_p95_s: float
    slo_met: bool | None
    """Whether 95 of 100 requests were answered rightly within that; None without requests."""
    goodput_per_s: float | None
    """Requests due in the counted time and answered rightly within the SLO, by its length."""
    scored: int
    """Utterances whose words were counted: the first answer of each."""
    wer: float | None
    """Word error rate of them, 0 to 1."""
    wer_low: float | None
    wer_high: float | None
    texts_changed: int | None
    """Utterances that got different texts from one request to another."""
    cpu_busy: float | None
    """Share of this machine's CPU time that was used in the counted time, by anyone."""
    energy_j: float | None
    """Gross joules in the counted time, of what ``energy_source`` covers."""
    energy_label: EnergyLabel | None
    energy_source: str | None
    energy_reason: str | None
    """Why there are no joules, or None."""

    @property
    def joules_per_audio_hour(self) -> float | None:
        """Of the audio that was answered in the counted time."""
        if self.energy_j is None or not self.rtfx or not self.window_s:
            return None
        return 3600 * self.energy_j / (self.rtfx * self.window_s)
