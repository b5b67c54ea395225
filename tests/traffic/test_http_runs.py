"""Whole runs against servers on loopback, in processes of their own."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.config.server import Server
from runner.traffic.generator import Held, hold
from runner.traffic.openai_http import HttpTarget
from runner.traffic.summary import summarise
from store import Store
from tests.traffic.faulty_server import KINDS
from tests.traffic.simulated import level

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).parents[2]
KEY = "sk-0123456789-secret"


@contextmanager
def server(seconds: float, *key: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    with program("quick_server.py", str(seconds), *key) as started:
        yield started


@contextmanager
def program(name: str, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server of this folder that prints its port, and its URL."""
    command = [sys.executable, str(Path(__file__).parent / name), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
        finally:
            process.kill()


def config(folder: Path, url: str, **load: Any) -> Path:
    path = folder / "http.json"
    benchmark = {
        "name": "http",
        "models": [
            {"name": "whisper-1", "engine": "http", "server": {"url": url, "key_env": "SOME_KEY"}}
        ],
        "audio_seconds": [5],
        "measures": ["latency", "memory", "energy", "flops", "quality", "load"],
        "limits": {"warmup_seconds": 1, "min_seconds": 0, "cycle_batches": 1},
        "load": {"duration_s": 2, "warmup_s": 0.5, "timeout_s": 5, **load},
    }
    path.write_text(json.dumps(benchmark))
    return path


def asrprof(folder: Path, path: Path, *options: str, key: str = KEY) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "runner.cli", "run", str(path), *options],
        env={**os.environ, "SOME_KEY": key, "PYTHONPATH": str(ROOT), "COLUMNS": "120",
             "ASRPROF_STORE": str(folder / "a.db")},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )  # fmt: skip


@pytest.mark.timed
def test_words_latency_and_load_of_a_server(tmp_path: Path) -> None:
    with server(0.02, KEY) as (_, url):
        process = asrprof(tmp_path, config(tmp_path, url, concurrency=[1, 4]))
        output, _ = process.communicate(timeout=250)
    assert process.returncode == 0, output
    assert "4 at once" in output
    with Store.open(tmp_path / "a.db", readonly=True) as store:
        (row,) = store.leaderboard()
        result = store.result(row.result_id).result
        levels = store.load_board()
    assert (result.engine, result.state, result.memory) == ("http", "ok", None)
    assert result.energy_reason == "a server computes it, into which asrprof cannot look"
    assert result.latency is not None and result.latency.median_s >= 0.02
    assert result.quality is not None and result.quality.scored == 110
    assert [found.concurrency for found in levels] == [1, 4]
    assert all(found.errors == 0 and found.max_batch is None for found in levels)
    for found in levels:
        assert found.requests_per_s is not None and found.mean_ms is not None
        assert found.concurrency is not None
        assert 0 < found.requests_per_s <= found.concurrency / 0.02
        # Little's law, but for the ends of the counted time.
        assert found.requests_per_s * found.mean_ms / 1000 == pytest.approx(
            found.concurrency, rel=0.25
        )
        assert found.wer is not None and found.wer > 0.5
    texts = [output, *(file.read_bytes().decode("latin-1") for file in tmp_path.iterdir())]
    assert not any(KEY in text for text in texts)


def test_a_server_that_is_killed_under_load_leaves_its_rows(tmp_path: Path) -> None:
    with server(0.02, KEY) as (process, url):
        run = asrprof(
            tmp_path,
            config(tmp_path, url, mode="open", rate_per_s=[20, 10], duration_s=6),
            "--events",
        )
        assert run.stdout is not None
        for line in run.stdout:
            if "load: 20 a second" in line:
                process.kill()
                break
        rest = run.stdout.read()
        run.wait(timeout=250)
    assert run.returncode == 0, rest
    with Store.open(tmp_path / "a.db", readonly=True) as store:
        levels = store.load_board()
    assert [found.rate for found in levels] == [20.0, 10.0]
    for found in levels:
        assert found.held == 0
        assert found.reason is not None and "requests failed" in found.reason
        assert found.errors_by_kind is not None
        kinds = set(json.loads(found.errors_by_kind))
        assert kinds <= {"connect", "disconnect", "abandoned"} and "connect" in kinds


def test_each_fault_of_a_server_has_its_row_and_none_shows_the_key(tmp_path: Path) -> None:
    with program("faulty_server.py") as (_, url):
        path = config(tmp_path, url, concurrency=[4], duration_s=4, warmup_s=0, timeout_s=1)
        benchmark = json.loads(path.read_text())
        path.write_text(json.dumps({**benchmark, "measures": ["latency", "load"]}))
        run = asrprof(tmp_path, path)
        output, _ = run.communicate(timeout=250)
        assert run.returncode == 0, output
    report = subprocess.run(
        [sys.executable, "-m", "runner.cli", "report", "--out", "report", "--format", "html"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "ASRPROF_STORE": str(tmp_path / "a.db")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert report.returncode == 0, report.stderr
    with Store.open(tmp_path / "a.db", readonly=True) as store:
        (found,) = store.load_board()
    kinds = json.loads(found.errors_by_kind or "{}")
    assert set(kinds) == KINDS
    assert sum(kinds.values()) == found.errors and found.requests > found.errors
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert any(b"429" in file.read_bytes() for file in files if file.suffix == ".html")
    assert not any(KEY.encode() in file.read_bytes() for file in files)
    assert KEY not in output + report.stdout + report.stderr


@pytest.mark.parametrize("what", ["nobody", "wrong key", "no key", "web site"])
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, what: str) -> None:
    with server(0.0, KEY) as (process, url):
        address = url
        if what == "nobody":
            process.kill()
            process.wait()
        if what == "web site":
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
            command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
            site = subprocess.Popen(
                command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            address = f"http://127.0.0.1:{port}/v1"
            for _ in range(600):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                asyncio.run(asyncio.sleep(0.05))
        key = {"wrong key": "sk-wrong-987654", "no key": ""}.get(what, KEY)
        run = asrprof(tmp_path, config(tmp_path, address), key=key)
        output, _ = run.communicate(timeout=250)
        if what == "web site":
            site.kill()
            site.wait()
    assert run.returncode == 1
    assert "Traceback" not in output
    with Store.open(tmp_path / "a.db", readonly=True) as store:
        (row,) = store.leaderboard()
    assert (row.state, row.reason is not None and "\n" not in row.reason) == ("refused", True)
    words = {
        "nobody": "start the server, or correct server.url",
        "wrong key": "HTTP 401: no such key Bearer ***; set the variable of server.key_env",
        "no key": "the environment variable SOME_KEY is not set",
        "web site": "is this a server of transcriptions?",
    }
    assert row.reason is not None and words[what] in row.reason
    assert "sk-" not in output + row.reason


@pytest.mark.timed
def test_five_hundred_requests_a_second() -> None:
    """One core has the time for them; how late they were on this machine as it is, is printed."""
    spent_s = 0.0

    async def work(url: str) -> tuple[Held, Held]:
        nonlocal spent_s
        target = HttpTarget(Server(url=url), "any", [np.zeros(1600, np.float32)] * 10)
        await target.begin()
        try:
            four = level(concurrency=4, rate_per_s=None, warmup_s=0.0, duration_s=3.0)
            before = time.process_time()
            closed = await hold(target, four, 10)
            spent_s = time.process_time() - before
            rate = level(rate_per_s=500.0, warmup_s=1.0, duration_s=4.0, slo_p95_s=60.0)
            return closed, await hold(target, rate, 10)
        finally:
            await target.close()

    with server(0.001) as (_, url):
        closed, held = asyncio.run(work(url))
    found = summarise(held, [0.1] * 10, seed=1)
    each_s = spent_s / len(closed.requests)
    assert found.send_delay_p99_s is not None and found.requests_per_s is not None
    print(
        f"{found.requests_per_s:.0f} a second, {1000 * each_s:.2f} ms of CPU each, "
        f"own delay p99 {1000 * found.send_delay_p99_s:.2f} ms"
    )
    assert found.held and found.errors == 0
    assert len(held.requests) == pytest.approx(2500, rel=0.1)
    assert each_s < 1 / 500
