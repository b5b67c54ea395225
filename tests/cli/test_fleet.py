"""`asrprof fleet` and the options of `queue add` for it, where there is no cluster."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from importlib.machinery import ModuleSpec

import pytest

from runner.catalogue.extras import install_line
from tests.cli.conftest import Ran

Asrprof = Callable[..., Ran]


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")


@pytest.mark.parametrize(
    "arguments",
    [
        ("fleet",),
        ("fleet", "doctor", "pi"),
        ("queue", "add", "demo", "--target", "ray"),
        ("queue", "add", "demo", "--target", "ray", "--spread"),
        ("run", "demo", "--target", "ray"),
    ],
)
def test_no_cluster_at_the_address(asrprof: Asrprof, arguments: tuple[str, ...]) -> None:
    pytest.importorskip("ray", reason="needs the extra `fleet`")
    ran = asrprof(*arguments)
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert "no Ray cluster at 127.0.0.1:1 (Connection refused)" in ran.err


def test_without_the_extra(asrprof: Asrprof, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec

    def find_spec(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name == "ray" else found(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    for arguments in (("fleet",), ("queue", "add", "demo", "--target", "ray")):
        ran = asrprof(*arguments)
        assert ran.code == 2
        assert ran.err.count("\n") == 1
        assert f"Ray is not installed; {install_line('fleet')}" in ran.err


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--need", "arch=arm64"), "needs go with --target ray"),
        (("--spread",), "add --target ray"),
        (("--unequal",), "--unequal goes with --spread"),
        (("--need", "H100"), 'need "H100": write a name and a value'),
    ],
)
def test_options_that_do_not_fit(
    asrprof: Asrprof, arguments: tuple[str, ...], problem: str
) -> None:
    ran = asrprof("queue", "add", "demo", *arguments)
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert problem in ran.err
    assert "no such store" in asrprof("queue", "list").err


def test_a_job_for_the_fleet_can_wait_for_a_cluster(asrprof: Asrprof) -> None:
    ran = asrprof("queue", "add", "demo", "--target", "ray", "--unchecked", "--json")
    job = json.loads(ran.out)
    assert (ran.code, job["retries"], job["needs"], job["part"]) == (0, 2, None, None)
    assert json.loads(asrprof("queue", "add", "demo", "--json").out)["retries"] == 0


def test_flags_for_ray_start(asrprof: Asrprof) -> None:
    flags = asrprof("fleet", "flags").out.split()
    assert flags[0] == '--resources={"asrprof":1}'
    assert flags[1].startswith("--labels=asrprof.io/arch=")
    assert len(flags) == 2
