"""`asrprof queue`, `work` and `logs`."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from store import JobRequest, Store, process_owner
from tests.cli.conftest import Ran
from tests.cli.records import HOSTILE, failed, result

Asrprof = Callable[..., Ran]

BROKEN = '{"name": "x", "models": ["pocketsphinx"], "modles": []}'
CONFIG = {"name": "quick", "models": ["pocketsphinx"], "audio_seconds": [5], "batch_sizes": [1, 2]}


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "quick.json"
    path.write_text(json.dumps(CONFIG))
    return str(path)


@pytest.fixture
def three_jobs(asrprof: Asrprof, config: str) -> Path:
    """A store with jobs 1 to 3, in the working folder's default place."""
    for _ in range(3):
        assert asrprof("queue", "add", config).code == 0
    return Path("results/asrprof.db")


def listed(asrprof: Asrprof) -> list[tuple[int, str]]:
    ran = asrprof("queue", "list", "--json")
    return [(job["id"], job["state"]) for job in json.loads(ran.out)]


def test_add(asrprof: Asrprof, config: str, tmp_path: Path) -> None:
    ran = asrprof("queue", "add", config)
    assert (ran.code, ran.out) == (0, "job 1 queued on local: quick, 2 cases\n")
    options = ("--priority", "7", "--time-limit", "90", "--set", "batch_sizes=[4]", "--json")
    job = json.loads(asrprof("queue", "add", config, *options).out)
    assert (job["priority"], job["time_limit_s"], job["cases_total"]) == (7, 90.0, 1)
    assert (job["state"], job["target"], job["folder"]) == ("queued", "local", str(tmp_path))
    assert listed(asrprof) == [(2, "queued"), (1, "queued")]


@pytest.mark.usefixtures("three_jobs")
def test_move_cancel_retry_rm(asrprof: Asrprof) -> None:
    assert asrprof("queue", "move", "3", "--top").out == "job 3 is number 1 of 3\n"
    assert asrprof("queue", "move", "3", "--after", "1").out == "job 3 is number 2 of 3\n"
    assert asrprof("queue", "move", "1", "--bottom").out == "job 1 is number 3 of 3\n"
    assert asrprof("queue", "move", "1", "--before", "2").out == "job 1 is number 2 of 3\n"
    assert listed(asrprof) == [(3, "queued"), (1, "queued"), (2, "queued")]
    assert asrprof("queue", "cancel", "1").out == "job 1 cancelled\n"
    assert asrprof("queue", "retry", "1").out == "job 1 queued again, attempt 2\n"
    assert listed(asrprof) == [(3, "queued"), (2, "queued"), (1, "queued")]
    assert asrprof("queue", "rm", "3").out == "job 3 deleted\n"
    assert listed(asrprof) == [(2, "queued"), (1, "queued")]


def test_what_runs_is_not_removed(asrprof: Asrprof, three_jobs: Path) -> None:
    with Store.open(three_jobs) as store:
        store.attempts.claim(process_owner(), 60, targets={"local"})
        assert "job 1 is starting: cancel it first" in asrprof("queue", "rm", "1").err
        store.attempts.begin(1, 1, process_owner(), 60)
        ran = asrprof("queue", "rm", "1", "--results")
        assert (ran.code, ran.out) == (2, "")
        assert asrprof("queue", "cancel", "1").out == "job 1 is running: asked to end\n"
        assert "asked to end" in asrprof("queue", "list").out


def test_a_job_whose_process_is_gone_is_told(asrprof: Asrprof, three_jobs: Path) -> None:
    """As after SIGKILL; one of another machine is nobody's to judge here."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    mine = process_owner(process.pid)
    with Store.open(three_jobs) as store:
        for job, owner in ((1, mine), (2, "elsewhere/1:7:9")):
            store.attempts.claim(owner, 60, targets={"local"})
            store.attempts.begin(job, 1, owner, 60)
    lines = {line.split()[0]: line for line in asrprof("queue", "list").out.splitlines() if line}
    assert "running" in lines["1"] and "running" in lines["2"]
    process.communicate()
    lines = {line.split()[0]: line for line in asrprof("queue", "list").out.splitlines() if line}
    assert "gone" in lines["1"] and "running" not in lines["1"]
    assert "running" in lines["2"]
    assert "--resume" in "".join(asrprof("queue", "list").out.split("\n"))


def test_results_are_not_removed_by_mistake(asrprof: Asrprof, three_jobs: Path) -> None:
    log = three_jobs.parent / "logs" / "asrprof-job-1-1.log"
    log.parent.mkdir()
    log.write_text("hello\n")
    with Store.open(three_jobs) as store:
        store.write_result(1, replace(result(), case_key="k"))
        store.finish_job(1, "done")
    ran = asrprof("queue", "rm", "1")
    assert (ran.code, ran.out) == (2, "")
    assert "job 1 has 1 result: add --results to delete them too" in ran.err
    assert asrprof("queue", "rm", "1", "--results").code == 0
    assert not log.exists()


@pytest.mark.usefixtures("three_jobs")
def test_list_and_show_on_narrow_and_wide_terminals(asrprof: Asrprof) -> None:
    for columns in (40, 80, 200):
        ran = asrprof("queue", "list", columns=columns)
        assert ran.code == 0
        assert all(len(line) <= columns for line in ran.out.splitlines())
        assert ran.out.count("queued") == 3
    shown = asrprof("queue", "show", "2").out
    assert re.search(r"^benchmark +quick", shown, re.MULTILINE)
    assert json.loads(asrprof("queue", "show", "2", "--json").out)["events"] == []


def test_list_counts_the_cases_without_figures(
    asrprof: Asrprof, store_with: Callable[..., Path]
) -> None:
    refused = replace(failed(), state="refused")
    path = store_with(result(), refused, replace(refused), failed())
    out = asrprof("queue", "list", "--store", str(path), columns=120).out
    assert re.search(r"done +0 +4/4 +1 failed, 2 refused", out)


def test_list_shows_the_last_of_what_ended(asrprof: Asrprof, config: str) -> None:
    for number in range(1, 13):
        asrprof("queue", "add", config)
        asrprof("queue", "cancel", str(number))
    assert len(listed(asrprof)) == 10
    assert "2 older ones: asrprof queue list --all" in asrprof("queue", "list").out
    assert len(json.loads(asrprof("queue", "list", "--all", "--json").out)) == 12


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[:30])
def test_data_never_reaches_the_terminal_raw(asrprof: Asrprof, config: str, text: str) -> None:
    asrprof("queue", "add", config)
    path = Path("results/asrprof.db")
    log = path.parent / "logs" / "asrprof-job-1-1.log"
    log.parent.mkdir()
    log.write_bytes(text.encode("utf-8", "surrogatepass"))
    storable = text.encode("utf-8", "replace").decode()
    with Store.open(path) as store:
        store.finish_job(1, "failed", storable)
    for arguments in (("queue", "list"), ("queue", "show", "1"), ("logs", "1")):
        ran = asrprof(*arguments)
        assert ran.code in (0, 2)
        assert not set(ran.out + ran.err) & {"\x1b", "\x07", "\x9b", "\u202e"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("queue", "add"), "Missing argument"),
        (("queue", "add", "dem"), 'did you mean "demo"?'),
        (("queue", "add", "demo", "--target", "locl"), 'unknown target "locl"; did you mean'),
        (("queue", "add", "demo", "--time-limit", "0"), "--time-limit 0: write seconds"),
        (("queue", "add", "demo", "--time-limit", "inf"), "--time-limit inf: write seconds"),
        (("queue", "add", "demo", "--time-limit", "nan"), "--time-limit nan: write seconds"),
        (("queue", "add", "demo", "--priority", "x"), "Invalid value for '--priority'"),
        (("queue", "nope"), "No such command 'nope'"),
        (("queue",), "Missing command"),
        (("queue", "list"), "results/asrprof.db: no such store"),
        (("queue", "cancel", "1"), "results/asrprof.db: no such store"),
        (("queue", "show", "0"), "job 0: write a number from 1 to"),
        (("queue", "show", str(2**70)), f"job {2**70}: write a number from 1 to"),
        (("queue", "show", "x"), "Invalid value for 'job'"),
        (("queue", "move", "1"), "give one of --top, --bottom, --before JOB and --after JOB"),
        (("queue", "move", "1", "--top", "--after", "2"), "give one of --top"),
        (("queue", "move", "1", "--after", str(2**70)), f"job {2**70}: write a number"),
        (("work", "--once", "--drain"), "give --once or --drain, not both"),
        (("work", "--parallel", "0"), "Invalid value for '--parallel'"),
        (("logs", "1"), "results/asrprof.db: no such store"),
        (("run", "demo", "--job", "1"), "--job takes no config"),
        (("run", "--job", "1"), "results/asrprof.db: no such store"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_one_line(asrprof: Asrprof, arguments: tuple[str, ...], words: str) -> None:
    ran = asrprof(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert re.fullmatch(r"asrprof: error: [^\n]+\n", ran.err)
    assert words in ran.err


@pytest.mark.usefixtures("three_jobs")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("queue", "show", "9"), "no job 9 in this store"),
        (("queue", "move", "9", "--top"), "no job 9 in this store"),
        (("queue", "move", "1", "--before", "1"), "cannot be moved before itself"),
        (("queue", "retry", "1"), "job 1 is queued: only a job that has ended can retry"),
        (("logs", "1"), "job 1 has no log: it is queued"),
        (("run", "--job", "1"), "job 1 is queued"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_one_line_about_a_job(asrprof: Asrprof, arguments: tuple[str, ...], words: str) -> None:
    ran = asrprof(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err
    assert len(ran.err.splitlines()) == 1


def test_work_with_nothing_to_do(asrprof: Asrprof) -> None:
    Store.open(Path("results/asrprof.db")).close()
    for option in ("--once", "--drain"):
        ran = asrprof("work", option)
        assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert "warning: up to 3 jobs at once" in asrprof("work", "--drain", "--parallel", "3").out


def test_a_job_that_cannot_start_makes_work_end_with_1(
    asrprof: Asrprof, config: str, tmp_path: Path
) -> None:
    asrprof("queue", "add", config)
    with Store.open("results/asrprof.db") as store:
        store._database._connection.execute("UPDATE jobs SET folder = '/no/such'")
    ran = asrprof("work", "--drain")
    assert ran.code == 1
    assert "job 1 failed: cannot start a runner: No such file or directory: /no/such" in ran.out


def test_a_config_in_the_store_that_is_no_longer_valid(asrprof: Asrprof) -> None:
    with Store.open("results/asrprof.db") as store:
        store.queue.add(store.add_benchmark("x", BROKEN), JobRequest(target="local"), cases_total=1)
    ran = asrprof("run", "--job", "1")
    assert ran.code == 2
    assert re.fullmatch(r'asrprof: error: job 1: unknown key "modles"; [^\n]+\n', ran.err)


def test_a_store_of_another_name_is_not_made_without_a_word(asrprof: Callable[..., Ran]) -> None:
    ran = asrprof("queue", "add", "demo", "--store", "typo.db")
    assert (ran.code, ran.err) == (0, "typo.db: a new store\n")
    assert asrprof("queue", "add", "demo", "--store", "typo.db").err == ""
    assert asrprof("queue", "add", "demo").err == "", "the usual one is made with the first job"
    ran = asrprof("run", "--job", "1", "--store", "tpyo.db")
    assert ran.code == 2
    assert ran.err.startswith("asrprof: error: tpyo.db: no such store")
    assert not Path("tpyo.db").exists()
