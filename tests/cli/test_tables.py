"""Tables fit the terminal, cut no figure, and show hostile names as text."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console, RenderableType

from runner.cli.plain import plain
from runner.cli.table import grid_table, print_results, results_table
from store import LeaderboardRow, Store
from tests.cli.records import FORBIDDEN, HOSTILE, case, result, row

WIDTHS = (80, 120)


def shown(what: RenderableType, width: int) -> str:
    stream = io.StringIO()
    Console(file=stream, width=width).print(what)
    return stream.getvalue()


def fits(text: str, width: int) -> bool:
    return max(map(cell_len, text.splitlines())) <= width


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_hostile_names_in_results(name: str, width: int) -> None:
    rows = [row(), row(model=name, variant=name)]
    text = shown(results_table(rows, width=width), width)
    assert fits(text, width)
    assert not [sign for sign in FORBIDDEN if sign in text]
    # A repository is named without its organisation, folded where it is long.
    letters = plain(name.rstrip("/").rsplit("/", 1)[-1]).replace(" ", "")
    assert letters in re.sub(r"\s", "", text) or letters[:9] in text


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_hostile_names_in_a_grid(name: str, width: int) -> None:
    text = shown(grid_table([case(), case(model=name, variant=name)]), width)
    assert text.startswith("2 cases")
    assert fits(text, width)
    assert not [sign for sign in FORBIDDEN if sign in text]


@pytest.mark.parametrize("width", [60, 72, 80, 100, 109, 110, 120, 200])
@pytest.mark.parametrize("vram", [87654.3, None])
def test_figures_are_never_cut(width: int, vram: float | None) -> None:
    one = row(vram_mb=vram, wer=0.1234)
    rows = [one, replace(one, model="m" * 300, variant="v" * 60)]
    text = shown(results_table(rows, width=width), width)
    assert fits(text, width)
    assert "\u2026" not in text
    for figure in ("30 x 16", "~1234", "1358", "12.3"):
        assert text.count(figure) == 2, figure
    for heading, figure in {"RAM": "23457", "GFLOP": "654321", "audio h": "98765"}.items():
        words = re.search(rf"(?<!V){heading}", text)
        assert (figure in text) == (words is not None)


def test_what_gives_way_on_a_narrow_terminal() -> None:
    narrow, wide = (shown(results_table([row()], width=width), width) for width in WIDTHS)
    assert "1200, 1300" in wide
    assert "1200, 1300" not in narrow
    assert "98765" in wide
    assert "98765" not in narrow
    for heading in ("energy", "speed-", "WER", "RTFx"):
        assert heading in narrow


def test_no_column_for_gpu_memory_without_a_gpu() -> None:
    assert "VRAM" not in shown(results_table([row(vram_mb=None, device="cpu")], width=120), 120)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"stable": True}, " 1234 ["),
        ({"stable": False}, "~1234 ["),
        ({"stable": False}, "  ~1358 "),
        ({"stable": True, "stopped_early": 1}, "  !1358 "),
        ({"energy_j": None}, "  -  "),
        ({"energy_label": "estimated"}, "≈247"),
        ({"energy_label": "sampled"}, "s247"),
        ({"energy_label": "measured"}, " 247 "),
        ({"wer": None}, " -"),
        ({"wer": 0.0}, "0.0"),
        ({"weights": "random"}, "whisper-tiny r "),
        ({"variant": "fp32"}, "cuda:0 "),
        ({"variant": "fp16"}, "cuda:0 fp16 "),
        ({"latency_ms": 0.0123456}, "0.0123"),
        ({"rtfx": 0.0, "stable": True}, " 0 "),
    ],
)
def test_marks(changes: dict[str, object], words: str) -> None:
    assert words in shown(results_table([row(**changes)], width=120), 120)


@pytest.mark.parametrize("width", [80, 100])
def test_names_are_not_broken_within_a_word(width: int) -> None:
    name = "facebook/wav2vec2-conformer-rel-pos-large-960h-ft"
    text = shown(grid_table([case(model=name, variant="int8-dynamic-attention")]), width)
    assert fits(text, width)
    words = re.findall(r"[a-z0-9]+", text)
    for word in re.findall(r"[a-z0-9]+", f"{name} int8-dynamic-attention"):
        assert word in words


def test_a_long_grid_shows_every_case() -> None:
    cases = [case(model=f"a/model-{number}") for number in range(150)]
    text = shown(grid_table(cases), 80)
    assert all(f"a/model-{number} " in text for number in range(150))


@pytest.fixture
def printed(tmp_path: Path) -> Callable[..., str]:
    """Prints rows of a store and gives what was printed."""

    def show(*rows: LeaderboardRow, width: int = 80) -> str:
        stream = io.StringIO()
        with Store.open(tmp_path / "[red]\x1b.db") as store:
            print_results(Console(file=stream, width=width), store, rows)
        return stream.getvalue()

    return show


@pytest.mark.parametrize("value", HOSTILE, ids=ascii)
def test_hostile_reasons(printed: Callable[..., str], value: str) -> None:
    text = printed(row(state="failed", model=value, reason=value, latency_ms=None))
    first = text.splitlines()[0]
    assert first.startswith("failed ")
    assert first.endswith(f": {plain(value)}")
    assert not [sign for sign in FORBIDDEN if sign in text]
    assert "[red]\\x1b.db" in text


def test_why_results_have_no_joules_stands_below_the_table(tmp_path: Path) -> None:
    reason = "codecarbon: a window of 1 s is shorter than 2 s"
    stream = io.StringIO()
    with Store.open(tmp_path / "a.db") as store:
        benchmark = store.add_benchmark("demo", "{}")
        job = store.start_job(benchmark, target="local", cases_total=3, owner="me", lease_s=9)
        for key, why in enumerate((reason, reason, "not asked for")):
            bare = result(case_key=str(key), energy=(), energy_primary=None, energy_reason=why)
            store.write_result(job, bare)
        rows = store.leaderboard()
        print_results(Console(file=stream, width=200), store, rows)
    text = stream.getvalue()
    assert text.count(f"no joules: {reason}") == 1
    assert "not asked for" not in text


def test_an_estimate_is_marked_by_a_sign_that_is_no_exponent(printed: Callable[..., str]) -> None:
    text = printed(row(energy_j=19.4, energy_label="estimated", energy_source="codecarbon"))
    assert " ≈19.4 " in text
    assert text.count("estimated") == text.count("energy ≈ estimated by codecarbon") == 1
    assert "e19" not in text


def test_notes_say_what_the_marks_mean(printed: Callable[..., str]) -> None:
    text = printed(row(), row(energy_j=None, energy_label=None, energy_source=None))
    assert "~ unstable in 2 of 2" in text
    assert "s sampled by nvml-sampled" in text
    assert "`asrprof show ID` says which" in text
    assert "random weights" not in text
    assert "2 results in " in text
    assert "r random weights" in printed(row(weights="random"))
    assert fits(text.rpartition("2 results")[0], 80)
