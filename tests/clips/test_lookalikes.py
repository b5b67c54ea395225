"""A folder without a manifest of a known name: what to do about it, in one short line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner.clips.folder import MANIFESTS, find_speech, read_folder
from runner.errors import UserError


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        find_speech(path)
    message = str(caught.value)
    assert len(message) < 300 + 2 * len(str(path))
    assert message.endswith(("docs/clips.md lists every form", "name that folder"))
    return message


@pytest.fixture
def unnamed(folder: Path) -> Path:
    """A folder whose manifest has another name."""
    (folder / "manifest.jsonl").rename(folder / "calls.jsonl")
    return folder


def test_a_manifest_of_another_name_is_named_and_can_be_read_by_its_path(unnamed: Path) -> None:
    file = unnamed / "calls.jsonl"
    assert refusal(unnamed) == (
        f"{unnamed} holds no manifest.jsonl, but calls.jsonl, which looks like one: name the file "
        f"in place of the folder ({file}), or rename it to manifest.jsonl; docs/clips.md lists "
        "every form"
    )
    assert len(read_folder(file).utterances) == 6


def test_several_are_named(unnamed: Path) -> None:
    for name in ("b.csv", "c.csv", "d.csv"):
        (unnamed / name).write_text("file,text\na0.flac,said\n")
    message = refusal(unnamed)
    assert "but b.csv, c.csv, calls.jsonl and 1 more, which look like one: name the" in message
    assert f"({unnamed / 'b.csv'}), or rename it to metadata.csv" in message
    assert len(read_folder(unnamed / "b.csv").utterances) == 1


def test_a_manifest_further_down_is_named(folder: Path) -> None:
    assert refusal(folder.parent) == (
        f"{folder.parent} holds no manifest itself, but {folder} does: name that folder"
    )


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("my.tsv", "file\ttext\n", "my.tsv has no column path nor sentence: save it as CSV"),
        ("x.csv", "a,b\n", "x.csv has no column of the audio file (audio, file, file_name, …)"),
        ("x.json", '{"file": 1}\n', "x.json has no key of the transcript (text, transcript"),
        ("x.jsonl.gz", "no gzip", "x.jsonl.gz has no key of the audio file"),
    ],
)
def test_a_table_of_no_known_form_says_what_it_lacks(
    name: str, content: str, words: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content)
    assert words in refusal(tmp_path)


def test_audio_alone_is_counted(folder: Path) -> None:
    (folder / "manifest.jsonl").unlink()
    message = refusal(folder)
    assert f"{folder} holds 6 audio files and no texts: write manifest.jsonl, a line " in message
    assert json.loads("{" + message.partition("{")[2].partition("}")[0] + "}").keys() == {
        "file",
        "text",
    }


def test_a_file_that_is_no_table_is_told(folder: Path) -> None:
    assert "a0.flac is no manifest: it ends in none of .jsonl, " in refusal(folder / "a0.flac")
    assert MANIFESTS[0] == "manifest.jsonl"
