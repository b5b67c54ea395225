"""A store as large as years of benchmarks leave behind, made by SQL in seconds.

Its figures follow stated laws with a little noise, so that tables and charts of it look like real
ones and tests know what they must show: with batch size ``b`` and audio of ``s`` seconds, latency
is ``speed * (2 + s) * b ** 0.9``, energy 20 W times latency, and a model that is slower makes
fewer errors.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from store import Store, process_owner

MODELS = (
    # name, engine, seconds of latency by second of audio on a CPU, word error rate
    ("openai/whisper-tiny", "whisper", 0.008, 0.112),
    ("openai/whisper-base", "whisper", 0.015, 0.084),
    ("openai/whisper-small", "whisper", 0.044, 0.057),
    ("openai/whisper-large-v3-turbo", "whisper", 0.190, 0.036),
    ("facebook/wav2vec2-base-960h", "ctc", 0.006, 0.148),
    ("facebook/hubert-large-ls960-ft", "ctc", 0.021, 0.069),
    ("nvidia/parakeet-ctc-0.6b", "ctc", 0.026, 0.041),
    ("pocketsphinx", "pocketsphinx", 0.120, 0.320),
)
PLACES = (
    # device, variant, speed-up
    ("cpu", "fp32", 1.0),
    ("cpu", "int8", 1.7),
    ("cuda", "fp32", 18.0),
    ("cuda", "fp16", 31.0),
)
LENGTHS = (5, 10, 15, 20, 30, 45, 60)
BATCHES = (1, 2, 4, 8, 16, 32)

CASES = len(MODELS) * len(PLACES) * len(LENGTHS) * len(BATCHES)
"""Cases of one job: the whole grid."""

STAGES = (("features", 0.06), ("encode", 0.38), ("prefill", 0.05), ("decode", 0.48), ("text", 0.03))


def make_big_store(path: Path, *, results: int, samples: int = 50) -> None:
    """Fills a new store.

    Args:
        path: The file; it must not exist.
        results: How many results; each job holds up to the whole grid.
        samples: Timings of each result.
    """
    jobs = -(-results // CASES)
    with Store.open(path) as store:
        owner = process_owner()
        for number in range(1, jobs + 1):
            benchmark = store.add_benchmark(
                f"nightly-{number:03d}", f'{{"name":"nightly-{number:03d}"}}'
            )
            job = store.start_job(
                benchmark, target="local", cases_total=CASES, owner=owner, lease_s=60
            )
            store.finish_job(job, "done")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        # Nothing of it is precious while it is made.
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        _fill(connection, results, samples)
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _fill(connection: sqlite3.Connection, results: int, samples: int) -> None:
    tables = (
        ("models", "name, engine, speed, wer", MODELS),
        ("places", "device, variant, speedup", PLACES),
        ("lengths", "seconds", [(seconds,) for seconds in LENGTHS]),
        ("batches", "size", [(size,) for size in BATCHES]),
        ("parts", "stage, share", STAGES),
        ("numbers", "n", [(number,) for number in range(samples)]),
    )
    for name, columns, rows in tables:
        connection.execute(f"CREATE TEMP TABLE {name} ({columns})")
        marks = ", ".join("?" * len(rows[0]))
        connection.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)
    connection.execute(_ENVIRONMENT)
    connection.execute(_QUALITIES)
    connection.execute(_RESULTS, {"cases": CASES, "results": results})
    connection.execute(
        "UPDATE jobs SET cases_done = (SELECT count(*) FROM results WHERE job_id = jobs.id)"
    )
    connection.execute(_SAMPLES)
    connection.execute(_STAGES)


_ENVIRONMENT = """
INSERT INTO environments (fingerprint, hostname, os, kernel, architecture, cpu_model,
  cpu_physical_cores, cpu_logical_cores, cpu_affinity, memory_bytes, gpu_name, python, packages,
  asrprof)
VALUES ('big', 'bench', 'Debian GNU/Linux 12', '6.1.0', 'x86_64', 'Some CPU', 8, 16, 16,
  64000000000, 'Some GPU', '3.11.9', '{"torch": "2.11.0"}', '0.1')
"""

_QUALITY = {
    "quality_of": "'utterances'",
    "scored": "32",
    "wer": "wer * (0.98 + 0.04 * noise / 1009.0)",
    "wer_low": "wer * 0.9",
    "wer_high": "wer * 1.1",
    "cer": "wer * 0.4",
}
"""Columns of a quality record, which all results of a job's model and place share."""

_FIGURES = {
    "load_s": "1.5",
    "cold_s": "latency * 3",
    "warmup_iterations": "5",
    "warmup_s": "latency * 5",
    "iterations": "50",
    "latency_s": "latency",
    "latency_low_s": "latency * 0.985",
    "latency_high_s": "latency * 1.015",
    "latency_mean_s": "latency * 1.002",
    "latency_stdev_s": "latency * 0.02",
    "latency_p90_s": "latency * 1.03",
    "latency_p95_s": "latency * 1.05",
    "latency_p99_s": "latency * 1.1",
    "stable": "noise % 61 != 3",
    "audio_s": "seconds * size * 0.9",
    "rtfx": "seconds * size * 0.9 / latency",
    "throughput": "size / latency",
    "tokens": "iif(engine = 'whisper', size * seconds * 3.5, NULL)",
    "encoder_flops": "cast(speed * seconds * size * 2e11 AS INTEGER)",
    "flops": "cast(speed * seconds * size * 3e11 AS INTEGER)",
    "rss_bytes": "400000000 + 1000000 * size * seconds",
    "rss_before_bytes": "300000000",
    "gpu_reserved_bytes": "iif(device = 'cuda', 900000000 + 20000000 * size, NULL)",
    "clips_mode": "'continuous'",
    "clips_of_recording": "0",
    "clips_of_speaker": "6",
    "clips_of_utterance": "2",
    "clips_of_any": "0",
    "speech_share": "0.9",
    "reference_words": "cast(seconds * 20 AS INTEGER)",
    "hypothesis_words": "cast(seconds * 20 AS INTEGER) - 1",
    "missing_words": "1",
    "stopped_early": "0",
    "quality_key": "quality_key",
    "quality_id": "quality_id",
    **{name: f"q_{name}" for name in _QUALITY},
    "load_before": "0.5",
    "load_after": "1.5",
}
"""Columns of a good result, and SQL for them."""

_ENERGY = {
    "energy_j": "latency * watts",
    "energy_net_j": "latency * watts * 0.7",
    "energy_label": "iif(device = 'cuda', 'measured', 'estimated')",
    "energy_source": "iif(device = 'cuda', 'nvml-counter', 'codecarbon')",
    "joules_per_audio_hour": "latency * watts * 4000 / (seconds * size)",
}
"""The same for one whose energy was obtained, which is ten out of eleven."""

# Noise is arithmetic: the same store every time. One result in 97 failed, one in 61 is unstable.
_QUALITIES = f"""
INSERT INTO qualities (job_id, key, {", ".join(_QUALITY)})
SELECT job, key, {", ".join(_QUALITY.values())} FROM (
  SELECT jobs.id AS job, name || '|' || device || '|' || variant AS key, wer,
    (jobs.id * 7919 + m.rowid * 104729 + p.rowid * 1299709) % 1009 AS noise
  FROM jobs, models m, places p
)
"""

_RESULTS = f"""
WITH cases AS (
  SELECT row_number() OVER (ORDER BY m.rowid, p.rowid, l.rowid, b.rowid) - 1 AS number,
    m.*, p.device, p.variant, p.speedup, seconds, size
  FROM models m, places p, lengths l, batches b
), runs AS (
  SELECT jobs.id AS job, cases.*, (jobs.id * 7919 + number * 104729) % 1009 AS noise,
    (jobs.id - 1) * :cases + number AS place, iif(device = 'cuda', 220, 20) AS watts
  FROM jobs, cases
), timed AS (
  SELECT *, noise % 97 != 5 AS good, noise % 97 != 5 AND noise % 11 != 4 AS powered,
    strftime('%Y-%m-%dT%H:%M:%f+00:00', '2026-01-01', place || ' minutes') AS at,
    speed / speedup * (2 + seconds) * pow(size, 0.9) * (0.97 + 0.06 * noise / 1009.0) AS latency
  FROM runs WHERE place < :results
), judged AS (
  SELECT timed.*, qualities.id AS quality_id, qualities.key AS quality_key,
    {", ".join(f"qualities.{name} AS q_{name}" for name in _QUALITY)}
  FROM timed JOIN qualities ON job_id = job AND key = name || '|' || device || '|' || variant
)
INSERT INTO results (id, job_id, environment_id, created_at, case_key, model, engine, weights,
  device, variant, audio_seconds, batch_size, seed, state, reason, started_at, wall_s, parameters,
  energy_reason, {", ".join((*_FIGURES, *_ENERGY))})
SELECT place + 1, job, (SELECT id FROM environments), at,
  name || '/' || device || '/' || variant || '/' || seconds || '/' || size,
  name, engine, 'pretrained', device, variant, seconds, size, 42, iif(good, 'ok', 'failed'),
  iif(good, NULL, 'RuntimeError: the engine gave no text'), at, 30.0, 37760640,
  iif(good AND NOT powered, 'nvml-counter: the counter moved less than ten times', NULL),
  {", ".join(f"iif(good, {sql}, NULL)" for sql in _FIGURES.values())},
  {", ".join(f"iif(powered, {sql}, NULL)" for sql in _ENERGY.values())}
FROM judged
"""

# CROSS JOIN keeps the order of the tables: rows then come in the order of the key.
_SAMPLES = """
INSERT INTO samples (result_id, seq, kind, iteration, batch, seconds)
SELECT id, n, 'latency', n, n % 4,
  latency_s * (0.98 + 0.04 * ((id * 31 + n * 7919) % 101) / 101.0)
FROM results CROSS JOIN numbers WHERE state = 'ok'
"""

_STAGES = """
INSERT INTO stages (result_id, seq, stage, median_s, low_s, high_s, iterations)
SELECT id, parts.rowid - 1, stage, latency_s * share, latency_s * share * 0.97,
  latency_s * share * 1.04, 10
FROM results CROSS JOIN parts
WHERE state = 'ok' AND (engine = 'whisper' OR stage NOT IN ('prefill', 'decode'))
"""
