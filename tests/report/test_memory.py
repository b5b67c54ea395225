"""Memory by what it is for: which cases are drawn, and along what."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from report.memory import PARTS, splits
from report.sections.memory import memory
from report.study import Study
from store import Scalar, Store
from tests.report.synthetic import Grid, results_of


def study_of(path: Path, *, parts: tuple[str, ...]) -> Study:
    figures = tuple(
        Scalar(name=f"memory_{part}_bytes", value=1e6 * (place + 1))
        for place, part in enumerate(parts)
    )
    with Store.open(path) as store:
        benchmark = store.add_benchmark("m", "{}")
        job = store.start_job(benchmark, target="local", cases_total=1, owner="a", lease_s=60)
        for result in results_of(Grid()):
            store.write_result(job, replace(result, figures=figures))
    return Study.read(Store.open(path, readonly=True))


def test_bars_along_batch_and_length(tmp_path):
    study = study_of(tmp_path / "a.db", parts=PARTS)
    found = splits(study)
    assert found
    assert found[0].parts == {"weights": 1e6, "activations": 2e6, "cache": 3e6}
    section = memory(study)
    assert [figure.name for figure in section.blocks] == [
        "memory-parts-by-batch", "memory-parts-by-length",
    ]  # fmt: skip
    assert all("by their tensors" in figure.caption for figure in section.blocks)


def test_a_case_that_shows_its_weights_alone_is_not_drawn(tmp_path):
    study = study_of(tmp_path / "a.db", parts=("weights",))
    assert splits(study) == []
    assert memory(study) is None
