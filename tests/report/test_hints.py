"""Hints appear where their figure gives cause, name it, and stay away where it does not."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from report.hints import Hint, hints
from report.study import Study
from report.variants import count_intervals, family_confidence, variant_effects
from store import Result, Store
from tests.report.synthetic import ENVIRONMENT, WAV2VEC2, WHISPER, Grid, results_of, write_study


def found(path: Path, results: Iterable[Result]) -> dict[str, Hint]:
    write_study(path, Grid(laws=()))
    with Store.open(path) as store:
        for result in results:
            store.write_result(1, result)
    return hints_of(path)


def hints_of(path: Path) -> dict[str, Hint]:
    with Store.open(path, readonly=True) as store:
        return {hint.title: hint for hint in hints(Study.read(store))}


def test_the_full_grid_gives_the_hints_that_its_laws_imply(study_path: Path) -> None:
    given = hints_of(study_path)
    decoder = given["The decoder waits for memory, token by token"]
    # 0.9 of the decoder's share of 0.60 is 54 %; base's 45 % is below half.
    assert decoder.evidence.startswith("whisper-medium on c")
    assert "decoding takes 54% of 5 s × 1" in decoder.evidence
    assert "3,055 MB of weights" in decoder.evidence
    assert not any("base" in subject for subject in decoder.subjects)
    batch = given["A batch of one leaves the device idle"]
    # b / (0.012 + 0.00012 * 5 b): 16 clips gain 9.3 times.
    assert batch.evidence.startswith("wav2vec2-base-960h on cuda: batch 16 gives 9.")
    padding = given["Short clips pay for a whole window"]
    assert "84% of what it encodes at 5 s × 1 is padding" in padding.evidence
    assert not any("wav2vec2" in subject for subject in padding.subjects)
    assert "Energy is only estimated" not in given
    assert "Some latencies were not stable" not in given
    assert "Matrix products dominate, and only full precision was measured" not in given


def cases(**changes: object) -> list[Result]:
    grid = Grid(
        laws=(WAV2VEC2,), devices=("cpu",), lengths=(5.0,), batches=(1,), variants=(), clips=1
    )
    return [replace(result, **changes) for result in results_of(grid)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("title", "evidence", "changes"),
    [
        (
            "The first inference is far slower than the rest",
            "the first inference takes 3.5 s",
            {"latency": {"cold_s": 3.5}},
        ),
        (
            "Some latencies were not stable",
            "1 of 1 latencies were not stable: drift +13%",
            {"latency": {"stable": False, "stable_reason": "drift +13%"}},
        ),
        ("Not every core was used", "2 of 8 cores were used", {"conditions": {"threads": 2}}),
        (
            "Matrix products dominate, and only full precision was measured",
            "matrix products are 50% of its operator time",
            {},
        ),
    ],
)
def test_one_cause_one_hint(
    tmp_path: Path, title: str, evidence: str, changes: dict[str, dict[str, object]]
) -> None:
    (case,) = cases()
    changed = {
        field: replace(getattr(case, field), **values)  # type: ignore[arg-type]
        for field, values in changes.items()
    }
    assert evidence in found(tmp_path / "a.db", [replace(case, **changed)])[title].evidence  # type: ignore[arg-type]
    if changes:
        assert title not in found(tmp_path / "b.db", [case])


def test_estimates_and_idle_boards_are_pointed_out(tmp_path: Path) -> None:
    (case,) = cases()
    estimated = replace(case.energy[0], source="codecarbon", label="estimated")
    given = found(
        tmp_path / "a.db", [replace(case, energy=(estimated,), energy_primary="codecarbon")]
    )
    assert "1 of 1 cases have joules from a model" in given["Energy is only estimated"].evidence
    gpu = replace(
        case,
        device="cuda",
        energy=(replace(case.energy[0], source="nvml-counter", mean_w=60.0),),
        energy_primary="nvml-counter",
        environment=replace(ENVIRONMENT, gpu_power_limit_w=250.0),
    )
    power = found(tmp_path / "b.db", [gpu])["The GPU is far from its power limit"]
    assert "60 W of 250 W at 5 s × 1" in power.evidence


def test_saturation_is_pointed_out_once_a_configuration(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    write_study(path, Grid(laws=WHISPER[:1], devices=("cpu",), clips=1, noise=0.001, variants=()))
    hint = hints_of(path)["Beyond some batch size only latency and memory grow"]
    assert hint.subjects == ("whisper-tiny on cpu",)
    assert "batch 16 only waits longer" in hint.evidence


def test_variants_are_set_beside_their_baseline(study_path: Path) -> None:
    with Store.open(study_path, readonly=True) as store:
        effects = variant_effects(Study.read(store))
    # Five models, four batches, a variant on each device, less the baseline that ran out of memory.
    assert len(effects) == 39
    for effect in effects:
        factor = 0.55 if effect.variant.row.variant == "fp16" else 0.60
        assert effect.latency.low < factor < effect.latency.high
        assert effect.latency.significant
        assert effect.energy is not None
        assert effect.energy.ratio == pytest.approx(factor, rel=0.12)
        assert effect.energy.low < factor < effect.energy.high
        assert effect.wer is not None
        lost = 0.02 if effect.variant.row.variant == "int8" else 0.0
        assert effect.wer.difference == pytest.approx(lost, abs=1e-9)


def test_many_comparisons_ask_for_more_confidence() -> None:
    assert family_confidence(1) == family_confidence(0) == pytest.approx(0.95)
    assert family_confidence(50) == pytest.approx(0.999)


def test_confidence_is_shared_among_the_intervals_that_are_shown(study_path: Path) -> None:
    with Store.open(study_path, readonly=True) as store:
        study = Study.read(store)
        all_three, two = variant_effects(study), variant_effects(study, energy=False)
    # Words of fp16 are those of fp32, which has no interval to be wrong.
    assert {effect.wer.reason for effect in two if effect.variant.row.variant == "fp16"} == {
        "no utterance differs"
    }
    shown = count_intervals(two)
    assert count_intervals(all_three) == shown + len(two)
    assert all(effect.energy is None for effect in two)
    width, narrower = (
        math.log(one[0].latency.high / one[0].latency.low) for one in (all_three, two)
    )
    assert width > narrower
