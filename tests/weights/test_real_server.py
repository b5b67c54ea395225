"""Somebody else's server with real weights under load: faster-whisper-server on whisper-tiny.en."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from runner.clips.builtin import read_builtin
from store import Store
from store.load_board import LoadRow
from tests.service.test_serve import run as run_config
from tests.weights.whisper import load

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).parents[2]
NAME = "whisper-tiny.en"
AS_IN_PROCESS: dict[str, Any] = {
    "language": "en",
    "beam_size": 1,
    "temperature": 0.0,
    "without_timestamps": True,
    "condition_on_previous_text": False,
    "compression_ratio_threshold": None,
    "log_prob_threshold": None,
    "no_speech_threshold": None,
}
"""Has it decode as asrprof does: by itself it takes beams, time stamps and retries."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextmanager
def serving(
    folder: Path, packages: Path, weights: Path
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The server's process, and its URL. It loads the model at the first request."""
    model = {
        # What it takes a request for that names no model as this server calls the field.
        "name": "whisper-1",
        "path": str(weights / f"{NAME}-ct2"),
        "model_options": {"device": "cpu", "compute_type": "float32", "cpu_threads": 1},
        "transcribe_options": AS_IN_PROCESS,
    }
    (folder / "server.yaml").write_text(yaml.safe_dump({"models": [model]}))
    port = free_port()
    command = [sys.executable, "-m", "faster_whisper_server", "--config", "server.yaml"]
    with (
        (folder / "server.log").open("w") as log,
        subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            env={**os.environ, "PYTHONPATH": str(packages), "HF_HUB_OFFLINE": "1"},
            cwd=folder,
            stdout=log,
            stderr=log,
        ) as process,
    ):
        try:
            for _ in range(1200):
                assert process.poll() is None, (folder / "server.log").read_text()
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
                    break
                except OSError:
                    time.sleep(0.1)
            yield process, f"http://127.0.0.1:{port}/v1"
        finally:
            process.kill()


def run(folder: Path, url: str, load: dict[str, Any], *options: str) -> subprocess.Popen[str]:
    """`asrprof run` against the server."""
    benchmark = {
        "name": "real-server",
        "models": [{"name": NAME, "engine": "http", "server": {"url": url}}],
        "audio_seconds": [5],
        "measures": ["quality", "load"],
        "limits": {"quality_utterances": 6},
        "load": {"timeout_s": 60, "slo": {"p95_s": 30}, **load},
    }
    path = folder / "real-server.json"
    path.write_text(json.dumps(benchmark))
    return run_config(folder, path, *options)


def levels(folder: Path) -> tuple[LoadRow, ...]:
    with Store.open(folder / "a.db", readonly=True) as store:
        return tuple(store.load_board())


def test_its_words_under_load_are_those_of_the_engine_in_process(
    tmp_path: Path, server_packages: Path, real_weights: Path, kept_conversions: None
) -> None:
    pytest.importorskip("faster_whisper")
    with serving(tmp_path, server_packages, real_weights) as (_, url):
        process = run(tmp_path, url, {"concurrency": [1, 2, 4, 8], "duration_s": 2, "warmup_s": 0})
        output, _ = process.communicate(timeout=280)
        assert process.returncode == 0, output
        closed = levels(tmp_path)
        process = run(
            tmp_path,
            url,
            {"mode": "open", "rate_per_s": [1, 2], "duration_s": 3, "warmup_s": 0},
        )
        output, _ = process.communicate(timeout=280)
        assert process.returncode == 0, output
    found = levels(tmp_path)
    assert [one.concurrency for one in closed] == [1, 2, 4, 8]
    assert sorted(one.rate for one in found if one.rate is not None) == [1.0, 2.0]
    for one in found:
        assert (one.held, one.errors, one.texts_changed) == (1, 0, 0)
        assert one.wer is not None and one.wer < 1
    # It computes one after the other: clients that are more wait longer.
    assert closed[0].mean_ms is not None and closed[3].mean_ms is not None
    assert closed[3].mean_ms > 2 * closed[0].mean_ms
    with Store.open(tmp_path / "a.db", readonly=True) as store:
        transcripts = store.result(store.leaderboard()[0].result_id).result.transcripts
    engine = load(real_weights / NAME, engine="faster-whisper")
    audio = {one.id: one.audio for one in read_builtin().utterances}
    assert len(transcripts) == 6
    for said in transcripts:
        assert engine.transcribe([audio[said.clip_id]]).texts[0].strip() == said.hypothesis.strip()


def test_its_death_under_load_leaves_the_rows(
    tmp_path: Path, server_packages: Path, real_weights: Path
) -> None:
    with serving(tmp_path, server_packages, real_weights) as (server, url):
        process = run(
            tmp_path, url, {"concurrency": [2, 4], "duration_s": 12, "warmup_s": 0}, "--events"
        )
        assert process.stdout is not None
        for line in process.stdout:
            if "load: 2 at once" in line:
                time.sleep(3)
                server.kill()
                break
        rest = process.stdout.read()
        process.wait(timeout=280)
    assert process.returncode == 0, rest
    first, second = levels(tmp_path)
    assert first.errors > 0
    assert second.errors == second.requests > 0
    for found in (first, second):
        kinds = json.loads(found.errors_by_kind or "{}")
        assert set(kinds) <= {"connect", "disconnect", "abandoned"} and "connect" in kinds
        assert sum(kinds.values()) == found.errors
