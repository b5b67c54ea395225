"""Stores with known laws."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.report.synthetic import Grid, write_study


@pytest.fixture(scope="session")
def study_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of the full grid of the published study, and two variants."""
    path = tmp_path_factory.mktemp("study") / "asrprof.db"
    write_study(path, Grid())
    return path
