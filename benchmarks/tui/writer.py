"""Writes results to a store at a steady rate: the runners that the app must keep up with."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from store import Latency, Result, Sample, Store, process_owner, timestamp, utc_now


def write_results(path: Path, rate: float, seconds: float) -> int:
    """Stores ``rate`` results a second, each in a transaction of its own; gives their number."""
    with Store.open(path) as store:
        benchmark = store.add_benchmark("bench-writer", '{"name":"bench-writer"}')
        job = store.start_job(
            benchmark,
            target="local",
            cases_total=int(rate * seconds),
            owner=process_owner(),
            lease_s=60,
        )
        begin = time.monotonic()
        number = 0
        print("begun", flush=True)
        while (elapsed := time.monotonic() - begin) < seconds:
            if number > rate * elapsed:
                time.sleep(0.002)
                continue
            store.write_result(job, _result(number))
            number += 1
        store.finish_job(job, "done")
    return number


def _result(number: int) -> Result:
    seconds = 0.1 + 0.001 * (number % 97)
    return Result(
        case_key=f"case-{number}",
        model="openai/whisper-tiny",
        engine="whisper",
        weights="random",
        revision=None,
        device="cpu",
        variant="fp32",
        audio_seconds=5.0,
        batch_size=1,
        seed=42,
        state="ok",
        reason=None,
        started_at=timestamp(utc_now()),
        wall_s=1.0,
        latency=Latency(
            load_s=1.0,
            cold_s=3 * seconds,
            warmup_iterations=3,
            warmup_s=3 * seconds,
            iterations=20,
            median_s=seconds,
            low_s=0.99 * seconds,
            high_s=1.01 * seconds,
            mean_s=seconds,
            stdev_s=0.01 * seconds,
            p90_s=1.02 * seconds,
            p95_s=1.03 * seconds,
            p99_s=1.04 * seconds,
            stable=True,
            stable_reason=None,
            audio_s=4.5,
            rtfx=4.5 / seconds,
            throughput=1 / seconds,
            tokens=20.0,
            windows=1.0,
            decoder_calls=21.0,
        ),
        samples=tuple(
            Sample(kind="latency", iteration=place, batch=place % 4, seconds=seconds)
            for place in range(20)
        ),
    )


if __name__ == "__main__":
    print(write_results(Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])))
