"""Fitted laws against those that the points were made with."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from report.scaling import fit_law, laws, saturations
from report.study import Study
from store import Store
from tests.report.synthetic import FIXED_S, Grid, results_of, write_study

LENGTHS, BATCHES = (5.0, 15.0, 30.0, 60.0), (1.0, 4.0, 8.0, 16.0)


def points(law, seed: int = 0, noise: float = 0.01):
    generator = np.random.default_rng(seed)
    grid = list(product(LENGTHS, BATCHES))
    costs = [law(s, b) * np.exp(generator.normal(0, noise)) for s, b in grid]
    return [s for s, _ in grid], [b for _, b in grid], costs


@pytest.mark.parametrize(("length", "batch"), [(1.0, 1.0), (1.3, 0.8), (0.5, 1.0)])
def test_intervals_hold_the_true_exponents(length: float, batch: float) -> None:
    inside = []
    for seed in range(100):
        law = fit_law(*points(lambda s, b: 0.05 + 0.02 * s**length * b**batch, seed))
        assert law is not None and law.length is not None and law.batch is not None
        inside.append(law.length.low <= length <= law.length.high)
        inside.append(law.batch.low <= batch <= law.batch.high)
        assert law.misfit < 0.02
    assert np.mean(inside) > 0.9


def test_the_constant_is_told_from_the_exponents() -> None:
    law = fit_law(*points(lambda s, b: 0.3 + 0.02 * s * b, noise=0.002))
    assert law is not None
    assert law.constant == pytest.approx(0.3, rel=0.05)
    assert law.coefficient == pytest.approx(0.02, rel=0.05)


def test_without_a_constant_none_is_invented() -> None:
    law = fit_law(*points(lambda s, b: 0.02 * s**1.1 * b, noise=0.0))
    assert law is not None and law.length is not None
    assert law.constant < 1e-3
    assert law.length.value == pytest.approx(1.1, abs=1e-3)


def test_one_axis_gives_its_own_exponent_alone() -> None:
    law = fit_law([10.0] * 4, BATCHES, [0.1 + 0.5 * b for b in BATCHES])
    assert law is not None and law.batch is not None
    assert law.length is None
    assert law.batch.value == pytest.approx(1.0, abs=0.01)


def test_too_few_points_give_no_law() -> None:
    assert fit_law([5.0, 15.0], [1.0, 1.0], [1.0, 2.0]) is None
    assert fit_law([5.0] * 3, [1.0] * 3, [1.0, 2.0, 3.0]) is None
    # Three parameters go through three points whatever they are.
    three = [5.0, 15.0, 5.0], [1.0, 1.0, 4.0], [1.0, 9.0, 2.0]
    assert fit_law(*three) is None
    assert fit_law([*three[0], 15.0], [*three[1], 4.0], [*three[2], 12.0]) is not None


def test_a_stored_grid_gives_back_its_laws(study_path: Path) -> None:
    with Store.open(study_path, readonly=True) as store:
        study = Study.read(store)
        found = laws(study.baseline, lambda case: case.row.latency_s)
    assert len(found) == 10  # Five models on two devices.
    for configuration, law in found.items():
        assert law.length is not None and law.batch is not None
        # Twenty intervals of 95 %: the farthest may miss by a little.
        for exponent in (law.length, law.batch):
            reach = exponent.high - exponent.value
            assert abs(exponent.value - 1) < 1.6 * reach
            assert reach < 0.05
        assert law.constant == pytest.approx(FIXED_S[configuration.place], rel=0.15)


def test_saturation_is_where_throughput_stops_growing(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    write_study(path, Grid(devices=("cuda",), noise=0.001, clips=2))
    with Store.open(path, readonly=True) as store:
        study = Study.read(store)
        found = {
            (s.configuration.model, s.audio_seconds): s
            for s in saturations(study.cases)
            if s.configuration.variant == "fp32"
        }
    # Throughput is b / (0.012 + 0.004 * 60 b): 95 % of its limit already at a single clip.
    medium = found["whisper-medium", 60.0]
    assert (medium.saturated, medium.broke, medium.largest) == (1, 16, 8)
    # b / (0.012 + 0.00012 * 5 b): the fixed cost dominates throughout.
    wav2vec2 = found["wav2vec2-base-960h", 5.0]
    assert wav2vec2.is_open
    expected = 16 * (0.012 + 0.0006) / (0.012 + 0.0006 * 16)
    assert wav2vec2.gain == pytest.approx(expected, rel=0.01)


def test_the_laws_of_the_builder_are_what_it_says() -> None:
    by_key = {result.case_key: result for result in results_of(Grid(clips=1))}
    result = by_key["openai/whisper-base|cpu|fp32|30s|b4"]
    assert result.latency is not None
    assert result.latency.median_s == pytest.approx(0.05 + 0.04 * 30 * 4, rel=0.01)


def test_no_law_joins_other_threads_or_less_work(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    grid = Grid(devices=("cpu",), variants=(), lengths=(15.0,), noise=0.001, clips=2)
    write_study(path, grid)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE results SET threads = 1 WHERE batch_size = 1")
        connection.execute(
            "UPDATE results SET stopped_early = 1, throughput = 1e9, latency_s = 9 * latency_s"
            " WHERE batch_size = 16 AND model LIKE '%-tiny'"
        )
        connection.commit()
    with Store.open_to_read(path) as store:
        study = Study.read(store)
        found = laws(study.baseline, lambda case: case.row.latency_s)
        ends = saturations(study.cases)
    assert {case.place for case in study.cases} == {"cpu t1", "cpu t8"}
    # One batch size of one thread, three of eight, of which the tiny model did two in full.
    assert {c.place for c in found} == {"cpu t8"}
    assert {law.points for law in found.values()} == {3}
    assert {c.model for c in found} == set(study.models) - {"whisper-tiny"}
    (tiny,) = [one for one in ends if one.configuration.model == "whisper-tiny"]
    assert (tiny.smallest, tiny.largest) == (4, 8)
