"""`asrprof serve` as a process: a run against it, its death, and what it refuses to start with."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from runner.cli import main
from runner.clips.builtin import read_builtin
from runner.engines.base import LoadRequest
from runner.load import load_engine
from store import Store

ROOT = Path(__file__).parents[2]


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The server of `small-whisper`, and its URL; its errors go to a file."""
    command = [sys.executable, "-m", "runner.cli", "serve", "small-whisper", "--port", "0"]
    command += ["--threads", "1"]
    with (
        (folder / "serve.err").open("w") as errors,
        subprocess.Popen(
            [*command, *options],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.search(r"http://\S+/v1", line)
            assert found is not None, (folder / "serve.err").read_text()
            yield process, found[0]
        finally:
            process.kill()


def config(folder: Path, models: list[Any], **load: Any) -> Path:
    path = folder / "serve.json"
    benchmark = {
        "name": "serve",
        "models": models,
        "audio_seconds": [5],
        "measures": ["latency", "quality", "load"],
        "limits": {
            "warmup_seconds": 0.5,
            "min_seconds": 0,
            "min_iterations": 1,
            "cycle_batches": 1,
            "threads": 1,
            "quality_utterances": 10,
        },
        "load": {"warmup_s": 0.5, "timeout_s": 30, **load},
    }
    path.write_text(json.dumps(benchmark))
    return path


def served(url: str) -> dict[str, Any]:
    return {"name": "small-whisper", "engine": "http", "server": {"url": url}}


def run(folder: Path, path: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "runner.cli", "run", str(path), *options],
        env={**os.environ, "PYTHONPATH": str(ROOT), "ASRPROF_STORE": str(folder / "a.db")},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.e2e
def test_its_words_are_those_of_the_engine_in_process(tmp_path: Path) -> None:
    with serving(tmp_path) as (_, url):
        path = config(tmp_path, [served(url)], concurrency=[4], duration_s=5)
        process = run(tmp_path, path)
        output, _ = process.communicate(timeout=280)
    assert process.returncode == 0, output
    assert (tmp_path / "serve.err").read_text() == "loading small-whisper (fp32) on cpu\n"
    with Store.open(tmp_path / "a.db", readonly=True) as store:
        (row,) = store.leaderboard()
        result = store.result(row.result_id).result
        (level,) = store.load_board()
    assert result.engine == "http"
    assert result.quality is not None and result.quality.scored == 10
    engine = load_engine(LoadRequest.of_checkpoint("small-whisper"))
    audio = {one.id: one.audio for one in read_builtin().utterances}
    for one in result.transcripts:
        assert engine.transcribe([audio[one.clip_id]]).texts == (one.hypothesis,)
    assert (level.engine, level.concurrency, level.errors) == ("http", 4, 0)
    assert level.wer is not None and level.wer < 0.1


@pytest.mark.e2e
def test_its_words_over_a_websocket_are_those_of_the_engine_in_process(tmp_path: Path) -> None:
    with serving(tmp_path) as (_, url):
        path = config(tmp_path, [served(url.replace("http", "ws"))], concurrency=[4], duration_s=8)
        refused = run(tmp_path, path)
        words, _ = refused.communicate(timeout=280)
        benchmark = json.loads(path.read_text())
        benchmark["measures"] = ["quality", "load"]
        benchmark["batch_sizes"] = [5]
        path.write_text(json.dumps(benchmark))
        process = run(tmp_path, path)
        output, _ = process.communicate(timeout=280)
    assert refused.returncode == 2 and 'leave "latency" out of "measures"' in words
    assert process.returncode == 0, output
    assert "4 streams" in output and "from the end of the speech" in output
    with Store.open(tmp_path / "a.db", readonly=True) as store:
        (row,) = store.leaderboard()
        result = store.result(row.result_id).result
        (level,) = store.load_board()
    assert result.quality is not None and result.quality.scored == 10
    engine = load_engine(LoadRequest.of_checkpoint("small-whisper"))
    audio = {one.id: one.audio for one in read_builtin().utterances}
    same = 0
    for one in result.transcripts:
        # Speech at 24 kHz and back is a sample's rounding away from what it was.
        same += engine.transcribe([audio[one.clip_id]]).texts == (one.hypothesis,)
    assert same >= 9
    assert (level.paced, level.concurrency, level.errors) == (1, 4, 0)
    assert level.wer is not None and level.wer < 0.1
    assert level.rtfx is not None and 1 < level.rtfx <= 4.5
    assert level.mean_ms is not None and 0 < level.mean_ms < 3000


@pytest.mark.e2e
def test_its_death_under_load_leaves_the_rows(tmp_path: Path) -> None:
    with serving(tmp_path) as (server, url):
        path = config(
            tmp_path, [served(url)], mode="open", rate_per_s=[1, 2], duration_s=20, warmup_s=0
        )
        process = run(tmp_path, path, "--events")
        assert process.stdout is not None
        for line in process.stdout:
            if "load: 1 a second" in line:
                time.sleep(2)
                os.kill(server.pid, signal.SIGKILL)
                break
        rest = process.stdout.read()
        process.wait(timeout=280)
    assert process.returncode == 0, rest
    with Store.open(tmp_path / "a.db", readonly=True) as store:
        first, second = store.load_board()
    assert first.errors > 0 and second.errors == second.requests > 0
    for found in (first, second):
        kinds = set(json.loads(found.errors_by_kind or "{}"))
        assert kinds <= {"connect", "disconnect", "abandoned"} and "connect" in kinds


@pytest.mark.e2e
def test_a_signal_ends_it(tmp_path: Path) -> None:
    with serving(tmp_path) as (process, _):
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    assert "Traceback" not in (tmp_path / "serve.err").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("small-whisperer",), "did you mean"),
        (("small-whisper", "--engine", "http"), "cannot be one"),
        (("small-whisper", "--variant", "fp33"), "fp33"),
        (("small-whisper", "--device", "gpu"), 'use "cpu", "cuda"'),
        (("small-whisper", "--host", "0.0.0.0"), "name the variable of a key with --key-env"),
        (("small-whisper", "--key-env", "NO_SUCH_KEY"), "NO_SUCH_KEY is not set"),
        (("small-whisper", "--key-env", "no name"), "--key-env"),
        (("small-whisper", "--max-batch", "0"), "--max-batch"),
    ],
)
def test_what_it_cannot_start_with(
    arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", *arguments]) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1


def test_a_port_that_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["serve", "small-whisper", "--port", port]) == 2
    assert "choose others with --host and --port" in capsys.readouterr().err
