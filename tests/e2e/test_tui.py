"""The terminal UI as its users have it: a real terminal, real runners, and keys alone."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from store import Store
from tests.e2e.terminal import Terminal

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not Terminal.is_there(), reason="no tmux"),
]

QUICK = {
    "name": "quick",
    "models": ["small-parakeet-ctc", "small-whisper"],
    "audio_seconds": [5],
    "batch_sizes": [1, 2],
    "measures": ["latency", "stages", "memory", "operators", "quality"],
    "limits": {
        "threads": 1,
        "warmup_seconds": 1,
        "min_iterations": 8,
        "min_seconds": 3,
        "cycle_batches": 2,
        "stage_iterations": 2,
        "quality_utterances": 4,
    },
}


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    (tmp_path / "quick.json").write_text(json.dumps(QUICK))
    started = Terminal(tmp_path)
    yield started
    store = tmp_path / "results" / "asrprof.db"
    if store.exists():
        with Store.open(store) as opened:
            for job in opened.attempts.held():
                opened.queue.cancel(job.id)
    started.close()


def image_is_there() -> bool:
    try:
        done = subprocess.run(
            ["docker", "image", "inspect", "asrprof-runner:cpu"], capture_output=True, check=False
        )
    except OSError:
        return False
    return done.returncode == 0


@pytest.mark.parametrize(
    "target",
    [
        "local",
        pytest.param("docker-cpu", marks=pytest.mark.docker),
    ],
)
def test_from_an_empty_store_to_figures(terminal: Terminal, tmp_path: Path, target: str) -> None:
    if target == "docker-cpu" and not image_is_there():
        pytest.skip("no engine, or no image asrprof-runner:cpu")
    terminal.wait_for("Nothing has been measured yet.")
    # One key queues the demo; it would take minutes, so the queue is held and it is cancelled.
    terminal.type("3")
    terminal.wait_for("This app starts the jobs, one at a time.")
    terminal.type("p")
    terminal.wait_for("Paused")
    terminal.type("1", "d")
    terminal.wait_for("demo queued as job 1")
    terminal.type("3", "x")
    terminal.wait_for("cancelled")
    # The config of this folder: the form counts its cases; queued on the target.
    terminal.type("2")
    terminal.wait_for("quick.json")
    terminal.type("End")
    terminal.wait_for("4 cases, about")
    terminal.type("a")
    terminal.wait_for("Queue quick")
    if target == "docker-cpu":
        terminal.type("Right")
    terminal.wait_for(f"[{target}]")
    terminal.type("Enter")
    terminal.wait_for(f"queued as job 2 on {target}", 120)
    terminal.type("3", "p")
    terminal.wait_for("running", 180)
    # Watch it: the case in hand, latencies as they come, the finished cases.
    terminal.type("4")
    terminal.wait_for("case small-", 120)
    terminal.wait_for("pass latency", 120)
    terminal.wait_for("Finished cases")
    terminal.wait_for("done  job 2 quick", 300)
    screen = terminal.wait_for("4/4 cases")
    assert "small-whisper" in screen
    watch_results(terminal, tmp_path)
    terminal.type("q")
    with Store.open(tmp_path / "results" / "asrprof.db", readonly=True) as store:
        one, two = store.jobs()
        assert (one.state, one.cases_done) == ("cancelled", 0)
        assert (two.state, two.target, two.cases_done) == ("done", target, 4)
        assert store.counts(2).ok == 4


def watch_results(terminal: Terminal, folder: Path) -> None:
    """Opens a result, sees charts, compares two, exports them."""
    terminal.type("5")
    terminal.wait_for("4 results, the newest first")
    terminal.wait_for("/ Filter")  # Keys are the table's from here on.
    terminal.type("/")
    terminal.write("whisper batch=2")
    terminal.wait_for("whisper batch=2")
    terminal.type("Enter")
    terminal.wait_for("1 of 4 results")
    terminal.type("Enter")
    terminal.wait_for("small-whisper  cpu fp32  5 s x 2")
    terminal.wait_for("95 % interval")
    for words in ("Timed in a pass of their own", "one for each batch", "Sources", "aten::"):
        terminal.type("]")
        if words != "Sources":  # The config of this test measures no energy.
            terminal.wait_for(words)
    terminal.type("]")
    terminal.wait_for("+too many+")
    terminal.type("Escape")
    terminal.wait_without("Transcripts")
    terminal.type("Escape")
    terminal.wait_without("1 of 4 results")
    terminal.type("]")
    terminal.wait_for("Word error rate of utterances by RTFx, 5 s of audio")
    terminal.wait_for("Pareto front")
    terminal.type("n", "n")
    terminal.wait_for("Latency by batch size, 5 s of audio")
    terminal.type("[", "Space", "Space")
    terminal.wait_for("2 marked")
    terminal.type("c")
    screen = terminal.wait_for("Compared with A")
    assert "latency ms" in screen
    terminal.type("[", "[", "u", "w")
    terminal.wait_for("Write to a file")
    terminal.type("Enter")
    terminal.wait_for("wrote")
    rows = (folder / "results.csv").read_text(encoding="utf-8").splitlines()
    assert rows[0].startswith("result_id,job_id,benchmark,model,")
    assert len(rows) == 5
