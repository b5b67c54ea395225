"""What a case does with its variant: refuse it, prove it, or fail with it."""

from __future__ import annotations

import pytest

from runner.case import run_case
from runner.clips import prepare, prepare_utterances
from runner.config import Benchmark, Model, Variant
from runner.engines.base import CAPABILITIES
from runner.grid import Case
from runner.measure.same_text import SameText
from runner.passes import comparison
from runner.task import CaseTask, Remark, Utterances
from runner.variants.precision import Precision
from runner.variants.techniques import TECHNIQUES

QUICK = {"warmup_seconds": 0.2, "min_seconds": 0, "min_iterations": 2, "threads": 1}


@pytest.fixture
def task(tmp_path, monkeypatch):
    monkeypatch.setenv("ASRPROF_CACHE", str(tmp_path))
    benchmark = Benchmark.model_validate(
        {"name": "x", "models": ["small-parakeet-ctc"], "limits": QUICK}
    )
    clips = prepare(benchmark.data, audio_seconds=5, seed=1)
    utterances = prepare_utterances(benchmark.data, seed=1, limit=6)

    def make(variant: Variant, *, measures=("latency",), baseline=None) -> CaseTask:
        model = Model(name="small-parakeet-ctc", weights="pretrained")
        return CaseTask(
            case=Case(model, "cpu", variant, 5.0, 1),
            clips=clips.path,
            utterances=Utterances(utterances.path, utterances.fingerprint),
            measures=frozenset(measures),
            limits=benchmark.limits,
            seed=1,
            trace=None,
            baseline=baseline,
        )

    return make


def test_a_case_stores_its_proofs(task):
    result = run_case(task(Variant(name="bf16", precision="bf16")), lambda message: None)
    assert (result.state, result.reason) == ("ok", None)
    ((part, found),) = [(proof.technique, proof.found) for proof in result.proofs]
    assert part == "precision"
    assert "bfloat16" in found


def test_a_variant_that_does_nothing_is_a_failed_row(task, monkeypatch):
    monkeypatch.setattr(Precision, "apply", lambda self, engine: None)
    result = run_case(task(Variant(name="bf16", precision="bf16")), lambda message: None)
    # Nothing was converted, and nothing said so: only the proof can tell.
    assert result.state == "failed"
    assert result.reason.startswith("variant bf16: precision bf16 did not take effect")
    assert result.latency is None


def test_a_variant_that_does_not_fit_is_a_refused_row(task):
    result = run_case(task(Variant(name="tf32", precision="tf32")), lambda message: None)
    assert result.state == "refused"
    assert "use fp32" in result.reason


@pytest.mark.e2e
def test_a_variant_is_compared_with_its_baseline(task):
    plain, half = Variant(name="fp32"), Variant(name="bf16", precision="bf16")
    result = run_case(
        task(half, measures=("latency", "comparison"), baseline=plain), lambda message: None
    )
    found = result.comparison
    assert found.baseline == "fp32"
    assert found.speedup == pytest.approx(found.baseline_s / found.variant_s, rel=0.3)
    assert found.speedup_low <= found.speedup <= found.speedup_high
    assert 0 <= found.same_text <= found.clips
    turns = [s.kind for s in result.samples if s.kind.startswith("interleaved")]
    assert len(turns) == 2 * found.rounds * len({s.batch for s in result.samples})
    assert turns[0] != turns[1]


@pytest.mark.e2e
@pytest.mark.parametrize("broken", [False, True])
def test_texts_are_compared_over_all_utterances_of_the_quality_pass(task, monkeypatch, broken):
    """And a promise that is not kept is remarked on."""
    said: list[object] = []
    if broken:
        monkeypatch.setattr(Precision, "same_text", True)
        monkeypatch.setattr(comparison, "compare_texts", lambda ours, theirs: SameText(6, 4))
    result = run_case(
        task(
            Variant(name="bf16", precision="bf16"),
            measures=("latency", "quality", "comparison"),
            baseline=Variant(name="fp32"),
        ),
        said.append,
    )
    found = result.comparison
    assert result.comparison_reason is None
    assert found.same_text_promised is broken
    remarks = [one.text for one in said if isinstance(one, Remark)]
    if broken:
        assert (found.same_text, found.clips) == (4, 6)
        assert any(text.startswith("4 of 6 texts are the same as with fp32") for text in remarks)
    else:
        assert found.clips == len(result.transcripts) == 6
        assert not any("texts are the same" in text for text in remarks)


def test_a_baseline_that_cannot_be_had_is_said(task):
    half = Variant(name="bf16", precision="bf16")
    wrong = Variant(name="tf32", precision="tf32")
    result = run_case(
        task(half, measures=("latency", "comparison"), baseline=wrong), lambda message: None
    )
    assert result.state == "ok"
    assert result.comparison is None
    assert result.comparison_reason.startswith("no baseline: variant tf32")


def test_every_technique_is_a_field_of_the_config():
    for kind in TECHNIQUES:
        assert kind.part in Variant.model_fields
        assert kind.needs <= set(CAPABILITIES)
