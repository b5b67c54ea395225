"""The figures of the tab Live that move: of the case in hand, of a load, of the machine."""

from __future__ import annotations

from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Container

from store import LoadGauge
from tui.following import JobProgress
from tui.machine import Reading
from tui.present import milliseconds, number, percent, size
from tui.widgets.spark import Spark

MACHINE = ("power", "cpu", "memory", "gpu")
"""Figures of this machine."""
IDLE = "read while it runs"
"""In the place of curves that nobody has looked at yet."""


@dataclass(frozen=True)
class FinishedCases:
    """Figures of a job's finished cases, in the order in which they ended."""

    rtfx: tuple[float, ...] = ()
    latency_s: tuple[float, ...] = ()


def _watts(power: float) -> str:
    return f"{number(power)} W"


def _per_second(rate: float) -> str:
    return f"{number(rate)}/s" if rate else "0"  # A short end leaves room for the axis.


def _requests(count: float) -> str:
    return f"{count:,.0f}"


class LiveFigures(Container):
    """A curve for each figure."""

    def compose(self) -> ComposeResult:
        yield Spark(
            "latency",
            from_zero=False,
            nothing="not timed yet",
            said=milliseconds,
            id="spark-latency",
            classes="of-batches",
        )
        yield Spark("RTFx", nothing="not timed yet", id="spark-rtfx", classes="of-batches")
        yield Spark("rate", said=_per_second, id="spark-rate", classes="of-load")
        yield Spark("in flight", said=_requests, id="spark-flight", classes="of-load")
        yield Spark(
            "p95",
            nothing="too few answers",
            said=milliseconds,
            id="spark-p95",
            classes="of-load",
        )
        yield Spark("errors", id="spark-errors", classes="of-load")
        yield Spark("power", nothing="no sensor to read", said=_watts, id="spark-power")
        yield Spark("CPU", nothing=IDLE, top=1.0, said=percent, id="spark-cpu")
        yield Spark("memory", nothing=IDLE, from_zero=False, said=size, id="spark-memory")
        yield Spark("GPU", nothing="none here", top=1.0, said=percent, id="spark-gpu")

    def _spark(self, name: str) -> Spark:
        return self.query_one(f"#spark-{name}", Spark)

    def show_batches(self, progress: JobProgress, finished: FinishedCases, *, ended: bool) -> None:
        """Shows how the case goes that is in hand, or how those went that are finished.

        Args:
            progress: Of the job.
            finished: Figures of its finished cases.
            ended: Whether the job has ended.
        """
        self._show_load(progress.gauges)
        latencies, audio_s = progress.latencies_s, progress.batch_audio_s
        spark = self._spark("latency")
        for name in ("latency", "rtfx"):
            self._spark(name).quiet("no case was timed" if ended else "")
        if latencies:
            spark.show(latencies, milliseconds(latencies[-1]))
        elif ended and finished.latency_s:
            spark.show(finished.latency_s, milliseconds(finished.latency_s[-1]), "finished cases")
        else:
            spark.show((), "")
        live = [audio_s / s for s in latencies if s > 0] if audio_s is not None else []
        if live:
            self._spark("rtfx").show(live, number(live[-1]), "this case")
        elif finished.rtfx:
            self._spark("rtfx").show(finished.rtfx, number(finished.rtfx[-1]), "finished cases")
        else:
            self._spark("rtfx").show((), "")

    def _show_load(self, gauges: tuple[LoadGauge, ...]) -> None:
        """How the level of load goes, in place of the batches, while one is held."""
        self.set_class(bool(gauges), "-load")
        if not gauges:
            return
        now = gauges[-1]
        of_level = [gauge for gauge in gauges if gauge.level == now.level]
        known = [gauge.p95_s for gauge in of_level if gauge.p95_s is not None]
        self._spark("rate").show(
            [gauge.requests_per_s for gauge in of_level],
            _per_second(now.requests_per_s),
            "right answers, last 5 s",
        )
        self._spark("flight").show(
            [float(gauge.in_flight) for gauge in of_level], _requests(now.in_flight), "requests"
        )
        p95 = "" if now.p95_s is None else milliseconds(now.p95_s)
        self._spark("p95").show(known if p95 else (), p95, "from when due")
        self._spark("errors").show((), _requests(now.errors), "of this level")

    def show_machine(self, readings: tuple[Reading, ...], *, away: bool) -> None:
        """Shows what this machine does.

        Args:
            readings: Of its sensors, the latest last.
            away: Whether the job runs on another one.
        """
        for name in MACHINE:
            self._spark(name).quiet("on its node" if away else "")
        if not readings or away:
            return
        last = readings[-1]
        self._spark("cpu").show(
            [reading.cpu for reading in readings], percent(last.cpu), "of all cores"
        )
        job = f"job {size(last.job_bytes)}" if last.job_bytes is not None else ""
        self._spark("memory").show(
            [float(reading.memory_bytes) for reading in readings], size(last.memory_bytes), job
        )
        if last.power_w is not None:
            watts = [r.power_w for r in readings if r.power_w is not None]
            parts = {"CPU": last.cpu_w, "GPU": last.gpu_w}
            words = " + ".join(name for name, power in parts.items() if power is not None)
            self._spark("power").show(watts, f"{number(last.power_w)} W", words)
        if last.gpu is not None:
            use = [r.gpu for r in readings if r.gpu is not None]
            self._spark("gpu").show(use, percent(last.gpu), size(last.gpu_bytes))
