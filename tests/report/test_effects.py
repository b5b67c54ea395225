"""What variants showed of themselves: which cases have a row, and what stands in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from report.sections.effects import effects
from report.study import Study
from report.text import MISSING
from store import Proof, Scalar, Store
from store.records import Result
from tests.report.synthetic import Grid, results_of

PLAIN = Proof(technique="precision", requested="fp32", found="parameters float32 x 9")


def study_of(path: Path, results: list[Result]) -> Study:
    with Store.open(path) as store:
        benchmark = store.add_benchmark("m", "{}")
        job = store.start_job(benchmark, target="local", cases_total=1, owner="a", lease_s=60)
        for result in results:
            store.write_result(job, result)
    return Study.read(Store.open(path, readonly=True))


def test_a_variant_shows_its_proofs_and_figures(tmp_path):
    points = [result for result in results_of(Grid()) if result.state == "ok"]
    first, second = (
        points[0],
        next(
            other
            for other in points
            if (other.model, other.device) == (points[0].model, points[0].device)
            and other.case_key != points[0].case_key
        ),
    )
    named = [
        replace(
            result,
            variant="streamed",
            case_key=result.case_key + "|streamed",
            proofs=(
                PLAIN,
                Proof(technique="chunk_seconds", requested="1 s", found="5 passes for 5 chunks"),
            ),
            figures=(
                Scalar(name="first_word_s", value=1.25),
                Scalar(name="acceptance", value=0.5),
                Scalar(name="memory_weights_bytes", value=1e6),
            ),
        )
        for result in (first, second)
    ]
    plain = replace(first, proofs=(PLAIN,))
    table = effects(study_of(tmp_path / "a.db", [plain, *named]))
    assert table is not None
    ((title, cases, proof, own),) = table.rows
    assert "streamed" in title
    assert cases.count(" and ") == 1, "cases that showed the same share a row"
    assert proof == "chunk seconds: 5 passes for 5 chunks", "that fp32 is fp32 goes without saying"
    assert own == "first whole word after 1.25 s; drafts kept 50.0 %"


def test_plain_fp32_has_no_row_unless_it_has_figures(tmp_path):
    result = next(result for result in results_of(Grid()) if result.variant == "fp32")
    plain = replace(result, proofs=(PLAIN,), figures=())
    assert effects(study_of(tmp_path / "a.db", [plain])) is None
    largest = replace(plain, figures=(Scalar(name="largest_batch", value=24.0),))
    table = effects(study_of(tmp_path / "b.db", [largest]))
    assert [row[2:] for row in table.rows] == [
        ("precision: parameters float32 x 9", "largest batch 24.0")
    ]
    shown = replace(
        plain, variant="bf16", proofs=(), figures=(Scalar(name="compile_s", value=9.0),)
    )
    (row,) = effects(study_of(tmp_path / "c.db", [shown])).rows
    assert row[2:] == (MISSING, "compiling 9.00 s")
