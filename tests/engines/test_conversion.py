"""Converted models in the cache: what two processes that make the same one leave there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from runner.engines.conversion import Converter, Kept, Source, keep

MEETING = """
import sys, time
from pathlib import Path

out = Path(sys.argv[2])
out.mkdir()
meeting = out.parent.parent.parent / "meeting"
meeting.mkdir(exist_ok=True)
(meeting / out.parent.name).touch()
while len(list(meeting.iterdir())) < 2:
    time.sleep(0.01)
(out / "weights").write_text(out.parent.name)
"""


def test_of_two_that_convert_at_once_the_first_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that one process has opened is not taken from under it by the other."""
    (tmp_path / "meeting_converter.py").write_text(MEETING)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("ASRPROF_CACHE", str(tmp_path / "cache"))
    converter = Converter(
        library="none",
        folder="met",
        module="meeting_converter",
        packages=(),
        is_whole=lambda folder: (folder / "weights").is_file(),
    )
    source = Source(name=str(tmp_path / "model"), format="float32", seed=0)

    def convert(_: int) -> tuple[Kept, str, int]:
        kept = keep(source, converter, Kept)
        weights = kept.folder / "weights"
        return kept, weights.read_text(), weights.stat().st_ino

    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(convert, range(2))
    assert one[0].seconds is not None and two[0].seconds is not None
    assert one[0].folder == two[0].folder
    assert one[1:] == two[1:]
    again, _, inode = convert(2)
    assert again.seconds is None
    assert inode == one[2]
    assert [path.name for path in (tmp_path / "cache" / "met").glob(".part-*")] == []
