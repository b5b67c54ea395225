"""Machines that are called equal: told apart by their calibrations, and only by those."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from report.content import Table, Text
from report.drift import calibrations
from report.sections.drift import drift
from report.study import Study
from store import Peak, Store
from tests.report.synthetic import Grid, results_of


def write(path: Path, hosts: dict[str, tuple[float, ...]], cpu: str = "CPU") -> None:
    """A store in which each host has a session for each of its speeds."""
    template = next(one for one in results_of(Grid()) if one.latency and one.device == "cpu")
    assert template.environment is not None
    with Store.open(path) as store:
        for host, speeds in hosts.items():
            for number, speed in enumerate(speeds):
                model = f"{host}-{number}"
                job = store.start_job(
                    store.add_benchmark(model, f'{{"name": "{model}"}}'),
                    target="ray",
                    cases_total=1,
                    owner="h:1:1",
                    lease_s=60,
                )
                environment = dataclasses.replace(
                    template.environment, fingerprint=host + cpu, hostname=host, cpu_model=cpu
                )
                peak = Peak(
                    device="cpu",
                    dtype="float32",
                    threads=2,
                    flops_per_s=1e11 * speed,
                    bytes_per_s=2e10,
                    detail="",
                    model_s=0.005,
                )
                result = dataclasses.replace(
                    template, model=model, environment=environment, peaks=(peak,)
                )
                store.write_result(job, result)


def read(path: Path) -> Study:
    return Study.read(Store.open(path, readonly=True))


def test_a_slow_node_among_equals(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    write(path, {"a": (1.0, 1.02), "b": (0.98,), "c": (0.7, 0.72, 0.5)})
    found = {one.host: one for one in calibrations(read(path))}
    assert {host: one.sessions for host, one in found.items()} == {"a": 2, "b": 1, "c": 3}
    assert [host for host, one in found.items() if one.drifts] == ["c"]
    assert found["c"].figure == "matrix product"
    assert found["c"].deviation == pytest.approx(0.7 / 0.98 - 1)
    text, table = drift(read(path))
    assert isinstance(text, Text) and isinstance(table, Table)
    assert "c drifts: its matrix product on cpu is 29 % below the median of the 3" in str(text)


def test_equal_nodes_are_not_flagged(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    write(path, {"a": (1.0,), "b": (1.05,)})
    assert not any(one.drifts for one in calibrations(read(path)))
    (table,) = drift(read(path))
    assert isinstance(table, Table)


def test_other_hardware_is_not_compared(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    write(path, {"a": (1.0,)}, cpu="Xeon")
    write(path, {"b": (0.1,)}, cpu="Cortex-A76")
    assert calibrations(read(path)) == []
    assert drift(read(path)) == []
