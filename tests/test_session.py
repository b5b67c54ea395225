"""Whole runs through the command, and every way they can be cut short."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from store import Store, Transcript
from tests.checkpoints import save_ctc
from tests.conftest import clean_environment

QUICK = {
    "warmup_seconds": 0.2,
    "min_seconds": 0,
    "min_iterations": 4,
    "cycle_batches": 2,
    "stage_iterations": 2,
    "quality_utterances": 4,
    "threads": 1,
}
EVERYTHING = ["latency", "stages", "memory", "flops", "operators", "quality"]

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a config for the small local checkpoint, with some fields changed."""
    save_ctc(tmp_path / "model")

    def make(**changes: Any) -> Path:
        document = {
            "name": "quick",
            "models": [str(tmp_path / "model")],
            "audio_seconds": [5],
            "measures": EVERYTHING,
            "limits": QUICK,
            **changes,
        }
        path = tmp_path / "config.json"
        path.write_text(json.dumps(document))
        return path

    return make


def rows(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(folder / "results" / "asrprof.db") as connection:
        return connection.execute(sql).fetchall()


@contextmanager
def running(config: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A runner in the background, in a process group of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "runner", "--config", str(config), "--quiet", *options],
        cwd=config.parent,
        env=clean_environment(config.parent),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def wait_for(condition: Callable[[], bool], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def results_written(folder: Path) -> int:
    try:
        return int(rows(folder, "select count(*) from results")[0][0])
    except sqlite3.OperationalError:
        return 0


def case_processes(pid: int) -> list[psutil.Process]:
    """Processes forked for cases and their models, below the server that forks them."""
    found = psutil.Process(pid).children(recursive=True)
    parents = {process.pid for process in found}
    children = []
    for process in found:
        with suppress(psutil.NoSuchProcess):
            if process.ppid() in parents:
                children.append(process)
    return children


def named(pid: int, name: str) -> list[psutil.Process]:
    """Those of a run that call themselves so: ``asrprof-case``, ``asrprof-holder``."""
    found = []
    for process in case_processes(pid):
        with suppress(psutil.NoSuchProcess):
            if process.name() == name:
                found.append(process)
    return found


@pytest.mark.e2e
def test_a_run_gives_rows_with_every_figure_and_runs_again_the_same(write, tmp_path, run_asrprof):
    config = write(batch_sizes=[1, 4], limits={**QUICK, "min_iterations": 8})
    for options in ((), ("--events",)):
        done = run_asrprof("--config", str(config), *options)
        assert done.returncode == 0, done.stderr
    events_are_whole(done.stdout)
    with Store.open(tmp_path / "results" / "asrprof.db", readonly=True) as store:
        assert [job.state for job in store.jobs()] == ["done", "done"]
        found = [store.result(row.result_id).result for row in store.leaderboard()]
    assert len(found) == 4
    for result in found:
        latency = result.latency
        assert latency.low_s <= latency.median_s <= latency.high_s
        # One round of the cycle, which has no interval.
        assert {(stage.low_s, stage.interval_reason) for stage in result.stages} == {
            (None, "fewer than 4 rounds of the batch cycle give no interval")
        }
        loop = [sample for sample in result.samples if sample.kind == "latency"]
        assert len(loop) == latency.iterations
        assert latency.iterations >= 8
        assert latency.iterations % len({sample.batch for sample in loop}) == 0, "whole rounds"
        assert latency.rtfx == pytest.approx(latency.audio_s / latency.median_s)
        assert latency.audio_s <= result.audio_seconds * result.batch_size
        assert {stage.stage for stage in result.stages} == {
            "features",
            "transfer",
            "encode",
            "text",
        }
        assert result.memory.rss_bytes > result.memory.rss_before_bytes > 0
        assert sum(operator.share for operator in result.operators) == pytest.approx(1)
        assert len(result.transcripts) == 4
        assert result.quality.wer is not None
        assert result.environment.cpu_model
    first, again = found[:2], found[2:]
    for one, other in zip(first, again, strict=True):
        assert one.clips_fingerprint == other.clips_fingerprint
        assert untimed(one.transcripts) == untimed(other.transcripts)


def untimed(transcripts: tuple[Transcript, ...]) -> list[Transcript]:
    """Without what differs from run to run."""
    return [replace(transcript, seconds=None) for transcript in transcripts]


@pytest.mark.e2e
def test_kill_9_then_resume_neither_loses_nor_doubles_a_row(write, tmp_path, run_asrprof):
    config = write(batch_sizes=[1, 2, 3, 4], measures=["latency"])
    with running(config) as process:
        wait_for(lambda: results_written(tmp_path) >= 1 and bool(case_processes(process.pid)))
        orphans = case_processes(process.pid)
        process.kill()
        process.wait()
    psutil.wait_procs(orphans, timeout=10)
    assert not [p for p in orphans if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
    before = rows(tmp_path, "select id, case_key, created_at from results order by id")
    assert 1 <= len(before) < 4
    assert rows(tmp_path, "select state from jobs") == [("running",)]
    done = run_asrprof("--config", str(config), "--resume", "--quiet")
    assert done.returncode == 0, done.stderr
    after = rows(tmp_path, "select id, case_key, created_at from results order by id")
    assert after[: len(before)] == before
    assert len({key for _, key, _ in after}) == len(after) == 4
    assert rows(tmp_path, "select state, attempt from jobs") == [("done", 2)]
    assert rows(tmp_path, "pragma integrity_check") == [("ok",)]


@pytest.mark.e2e
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_keeps_the_rows_and_says_so(write, tmp_path, number):
    config = write(batch_sizes=[1, 2, 3, 4, 5, 6, 7, 8])
    with running(config) as process:
        wait_for(lambda: results_written(tmp_path) >= 1)
        # As a terminal does it: every process of the group gets the signal.
        os.killpg(process.pid, number)
        assert process.wait(timeout=90) == 128 + number
    assert rows(tmp_path, "select state, reason from jobs") == [
        ("cancelled", f"interrupted by {number.name}")
    ]
    assert 1 <= results_written(tmp_path) < 8


@pytest.mark.e2e
def test_a_signal_while_everything_starts_is_no_traceback(write, tmp_path):
    config = write(batch_sizes=[1, 2])
    with running(config) as process:
        wait_for((tmp_path / "results" / "asrprof.db").exists)
        time.sleep(0.7)
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=90)
    assert process.returncode == 130
    assert "Traceback" not in errors


@pytest.mark.e2e
def test_resume_refuses_other_speech(write, tmp_path, run_asrprof):
    config = write(batch_sizes=[1, 2, 3], limits={**QUICK, "min_seconds": 2})
    with running(config) as process:
        wait_for(lambda: results_written(tmp_path) >= 1)
        process.kill()
        process.wait()
    with sqlite3.connect(tmp_path / "results" / "asrprof.db") as connection:
        connection.execute("update results set clips_fingerprint = 'others'")
    done = run_asrprof("--config", str(config), "--resume")
    assert done.returncode == 2
    assert "the speech has changed" in done.stderr
    assert results_written(tmp_path) < 3


@pytest.mark.e2e
def test_resume_with_nothing_to_resume_is_one_line(write, run_asrprof):
    config = write()
    assert run_asrprof("--config", str(config), "--quiet").returncode == 0
    # Quiet: a note would tell of a run that another test has beside this one.
    done = run_asrprof("--config", str(config), "--resume", "--quiet")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "nothing to resume" in done.stderr


@pytest.mark.e2e
def test_a_case_out_of_memory_is_a_row_and_the_sweep_goes_on(write, tmp_path, run_asrprof):
    small = str(tmp_path / "model")
    config = write(
        models=[{"name": "openai/whisper-medium", "weights": "random"}, small],
        measures=["latency", "memory"],
        limits={**QUICK, "memory_bytes": 900_000_000},
    )
    done = run_asrprof("--config", str(config))
    assert done.returncode == 1
    (_, oom, reason), (_, ok, _) = rows(tmp_path, "select model, state, reason from results")
    assert (oom, ok) == ("oom", "ok")
    assert "memory" in reason
    assert "limits.memory_bytes" in reason
    assert reason.split(" (limits")[0] in done.stdout


@pytest.mark.e2e
def test_a_killed_case_is_a_failed_row(write, tmp_path):
    config = write(
        measures=["latency"],
        batch_sizes=[1, 2],
        exclude=[],
        limits={**QUICK, "min_seconds": 2, "min_iterations": 1},
    )
    with running(config) as process:
        wait_for(lambda: bool(named(process.pid, "asrprof-case")))
        named(process.pid, "asrprof-case")[0].kill()
        assert process.wait(timeout=60) == 1
    found = rows(tmp_path, "select state, reason from results order by id")
    assert found[0] == ("failed", "killed by SIGKILL")
    assert found[1][0] == "ok"


@pytest.mark.e2e
def test_a_case_that_takes_too_long_is_stopped(write, tmp_path, run_asrprof):
    config = write(limits={**QUICK, "min_seconds": 600, "case_seconds": 8})
    done = run_asrprof("--config", str(config), "--quiet")
    assert done.returncode == 1
    assert rows(tmp_path, "select state, reason, latency_s from results") == [
        ("failed", "stopped after 8 s (limits.case_seconds)", None)
    ]


@pytest.mark.e2e
def test_a_case_that_is_stopped_late_keeps_the_figures_it_had(write, tmp_path, run_asrprof):
    slow = {"comparison_rounds": 1000, "max_seconds": 600, "case_seconds": 12}
    config = write(
        measures=["latency", "stages", "comparison"],
        variants=["fp32", "int8-dynamic"],
        batch_sizes=[64],
        limits={**QUICK, **slow},
    )
    done = run_asrprof("--config", str(config), "--quiet")
    assert done.returncode == 1
    sql = "select id, state, reason, latency_s from results where variant = 'int8-dynamic'"
    ((case, state, reason, latency),) = rows(tmp_path, sql)
    assert (state, reason) == ("failed", "stopped after 12 s (limits.case_seconds)")
    assert latency > 0
    assert rows(tmp_path, f"select count(*) from stages where result_id = {case}")[0][0] == 4


@pytest.mark.e2e
def test_a_case_that_dies_late_keeps_the_figures_it_had(write, tmp_path):
    config = write(
        measures=["latency", "stages", "load"], load={"concurrency": [1], "duration_s": 600}
    )

    def under_load() -> bool:
        if not (tmp_path / "results" / "asrprof.db").exists():
            return False
        said = rows(tmp_path, "select data from events where kind = 'case-progress'")
        return any("at once" in str(data) for (data,) in said)

    with running(config) as process:
        wait_for(under_load)
        named(process.pid, "asrprof-case")[0].kill()
        assert process.wait(timeout=60) == 1
    ((state, reason, latency),) = rows(tmp_path, "select state, reason, latency_s from results")
    assert (state, reason) == ("failed", "killed by SIGKILL")
    assert latency > 0
    assert rows(tmp_path, "select count(*) from stages")[0][0] == 4


@pytest.mark.e2e
def test_what_cannot_be_loaded_is_refused_once_and_said_for_each_case(write, tmp_path, run_asrprof):
    config = write(models=["openai/whisper-tiny"], batch_sizes=[1, 2, 4])
    done = run_asrprof("--config", str(config))
    assert done.returncode == 1
    found = rows(tmp_path, "select state, reason, wall_s from results order by id")
    assert [state for state, _, _ in found] == ["refused"] * 3
    assert all("HF_HUB_OFFLINE" in reason for _, reason, _ in found)
    assert [wall_s for _, _, wall_s in found][1:] == [0, 0]


@pytest.mark.e2e
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_full_disk_is_one_line_and_the_store_stays_whole(write, tmp_path, run_asrprof):
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(small)], check=True)
    try:
        config = write(batch_sizes=list(range(1, 9)))
        done = run_asrprof("--config", str(config), "--quiet", "--store", str(small / "r.db"))
        assert done.returncode == 2, done.stderr
        assert done.stderr.count("\n") == 1
        assert "full" in done.stderr
        assert "Traceback" not in done.stderr
    finally:
        subprocess.run(["umount", str(small)], check=True)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: (folder / "manifest.jsonl").unlink(), "manifest"),
        (lambda folder: (folder / "a.flac").write_bytes(b"fLaC broken"), "a.flac"),
        (lambda folder: _manifest(folder, '{"file": "a.flac", "text": ""}'), "empty"),
        (lambda folder: _manifest(folder, '{"file": "a.flac", "text": NaN}'), "NaN"),
        (lambda folder: _manifest(folder, '{"file": "b.flac", "text": "b"}'), "b.flac"),
    ],
    ids=["no-manifest", "broken-flac", "empty-transcript", "nan", "missing-file"],
)
def test_bad_data_is_one_line_and_exit_code_2(write, tmp_path, run_asrprof, spoil, words):
    folder = tmp_path / "speech"
    folder.mkdir()
    _manifest(folder, '{"file": "a.flac", "text": "a"}')
    (folder / "a.flac").write_bytes(b"")
    spoil(folder)
    done = run_asrprof(
        "--config", str(write(data={"source": "folder", "path": str(folder)})), "--quiet"
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert words in done.stderr


def _manifest(folder: Path, line: str) -> None:
    (folder / "manifest.jsonl").write_text(line + "\n")


@pytest.mark.e2e
def test_a_reader_that_leaves_does_not_end_the_run(write, tmp_path):
    command = [
        sys.executable,
        "-m",
        "runner",
        "--config",
        str(write(batch_sizes=[1, 2])),
        "--events",
    ]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=clean_environment(tmp_path), stdout=subprocess.PIPE
    )
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=120) == 0
    assert results_written(tmp_path) == 2


def events_are_whole(printed: str) -> None:
    """Each is a line of JSON."""
    events = [json.loads(line) for line in printed.splitlines()]
    kinds = [event["event"] for event in events]
    assert kinds[-1] == "JobFinished"
    assert {"JobStarted", "CaseStarted", "CaseProgress", "CaseFinished"} <= set(kinds)
    finished = next(event for event in events if event["event"] == "CaseFinished")
    assert finished["result"]["latency"]["median_s"] > 0
    assert max(len(line) for line in printed.splitlines()) < 8192, "fits a container's log"
