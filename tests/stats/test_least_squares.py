"""Fits are those of Levenberg's and Marquardt's steps written out."""

from __future__ import annotations

import numpy as np
import pytest

from stats.least_squares import Floats, fit_relative
from tests.stats.by_hand import fitted_half_widths, levenberg_marquardt

GRID = np.array([(s, b) for s in (5.0, 15.0, 30.0, 60.0) for b in (1.0, 4.0, 8.0, 16.0)])
DESIGN = np.column_stack([np.ones(len(GRID)), np.log(GRID)])


def costs(noise: float, seed: int = 0) -> Floats:
    generator = np.random.default_rng(seed)
    exact = 0.05 + 0.02 * GRID[:, 0] ** 1.3 * GRID[:, 1] ** 0.8
    return np.asarray(exact * np.exp(generator.normal(0, noise, len(GRID))))


def law(parameters: Floats) -> Floats:
    return np.asarray(np.exp(DESIGN @ parameters[:3]) + parameters[3])


def start_of(y: Floats) -> Floats:
    line, *_ = np.linalg.lstsq(DESIGN, np.log(y), rcond=None)
    return np.append(line, 0.1 * y.min())


def test_an_exact_law_is_found_to_nine_digits() -> None:
    y = costs(noise=0.0)
    found = fit_relative(law, start_of(y), y)
    truth = [np.log(0.02), 1.3, 0.8, 0.05]
    assert found.parameters == pytest.approx(truth, rel=1e-9)
    assert found.half_widths == pytest.approx(np.zeros(4), abs=1e-9)
    assert found.misfit < 1e-9


@pytest.mark.parametrize("seed", range(5))
def test_a_noisy_one_is_where_the_steps_written_out_end(seed: int) -> None:
    y = costs(noise=0.02, seed=seed)

    def model(parameters: Floats) -> tuple[Floats, Floats]:
        power = np.exp(DESIGN @ parameters[:3]) / y
        slope = np.column_stack([power[:, None] * DESIGN, 1 / y])
        return np.asarray(power + parameters[3] / y - 1), slope

    parameters, residuals, slope = levenberg_marquardt(model, start_of(y))
    found = fit_relative(law, start_of(y), y)
    assert found.parameters == pytest.approx(parameters, rel=1e-7)
    assert found.half_widths == pytest.approx(fitted_half_widths(residuals, slope), rel=1e-6)
    assert found.misfit == pytest.approx(float(np.sqrt(np.mean(residuals**2))), rel=1e-9)


def test_as_many_parameters_as_values_leave_no_interval() -> None:
    y, design = costs(noise=0.02)[[0, 5, 10]], DESIGN[[0, 5, 10], :2]
    found = fit_relative(lambda p: np.exp(design[:2] @ p), np.zeros(2), y[:2])
    assert np.isnan(found.half_widths).all()
    assert found.misfit < 1e-9
    one_more = fit_relative(lambda p: np.exp(design @ p), np.zeros(2), y)
    assert np.isfinite(one_more.half_widths).all()
