"""The tables, version by version.

The version is SQLite's ``user_version``: the number of migrations that a store has had. A
migration that has been released never changes; a new one goes at the end of ``MIGRATIONS``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

APPLICATION_ID = 0x61737270
"""``asrp`` in ASCII, in the file's header: tells our stores from other SQLite databases."""

Migration = Callable[[sqlite3.Connection], None]

# A child row is known by its result and its place in the result's tuple. Without a rowid that key
# is the table itself: the rows of a result lie together and need no second index.
_CHILD = """
  result_id INTEGER NOT NULL REFERENCES results (id) ON DELETE CASCADE,
  seq INTEGER NOT NULL,"""
_CHILD_END = "\n  PRIMARY KEY (result_id, seq)\n) STRICT, WITHOUT ROWID"

_VERSION_1 = (
    """CREATE TABLE benchmarks (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  config TEXT NOT NULL,
  config_hash TEXT NOT NULL UNIQUE,
  created_at TEXT NOT NULL
) STRICT""",
    """CREATE TABLE jobs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  benchmark_id INTEGER NOT NULL REFERENCES benchmarks (id) ON DELETE CASCADE,
  target TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN
    ('queued', 'starting', 'running', 'done', 'failed', 'cancelled', 'lost')),
  priority INTEGER NOT NULL DEFAULT 0,
  position INTEGER NOT NULL DEFAULT 0,
  reason TEXT,
  attempt INTEGER NOT NULL DEFAULT 1,
  cases_total INTEGER NOT NULL,
  cases_done INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL,
  started_at TEXT,
  finished_at TEXT,
  lease_owner TEXT,
  lease_expires_at TEXT,
  heartbeat_at TEXT,
  container_id TEXT,
  log_path TEXT
) STRICT""",
    "CREATE INDEX jobs_of_benchmark ON jobs (benchmark_id)",
    "CREATE INDEX jobs_by_state ON jobs (state, priority DESC, position)",
    """CREATE TABLE environments (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  fingerprint TEXT NOT NULL UNIQUE,
  hostname TEXT NOT NULL,
  os TEXT NOT NULL,
  kernel TEXT NOT NULL,
  architecture TEXT NOT NULL,
  virtualization TEXT,
  cpu_model TEXT NOT NULL,
  cpu_physical_cores INTEGER,
  cpu_logical_cores INTEGER NOT NULL,
  cpu_affinity INTEGER NOT NULL,
  cpu_governor TEXT,
  memory_bytes INTEGER NOT NULL,
  gpu_name TEXT,
  gpu_uuid TEXT,
  gpu_memory_bytes INTEGER,
  gpu_power_limit_w REAL,
  gpu_driver TEXT,
  cuda TEXT,
  python TEXT NOT NULL,
  packages TEXT NOT NULL,
  git_commit TEXT,
  asrprof TEXT NOT NULL,
  container_image TEXT
) STRICT""",
    """CREATE TABLE results (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  job_id INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  environment_id INTEGER REFERENCES environments (id),
  created_at TEXT NOT NULL,
  case_key TEXT NOT NULL,
  model TEXT NOT NULL,
  engine TEXT NOT NULL,
  weights TEXT NOT NULL CHECK (weights IN ('pretrained', 'random')),
  revision TEXT,
  device TEXT NOT NULL,
  variant TEXT NOT NULL,
  audio_seconds REAL NOT NULL,
  batch_size INTEGER NOT NULL,
  seed INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('ok', 'failed', 'oom', 'refused')),
  reason TEXT,
  started_at TEXT NOT NULL,
  wall_s REAL NOT NULL,
  parameters INTEGER,
  clips_fingerprint TEXT,
  trace_path TEXT,
  load_s REAL,
  cold_s REAL,
  warmup_iterations INTEGER,
  warmup_s REAL,
  iterations INTEGER,
  latency_s REAL,
  latency_low_s REAL,
  latency_high_s REAL,
  latency_mean_s REAL,
  latency_stdev_s REAL,
  latency_p90_s REAL,
  latency_p95_s REAL,
  latency_p99_s REAL,
  stable INTEGER CHECK (stable IN (0, 1)),
  stable_reason TEXT,
  audio_s REAL,
  rtfx REAL,
  throughput REAL,
  tokens REAL,
  windows REAL,
  decoder_calls REAL,
  energy_j REAL,
  energy_net_j REAL,
  energy_uncertainty_j REAL,
  energy_net_uncertainty_j REAL,
  energy_label TEXT CHECK (energy_label IN ('measured', 'sampled', 'estimated')),
  energy_source TEXT,
  energy_reason TEXT,
  idle_w REAL,
  joules_per_audio_hour REAL,
  encoder_flops INTEGER,
  flops INTEGER,
  flops_reason TEXT,
  operators_reason TEXT,
  rss_bytes INTEGER,
  rss_before_bytes INTEGER,
  weights_bytes INTEGER,
  gpu_allocated_bytes INTEGER,
  gpu_reserved_bytes INTEGER,
  gpu_board_bytes INTEGER,
  clips INTEGER,
  wer REAL,
  wer_low REAL,
  wer_high REAL,
  cer REAL,
  cer_low REAL,
  cer_high REAL,
  substitutions INTEGER,
  deletions INTEGER,
  insertions INTEGER,
  hits INTEGER,
  normaliser TEXT,
  normaliser_version TEXT,
  quality_reason TEXT,
  load_before REAL,
  load_after REAL,
  foreign_cpu REAL,
  threads INTEGER,
  throttled TEXT,
  temperature_c REAL,
  UNIQUE (job_id, case_key)
) STRICT""",
    "CREATE INDEX results_of_environment ON results (environment_id)",
    f"""CREATE TABLE stages ({_CHILD}
  stage TEXT NOT NULL,
  median_s REAL NOT NULL,
  low_s REAL NOT NULL,
  high_s REAL NOT NULL,
  iterations INTEGER NOT NULL,{_CHILD_END}""",
    f"""CREATE TABLE samples ({_CHILD}
  kind TEXT NOT NULL,
  iteration INTEGER NOT NULL,
  batch INTEGER NOT NULL,
  seconds REAL NOT NULL,{_CHILD_END}""",
    f"""CREATE TABLE energy_readings ({_CHILD}
  source TEXT NOT NULL,
  label TEXT NOT NULL CHECK (label IN ('measured', 'sampled', 'estimated')),
  scope TEXT NOT NULL,
  windows INTEGER NOT NULL,
  window_s REAL NOT NULL,
  batches INTEGER NOT NULL,
  gross_j REAL,
  net_j REAL,
  uncertainty_j REAL,
  net_uncertainty_j REAL,
  idle_w REAL,
  mean_w REAL,
  refresh_s REAL,
  reason TEXT,
  net_reason TEXT,
  detail TEXT,
  UNIQUE (result_id, source),{_CHILD_END}""",
    f"""CREATE TABLE power_samples ({_CHILD}
  source TEXT NOT NULL,
  phase TEXT NOT NULL,
  time_s REAL NOT NULL,
  power_w REAL,
  energy_j REAL,{_CHILD_END}""",
    f"""CREATE TABLE flops ({_CHILD}
  method TEXT NOT NULL,
  stage TEXT NOT NULL,
  flops INTEGER,
  macs INTEGER,
  note TEXT,
  UNIQUE (result_id, method, stage),{_CHILD_END}""",
    f"""CREATE TABLE operators ({_CHILD}
  name TEXT NOT NULL,
  category TEXT NOT NULL,
  device TEXT NOT NULL,
  calls INTEGER NOT NULL,
  self_s REAL NOT NULL,
  share REAL NOT NULL,
  memory_bytes INTEGER,{_CHILD_END}""",
    f"""CREATE TABLE transcripts ({_CHILD}
  clip_id TEXT NOT NULL,
  audio_seconds REAL NOT NULL,
  reference TEXT NOT NULL,
  hypothesis TEXT NOT NULL,
  substitutions INTEGER,
  deletions INTEGER,
  insertions INTEGER,
  hits INTEGER,{_CHILD_END}""",
    """CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  job_id INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  case_key TEXT,
  kind TEXT NOT NULL,
  at TEXT NOT NULL,
  message TEXT,
  data TEXT
) STRICT""",
    "CREATE INDEX events_of_job ON events (job_id, id)",
)


def _create(connection: sqlite3.Connection) -> None:
    for statement in _VERSION_1:
        connection.execute(statement).close()


_VERSION_2 = (
    # What a launcher started is known by one text, whether that is a process or a container.
    "ALTER TABLE jobs RENAME COLUMN container_id TO handle",
    "ALTER TABLE jobs ADD COLUMN attempt_started_at TEXT",
    "ALTER TABLE jobs ADD COLUMN time_limit_s REAL CHECK (time_limit_s > 0)",
    "ALTER TABLE jobs ADD COLUMN cancel_requested_at TEXT",
    "ALTER TABLE jobs ADD COLUMN machine TEXT",
    "ALTER TABLE jobs ADD COLUMN dispatcher TEXT",
    "ALTER TABLE jobs ADD COLUMN folder TEXT",
    "UPDATE jobs SET attempt_started_at = started_at",
)


def _add_queue(connection: sqlite3.Connection) -> None:
    for statement in _VERSION_2:
        connection.execute(statement).close()


_VERSION_3 = (
    # Containers are labelled with it: only a store's own are adopted or removed.
    "CREATE TABLE identity (id TEXT NOT NULL) STRICT",
    "INSERT INTO identity VALUES (lower(hex(randomblob(16))))",
    # How far the spool of an attempt has been taken in.
    """CREATE TABLE spools (
  job_id INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  attempt INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (job_id, attempt)
) STRICT, WITHOUT ROWID""",
)


def _add_spools(connection: sqlite3.Connection) -> None:
    for statement in _VERSION_3:
        connection.execute(statement).close()


_VARIANTS = (
    *(
        f"ALTER TABLE results ADD COLUMN {column}"
        for column in (
            "baseline TEXT",
            "compared_rounds INTEGER",
            "baseline_latency_s REAL",
            "compared_latency_s REAL",
            "speedup REAL",
            "speedup_low REAL",
            "speedup_high REAL",
            "compared_clips INTEGER",
            "same_text INTEGER",
            "comparison_reason TEXT",
            "decoder_reason TEXT",
        )
    ),
    f"""CREATE TABLE proofs ({_CHILD}
  part TEXT NOT NULL,
  asked TEXT NOT NULL,
  found TEXT NOT NULL,{_CHILD_END}""",
    f"""CREATE TABLE figures ({_CHILD}
  name TEXT NOT NULL,
  value REAL NOT NULL,
  note TEXT,
  UNIQUE (result_id, name),{_CHILD_END}""",
    f"""CREATE TABLE decoder_steps ({_CHILD}
  position INTEGER NOT NULL,
  median_s REAL NOT NULL,
  low_s REAL NOT NULL,
  high_s REAL NOT NULL,
  iterations INTEGER NOT NULL,{_CHILD_END}""",
)


def _add_variants(connection: sqlite3.Connection) -> None:
    for statement in _VARIANTS:
        connection.execute(statement).close()


_SORTED_FIGURES = (
    *("model", "latency_s", "latency_p95_s", "rtfx", "energy_j", "joules_per_audio_hour"),
    *("flops", "rss_bytes", "wer"),
)
"""What people sort by most. With 100,000 results an index makes that five times quicker."""


def _index_figures(connection: sqlite3.Connection) -> None:
    for column in _SORTED_FIGURES:
        connection.execute(f"CREATE INDEX results_by_{column} ON results ({column})").close()


_PEAKS = (
    f"""CREATE TABLE peaks ({_CHILD}
  device TEXT NOT NULL,
  dtype TEXT NOT NULL,
  threads INTEGER,
  flops_per_s REAL NOT NULL,
  bytes_per_s REAL NOT NULL,
  detail TEXT NOT NULL,{_CHILD_END}""",
)


def _add_peaks(connection: sqlite3.Connection) -> None:
    for statement in _PEAKS:
        connection.execute(statement).close()


_FLEET = (
    # What a job needs of a node, as a JSON object with sorted keys; null where any will do.
    "ALTER TABLE jobs ADD COLUMN needs TEXT",
    # The share of the benchmark's cases that is its own, "2/4"; null for all.
    "ALTER TABLE jobs ADD COLUMN part TEXT",
    "ALTER TABLE jobs ADD COLUMN retries INTEGER NOT NULL DEFAULT 0 CHECK (retries >= 0)",
    "ALTER TABLE jobs ADD COLUMN node TEXT",
    "ALTER TABLE jobs ADD COLUMN avoid TEXT",
    # With 100,000 jobs the next one must be found without looking at all of them.
    "CREATE INDEX jobs_waiting ON jobs (priority DESC, position, id) WHERE state = 'queued'",
    "CREATE INDEX jobs_waiting_needs ON jobs (target, needs, priority DESC, position, id)"
    " WHERE state = 'queued'",
    "CREATE INDEX jobs_waiting_last ON jobs (position) WHERE state = 'queued'",
    "CREATE INDEX jobs_held ON jobs (machine) WHERE state IN ('starting', 'running')",
    "ALTER TABLE peaks ADD COLUMN model_s REAL",
)


def _add_fleet(connection: sqlite3.Connection) -> None:
    for statement in _FLEET:
        connection.execute(statement).close()


_ONE_ROUND = "one round of the batch cycle gives no interval"
_INTERVALS = (
    # An interval may be missing, for a reason; one of no width was none.
    "ALTER TABLE results ADD COLUMN latency_interval_reason TEXT",
    "ALTER TABLE results ADD COLUMN speedup_reason TEXT",
    f"UPDATE results SET latency_low_s = NULL, latency_high_s = NULL,"
    f" latency_interval_reason = '{_ONE_ROUND}' WHERE latency_low_s = latency_high_s",
    # Those of a bootstrap over rounds were too narrow.
    "UPDATE results SET speedup_low = NULL, speedup_high = NULL,"
    " speedup_reason = 'from a version whose intervals were too narrow'"
    " WHERE speedup IS NOT NULL",
    f"""CREATE TABLE stages_anew ({_CHILD}
  stage TEXT NOT NULL,
  median_s REAL NOT NULL,
  low_s REAL,
  high_s REAL,
  iterations INTEGER NOT NULL,
  interval_reason TEXT,{_CHILD_END}""",
    "INSERT INTO stages_anew SELECT result_id, seq, stage, median_s, nullif(low_s, high_s),"
    " CASE WHEN low_s < high_s THEN high_s END, iterations,"
    f" CASE WHEN low_s >= high_s THEN '{_ONE_ROUND}' END FROM stages",
    "DROP TABLE stages",
    "ALTER TABLE stages_anew RENAME TO stages",
)


def _add_interval_reasons(connection: sqlite3.Connection) -> None:
    for statement in _INTERVALS:
        connection.execute(statement).close()


def _add_promise(connection: sqlite3.Connection) -> None:
    connection.execute(
        "ALTER TABLE results ADD COLUMN same_text_promised INTEGER"
        " CHECK (same_text_promised IN (0, 1))"
    ).close()


MIGRATIONS: tuple[Migration, ...] = (
    _create,
    _add_queue,
    _add_spools,
    _add_variants,
    _index_figures,
    _add_peaks,
    _add_fleet,
    _add_interval_reasons,
    _add_promise,
)
