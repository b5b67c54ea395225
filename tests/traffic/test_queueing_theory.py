"""The generator and its figures against services whose waits are known."""

from __future__ import annotations

import numpy as np
import pytest

from tests.traffic.simulated import SERVICE_S, OneServer, constant, exponential, figures, level

pytestmark = pytest.mark.e2e  # Hours of simulated time: a minute of a busy machine's.


@pytest.mark.parametrize("load", [0.3, 0.6, 0.8])
def test_mean_wait_of_m_d_1(load: float) -> None:
    """Poisson arrivals, constant service: load / (2 (1 - load)) services."""
    found = figures(OneServer(constant(SERVICE_S)), level(rate_per_s=load / SERVICE_S))
    wait = SERVICE_S * load / (2 * (1 - load))
    assert found.queue_mean_low_s < wait < found.queue_mean_high_s
    assert found.queue_mean_s == pytest.approx(wait, rel=0.15)
    assert found.latency_mean_low_s < wait + SERVICE_S < found.latency_mean_high_s
    assert found.service_mean_s == pytest.approx(SERVICE_S)
    assert found.requests_per_s == pytest.approx(load / SERVICE_S, rel=0.05)
    assert found.rtfx == pytest.approx(2.0 * found.requests_per_s)
    assert found.errors == 0
    assert found.held


@pytest.mark.parametrize("load", [0.3, 0.6, 0.8])
def test_mean_wait_of_m_m_1(load: float) -> None:
    """Poisson arrivals, exponential service: load / (1 - load) services."""
    of = level(rate_per_s=load / SERVICE_S, duration_s=1200.0)
    found = figures(OneServer(exponential(SERVICE_S)), of)
    wait = SERVICE_S * load / (1 - load)
    assert found.queue_mean_low_s < wait < found.queue_mean_high_s
    assert found.queue_mean_s == pytest.approx(wait, rel=0.2)
    # The time in the system is exponential: its median and p95 are known too.
    sojourn = SERVICE_S / (1 - load)
    assert found.latency_p50_low_s < sojourn * np.log(2) < found.latency_p50_high_s
    assert found.latency_p95_low_s < sojourn * np.log(20) < found.latency_p95_high_s


def test_intervals_of_m_m_1_cover_the_mean_wait() -> None:
    """Of forty runs about 37: never so few that the interval would be a promise broken."""
    wait, covered = SERVICE_S * 0.6 / 0.4, 0
    for seed in range(40):
        of = level(rate_per_s=0.6 / SERVICE_S, seed=seed, warmup_s=5.0, duration_s=100.0)
        found = figures(OneServer(exponential(SERVICE_S, 1000 + seed)), of)
        covered += found.queue_mean_low_s < wait < found.queue_mean_high_s
    assert covered >= 33, covered
