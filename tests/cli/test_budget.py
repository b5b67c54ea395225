"""`asrprof run --budget`: what the plan says, and what is refused."""

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
        (("--budget", "2s"), "one case of each model takes about "),
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
