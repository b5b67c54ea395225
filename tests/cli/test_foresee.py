"""What is said of a benchmark before it runs: `--dry-run` and `--budget`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Ran

Run = Callable[..., Ran]


def test_a_dry_run_shows_the_cases_that_fit_and_names_the_others(asrprof: Run) -> None:
    whole = asrprof("run", "study", "--dry-run")
    ran = asrprof("run", "study", "--dry-run", "--budget", "3h")
    assert (ran.code, ran.err) == (0, "")
    said = " ".join(ran.out.split())
    cases = int(said.partition(" cases")[0])
    assert 8 <= cases < int(whole.out.partition(" cases")[0])
    assert f"budget 3.0 h: {cases} of 160 cases, about " in said
    assert "latencies are timed to" in said
    assert said.partition("left out, about ")[2].count(";") == 160 - cases - 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--budget", "soon"), "--budget soon: write a time such as 90s, 30m or 1h30m"),
        (("--budget", "2s"), "one length and batch size of each model takes about "),
        (("--budget", "1h", "--resume"), "leave --resume and --target out"),
        (("--budget", "1h", "--target", "ray"), "leave --resume and --target out"),
    ],
)
def test_a_bad_budget_is_one_line(
    asrprof: Run, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    ran = asrprof("run", "demo", *words)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert ran.err.count("\n") == 1
    assert not (tmp_path / "results").exists()


def test_a_dry_run_elsewhere_says_why_nothing_could_start(
    asrprof: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/such.sock")
    ran = asrprof("run", "demo", "--dry-run", "--target", "docker-cpu")
    assert (ran.code, ran.err) == (0, "")
    assert "docker-cpu cannot start it now: " in " ".join(ran.out.split())


def test_the_demo_can_be_looked_at_first(asrprof: Run) -> None:
    ran = asrprof("demo", "--dry-run")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("9 cases")


def test_help_shows_whole_sentences(asrprof: Run) -> None:
    ran = asrprof("--help")
    assert "..." not in ran.out.partition("Commands:")[2]
    assert "here, in a container or on a fleet." in " ".join(ran.out.split())
