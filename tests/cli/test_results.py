"""`asrprof results` and `asrprof show`: pages for people, in the terminal."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.tui.big_store import make_big_store
from tests.cli.conftest import Ran
from tests.report.demo_like import write_demo_like

Run = Callable[..., Ran]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("results") / "asrprof.db"
    write_demo_like(path)
    return str(path)


def ids(ran: Ran) -> list[int]:
    assert (ran.code, ran.err) == (0, "")
    return [int(number) for number in re.findall(r"^ *(\d+)  \S", ran.out, re.M)]


def test_every_row_has_the_number_that_show_takes(asrprof: Run, path: str) -> None:
    assert ids(asrprof("results", "--store", path)) == list(range(1, 10))
    # The newest, and the newest last.
    assert ids(asrprof("results", "--store", path, "--limit", "2")) == [8, 9]


def test_sorting_puts_the_best_first(asrprof: Run, path: str) -> None:
    def column(*arguments: str) -> list[float]:
        ran = asrprof("results", "--store", path, "--json", *arguments)
        (name,) = json.loads(ran.out)[0]
        return [row[name] for row in json.loads(ran.out) if row[name] is not None]

    rtfx = column("--sort", "rtfx", "--columns", "rtfx")
    assert rtfx == sorted(rtfx, reverse=True)
    assert column("--sort", "-rtfx", "--columns", "rtfx") == rtfx[::-1]
    latency = column("--sort", "latency", "--columns", "latency")
    assert latency == sorted(latency)
    errors = column("--sort", "wer", "--columns", "wer", "--limit", "3")
    assert errors == [0.02, 0.02, 0.05]


def test_columns_can_be_chosen(asrprof: Run, path: str) -> None:
    ran = asrprof("results", "--store", path, "--columns", "id,batch,normaliser", "--limit", "1")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.split("\n")[0].split() == ["id", "batch", "normaliser"]
    assert ran.out.split("\n")[2].split() == ["9", "4", "asrprof/english-1"]


def test_results_can_be_grouped(asrprof: Run, path: str) -> None:
    ran = asrprof("results", "--store", path, "--by", "model,audio", "--where", "small")
    assert (ran.code, ran.err) == (0, "")
    assert len(re.findall(r"^small-", ran.out, re.M)) == 6
    found = json.loads(asrprof("results", "--store", path, "--by", "model", "--json").out)
    of = {group["model"]: group for group in found}
    assert (of["small-whisper"]["results"], of["small-whisper"]["wer"]) == (2, 0.02)
    assert of["openai/whisper-tiny"]["wer"] is None


@pytest.mark.parametrize(
    ("where", "count"),
    [
        ("wer<10% batch>=4", 3),
        ("wer < 10%", 6),
        ("model = small-whisper", 2),
        ("whisper -small", 1),
        ("wer < 0.03 or model = 'pocketsphinx'", 3),
    ],
)
def test_every_command_takes_the_filter_of_the_terminal_ui(
    asrprof: Run, path: str, where: str, count: int, tmp_path: Path
) -> None:
    shown = asrprof("results", "--store", path, "--where", where, "--json")
    assert len(json.loads(shown.out)) == count
    exported = asrprof("export", "--store", path, "--where", where, "-f", "json")
    assert len(json.loads(exported.out)) == count
    compared = asrprof("compare", path, path, "--where", where, "--json")
    assert len(json.loads(compared.out)["pairs"]) == count


@pytest.mark.parametrize(
    "command",
    [("results",), ("export",), ("report",), ("recommend",), ("compare", "{}", "{}")],
)
@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("werr < 0.1", "no column 'werr': did you mean wer or"),
        ("wer < 0.1 and werr < 1", "no such column: werr"),
        ("wer < (1", "incomplete input"),
        ("wer < low", "wer is a number, 'low' is none"),
    ],
)
def test_every_command_says_the_same_of_a_wrong_filter(
    asrprof: Run, path: str, command: tuple[str, ...], where: str, said: str
) -> None:
    words = [word.format(path) for word in command]
    ran = asrprof(*words, "--store", path, "--where", where)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"asrprof: error: --where {where!r}: {said}")
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--sort", "speed"), "--sort: no column 'speed': did you mean speedup"),
        (("--columns", "id,nope"), "--columns: no column 'nope'"),
        (("--by", "latency"), "--by latency: choose from benchmark, model"),
    ],
)
def test_a_column_that_is_not_there_is_one_line(
    asrprof: Run, path: str, arguments: tuple[str, ...], said: str
) -> None:
    ran = asrprof("results", "--store", path, *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize("columns", [80, 160])
def test_a_result_is_a_page(asrprof: Run, path: str, columns: int) -> None:
    ran = asrprof("show", "7", "--store", path, columns=columns)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("result 7: small-parakeet-ctc on cpu, 15 s x 4\n")
    assert re.search(r"^latency +140 ms +95 %: 1\d\d to 1\d\d", ran.out, re.M)
    assert re.search(r"^energy +\S+ J +measured by rapl", ran.out, re.M)
    assert re.search(r"^WER +6\.0 % +95 %: 3\.67 to 8\.33", ran.out, re.M)
    assert re.search(r"^VRAM +- +no GPU was used", ran.out, re.M)
    for heading in ("Stages", "Energy of a batch", "Machine", "Most errors"):
        assert re.search(rf"^{heading}", ran.out, re.M)
    assert "8 threads, 16 logical CPUs" in ran.out
    assert "utterance-002: 2 of 20 words" in ran.out
    assert "  wrote: cedar elm fir" in ran.out


def test_a_result_that_is_not_there_is_one_line(asrprof: Run, path: str) -> None:
    for number in ("99", "0", str(2**63)):
        ran = asrprof("show", number, "--store", path)
        assert (ran.code, ran.out) == (2, "")
        assert len(ran.err.splitlines()) == 1


@pytest.mark.timed
@pytest.mark.e2e
def test_a_hundred_thousand_results_are_quick(asrprof: Run, tmp_path: Path) -> None:
    path = tmp_path / "big.db"
    make_big_store(path, results=100_000, samples=1)
    for arguments in ((), ("--sort", "rtfx"), ("--where", "wer<10% tiny")):
        began = time.process_time()
        ran = asrprof("results", "--store", str(path), "--limit", "20", *arguments)
        assert ran.code == 0
        # Half a second at most, on a machine three times as slow.
        assert time.process_time() - began < 1.5, arguments
