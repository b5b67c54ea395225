"""`asrprof share`: a table to paste that says nothing of whose machine it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Ran
from tests.cli.records import failed, result
from tests.report.demo_like import write_demo_like


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("share") / "asrprof.db"
    write_demo_like(path)
    return str(path)


def test_chosen_rows_become_a_markdown_table(asrprof: Callable[..., Ran], path: str) -> None:
    ran = asrprof("share", "3", "9", "--store", path)
    assert (ran.code, ran.err) == (0, "")
    head, rule, *rows = (line for line in ran.out.splitlines() if line.startswith("|"))
    assert head.startswith("| model | device | variant | audio s | batch | latency ms | RTFx |")
    assert set(rule) == set("|-:")
    assert len(rows) == 2
    assert all(row.startswith("| small-whisper | cpu | fp32 |") for row in rows)
    assert {line.count("|") for line in (head, rule, *rows)} == {head.count("|")}
    assert "VRAM" not in head  # No row has it.
    assert "Intel(R) Xeon(R) CPU @ 2.20GHz, 16 logical CPUs" in ran.out
    assert "bench" not in ran.out  # The synthetic machine's name.


def test_all_rows_that_a_filter_lets_pass(asrprof: Callable[..., Ran], path: str) -> None:
    ran = asrprof("share", "--store", path, "--where", "small batch>=4")
    assert sum(line.startswith("| small") for line in ran.out.splitlines()) == 3
    ran = asrprof("share", "99", "--store", path)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "asrprof: error: no result with figures to share\n"


def test_names_cannot_break_the_table(
    asrprof: Callable[..., Ran], store_with: Callable[..., Path]
) -> None:
    path = store_with(result(model="a|b`<i>\x1b[31m\nc"), failed())
    ran = asrprof("share", "--store", str(path))
    (row,) = [line for line in ran.out.splitlines() if line.startswith("| a")]
    assert row.startswith("| a\\|b\\`&lt;i>\\\\x1b\\[31m c r |")
    assert "\x1b" not in ran.out


def test_a_reader_elsewhere_has_every_mark_and_no_folder(
    asrprof: Callable[..., Ran], store_with: Callable[..., Path]
) -> None:
    path = store_with(result(model="/home/someone/models/whisper-own", weights="random"))
    ran = asrprof("share", "--store", str(path))
    (row,) = [line for line in ran.out.splitlines() if line.startswith("| whisper")]
    assert row.startswith("| whisper-own r |")
    assert "r random weights" in ran.out
    assert "someone" not in ran.out and "asrprof show" not in ran.out


def test_what_the_error_rates_are_of_is_told(asrprof: Callable[..., Ran], path: str) -> None:
    assert "- WER: of " in asrprof("share", "--store", path).out
