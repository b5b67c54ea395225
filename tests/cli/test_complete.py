"""The shell's completion of names, asked for as bash asks."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.cli import complete, main
from tests.fresh import HEAVY, imported

LATENCIES = {"latency_ms", "latency_low_ms", "latency_high_ms"}


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("asrprof run de", {"demo", "decoder", "deep.json"}),
        ("asrprof run --config de", {"demo", "decoder", "deep.json"}),
        ("asrprof queue add de", {"demo", "decoder", "deep.json"}),
        ("asrprof run demo --target docker-cu", {"docker-cuda"}),
        ("asrprof queue add demo --target r", {"ray"}),
        ("asrprof export l", {"leaderboard"}),
        ("asrprof rescore w", {"words"}),
        ("asrprof results --sort latency", LATENCIES),
        ("asrprof results --columns wer,latency", {f"wer,{name}" for name in LATENCIES}),
        ("asrprof results --by dev", {"device"}),
    ],
)
def test_names_are_completed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    line: str,
    offered: set[str],
) -> None:
    (tmp_path / "deep.json").write_text("{}")
    (tmp_path / "deep.txt").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("_ASRPROF_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(line.count(" ")))
    with pytest.raises(SystemExit) as end:
        main([])
    assert not end.value.code
    found = capsys.readouterr().out.split()
    assert set(found) >= offered
    assert all(name.startswith(line.rpartition(" ")[2]) for name in found)
    assert "deep.txt" not in found


def test_files_are_those_of_the_folder_that_the_word_is_in(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.json").write_text("{}")
    assert complete.configs(f"{tmp_path}/s") == [f"{tmp_path}/sub/"]
    assert complete.configs(f"{tmp_path}/sub/") == [f"{tmp_path}/sub/a.json"]
    assert complete.configs(f"{tmp_path}/none/x") == []


def test_a_minus_stays_and_a_column_is_offered_once() -> None:
    assert complete.order_column("-rtf") == ["-rtfx"]
    found = complete.columns("wer,wer")
    assert "wer,wer" not in found
    assert "wer,wer_low" in found


def test_completion_imports_no_framework() -> None:
    calls = "configs('d'), c.targets(''), c.tables(''), c.normalisers(''), c.columns('')"
    modules, _ = imported(f"from runner.cli import complete as c; c.{calls}")
    assert not modules & HEAVY
