"""Rooflines against hand-made arithmetic."""

from __future__ import annotations

from pathlib import Path

import pytest

from report.roofline import rooflines
from report.study import Study
from store import Store
from tests.report.synthetic import PEAKS, WHISPER


def test_points_are_work_by_time_and_by_bytes_of_weights(study_path: Path) -> None:
    with Store.open(study_path, readonly=True) as store:
        cpu, cuda = rooflines(Study.read(store))
    assert (cpu.place, cuda.place) == ("cpu", "cuda")
    assert cpu.peak == PEAKS["cpu"]
    assert cpu.ridge == pytest.approx(12.5)
    tiny = WHISPER[0]
    encode, token = (
        next(
            point
            for point in cpu.points
            if point.stage == stage
            and point.case.model == "whisper-tiny"
            and point.case.point == (30.0, 4)
        )
        for stage in ("encode", "token")
    )
    flops = 0.8 * 1.4e9 * 30 * 4
    assert encode.intensity == pytest.approx(flops / (4 * tiny.parameters))
    latency = 0.05 + 0.02 * 30 * 4
    assert encode.flops_per_s == pytest.approx(flops / (0.49 * latency), rel=0.02)
    assert encode.roof_flops_per_s == 5e11  # Beyond the ridge: the product is the roof.
    # Two FLOPs for each weight of four bytes and each of four clips.
    assert token.intensity == 2.0
    assert token.roof_flops_per_s == 2.0 * 4e10


def test_a_device_without_a_peak_has_no_roofline(study_path: Path) -> None:
    with Store.open(study_path, readonly=True) as store:
        study = Study.read(store, where="device = 'cpu'")
        assert [roof.place for roof in rooflines(study)] == ["cpu"]
