"""What people write as needs, and what Ray is asked for."""

from __future__ import annotations

import pytest

from runner.dispatch.fleet.needs import in_words, meets, parse_needs, selector
from runner.errors import UserError


@pytest.mark.parametrize(
    ("given", "labels"),
    [
        (["accelerator=NVIDIA_H100"], {"ray.io/accelerator-type": "H100"}),
        (["accelerator=NVIDIA_TESLA_P100"], {"ray.io/accelerator-type": "P100"}),
        (["arch=aarch64"], {"asrprof.io/arch": "arm64"}),
        (["arch=AMD64", "site=lab-2"], {"asrprof.io/arch": "x86_64", "site": "lab-2"}),
        (["example.com/rack=7"], {"example.com/rack": "7"}),
        ([], {}),
    ],
)
def test_needs_are_labels(given: list[str], labels: dict[str, str]) -> None:
    needs = parse_needs(given)
    assert selector(needs, ()) == labels
    assert meets({**labels, "other": "x"}, needs)
    assert not labels or not meets({"other": "x"}, needs)
    assert (in_words(needs) == "") == (not given)


@pytest.mark.parametrize("bad", ["x", "=x", "x=", "a b=c", "x=a b", "x=!in(a)", f"x={'a' * 64}"])
def test_needs_that_are_none(bad: str) -> None:
    with pytest.raises(UserError, match="write a name and a value"):
        parse_needs([bad])


def test_a_need_given_twice() -> None:
    with pytest.raises(UserError, match="given twice"):
        parse_needs(["arch=arm64", "arch=x86_64"])


def test_nodes_to_avoid() -> None:
    assert selector(None, ("b", "a")) == {"ray.io/node-id": "!in(a,b)"}
