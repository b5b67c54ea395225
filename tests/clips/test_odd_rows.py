"""Rows that say two things, or nothing that can be true: refused in one line, never half read."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile

from runner.clips.corpora.saved import _encoded
from runner.clips.entry import Entry
from runner.clips.folder import find_speech, read_folder
from runner.clips.segment import LONGEST_S
from runner.clips.survey import survey
from runner.config import Data
from runner.errors import UserError

SECONDS = 2.0


@pytest.fixture
def corpus(tmp_path: Path, noise: Callable[..., object]) -> Path:
    """A folder with one file of audio, under the names that several formats give it."""
    for folder in ("", "clips", "wavs"):
        (tmp_path / folder).mkdir(exist_ok=True)
        soundfile.write(tmp_path / folder / "a.flac", noise(round(SECONDS * 16_000), 1), 16_000)
    return tmp_path


def refused(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        read_folder(path)
    said = str(caught.value)
    assert "\n" not in said
    # Nothing is too odd to be listed: the same line, or the same row among the problems.
    try:
        found = survey(Data(source="folder", path=str(path)))
        problems = [*found.problems, *found.left_out]
    except UserError as error:
        problems = [str(error)]
    assert said in problems
    return said


TWICE = {
    "manifest.jsonl": ('{"file": "a.flac", "text": "said", "text": "not said"}', "text", "line 1"),
    "metadata.jsonl": ('{"file": "b.flac", "file": "a.flac", "text": "a"}', "file", "line 1"),
    "my_manifest.json": (
        '{"audio_filepath": "a.flac", "text": "a", "offset": 0, "offset": 1}',
        "offset",
        "line 1",
    ),
    "cuts.jsonl": (
        '{"supervisions": []}\n{"supervisions": [{"start": 0, "start": 1}]}',
        "start",
        "line 2",
    ),
    "metadata.csv": ("file_name,text,text\na.flac,said,not said\n", "text", "line 1"),
    "test.tsv": ("path\tsentence\tpath\na.flac\tsaid\tb.flac\n", "path", "line 1"),
}


@pytest.mark.parametrize("name", TWICE)
def test_a_key_or_column_that_is_there_twice_is_no_choice(name: str, corpus: Path) -> None:
    content, key, where = TWICE[name]
    (corpus / name).write_text(content)
    said = refused(corpus)
    assert f'"{key}"' in said
    assert "twice" in said
    assert where in said


def test_columns_without_a_name_may_be_several(corpus: Path) -> None:
    (corpus / "metadata.csv").write_text("file_name,text,,\na.flac,said,1,2\n")
    (utterance,) = read_folder(corpus).utterances
    assert (utterance.text, utterance.seconds) == ("said", SECONDS)


def test_a_parquet_with_a_column_twice_or_bytes_for_text_is_one_line(corpus: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    files = pa.array(["a.flac"])

    def written(names: list[str], *columns: object) -> str:
        pq.write_table(pa.table(list(columns), names=names), corpus / "metadata.parquet")
        return refused(corpus)

    said = written(["file_name", "text", "text"], files, files, files)
    assert 'the column "text" twice' in said
    # Latin-1 under the type of text, as some writers leave it.
    broken = pa.Array.from_buffers(pa.string(), 1, pa.array([b"caf\xe9"]).buffers())
    said = written(["file_name", "text"], files, broken)
    assert "metadata.parquet" in said
    assert "copy it again" in said


@pytest.mark.parametrize(
    "given", [12, 1.5, True, ["a" * 64], {"a": 1}, "a", "g" * 64, "a" * 63, "sha256:" + "a" * 64]
)
def test_a_checksum_that_is_none_is_a_mistake(given: object, corpus: Path) -> None:
    (corpus / "manifest.jsonl").write_text(
        json.dumps({"file": "a.flac", "text": "a", "sha256": given})
    )
    said = refused(corpus)
    assert 'manifest.jsonl line 1: "sha256" must be 64 hexadecimal digits' in said


@pytest.mark.parametrize("nothing", ["", None])
def test_an_empty_checksum_is_none(nothing: str | None, corpus: Path) -> None:
    (corpus / "manifest.jsonl").write_text(
        json.dumps({"file": "a.flac", "text": "a", "sha256": nothing})
    )
    assert len(read_folder(corpus).utterances) == 1


@pytest.mark.parametrize("seconds", ["1e305", "1e9", "1e400", "9" * 400, '"1e200"', "-1e305"])
@pytest.mark.parametrize("key", ["start", "offset", "end", "duration", "start_s"])
def test_times_that_no_recording_has_are_mistakes(key: str, seconds: str, corpus: Path) -> None:
    start = '"start": 0, ' if key == "end" else ""
    (corpus / "manifest.jsonl").write_text(
        f'{{"file": "a.flac", "text": "a", {start}"{key}": {seconds}}}'
    )
    assert f'line 1: "{key}" must be a number of seconds' in refused(corpus)


def test_a_day_is_a_time_as_any_other(corpus: Path) -> None:
    (corpus / "manifest.jsonl").write_text(
        f'{{"file": "a.flac", "text": "a", "start_s": {math.nextafter(LONGEST_S, 0)}}}'
    )
    assert len(read_folder(corpus).utterances) == 1


def cut(**changes: object) -> dict[str, object]:
    source = {"type": "file", "channels": [0], "source": "a.flac"}
    recording = {"id": "a", "sources": [source], "sampling_rate": 16_000, "duration": SECONDS}
    said = {"id": "u", "recording_id": "a", "start": 0, "duration": SECONDS, "text": "said"}
    return {
        "id": "c",
        "type": "MonoCut",
        "start": 0,
        "duration": SECONDS,
        "channel": 0,
        "recording": recording,
        "supervisions": [said | changes],
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"text": 5},
        {"text": ["said"]},
        {"text": {"a": 1}},
        {"text": "half a pair \ud800"},
        {"id": "\udfff"},
        {"start": 1e305},
        {"start": 10**400},
        {"duration": 10**400},
        {"duration": 1e305},
        {"duration": [1]},
        {"start": None},
        {"channel": {}},
        {"speaker": []},
    ],
)
def test_a_cut_of_lhotse_that_cannot_be_is_named(changes: dict[str, object], corpus: Path) -> None:
    (corpus / "cuts.jsonl").write_text(json.dumps(cut(**changes)))
    assert "cuts.jsonl line 1" in refused(corpus)


@pytest.mark.parametrize("name", [[1], {"a": 1}, None, 3.5, True])
def test_names_of_recordings_that_are_no_text_match_nothing(name: object, corpus: Path) -> None:
    recording = cut()["recording"]
    assert isinstance(recording, dict)
    (corpus / "recordings.jsonl").write_text(json.dumps(recording))
    said = {"id": "u", "recording_id": name, "start": 0, "duration": 1, "text": "said"}
    (corpus / "supervisions.jsonl").write_text(json.dumps(said))
    assert "supervisions.jsonl line 1 has no recording" in refused(corpus)
    (corpus / "recordings.jsonl").write_text(
        json.dumps({**recording, "id": name}) + "\n" + json.dumps(recording)
    )
    (corpus / "supervisions.jsonl").write_text(json.dumps(said | {"recording_id": "a"}))
    assert [one.text for one in read_folder(corpus).utterances] == ["said"]


@pytest.mark.parametrize("name", ["/etc/passwd", "../../a", "../wavs/../../b", "/", "", "a\0b"])
@pytest.mark.parametrize("kind", ["ljspeech", "librispeech", "stm", "common-voice", "kaldi"])
def test_names_that_lead_out_of_a_corpus_are_one_line(kind: str, name: str, corpus: Path) -> None:
    if kind == "ljspeech":
        (corpus / "metadata.csv").write_text(f"{name}|said\n")
    elif kind == "librispeech":
        (corpus / "1-1.trans.txt").write_text(f"{name or '.'} said\n")
    elif kind == "stm":
        (corpus / "a.stm").write_text(f"{name or '.'} 1 speaker 0 1 said\n")
    elif kind == "common-voice":
        (corpus / "test.tsv").write_text(f"path\tsentence\n{name}\tsaid\n")
    else:
        (corpus / "wav.scp").write_text(f"u {name}\n")
        (corpus / "text").write_text("u said\n")
    said = refused(corpus)
    assert ("line 2: " if kind == "common-voice" else "line 1: ") in said
    assert "there is no file" in said or "lies outside" in said


@pytest.mark.parametrize("value", [["a"], [[0.1], [0.1, 0.2]], [{"a": 1}], []])
@pytest.mark.parametrize("rate", [16_000, -5, 0, 10**13, "fast"])
def test_samples_of_a_saved_data_set_that_are_none_are_one_line(
    value: list[object], rate: object
) -> None:
    entry = Entry("corpus row 3", "3", "row 3", "said", None)
    with pytest.raises(UserError, match=r"^corpus row 3 holds no audio"):
        _encoded({"array": value, "sampling_rate": rate}, entry)
    if rate != 16_000:
        with pytest.raises(UserError, match=r"^corpus row 3 holds no audio"):
            _encoded({"array": [0.1, 0.2], "sampling_rate": rate}, entry)


@pytest.mark.parametrize("path", ["~nobody-of-this-name/speech", "a" * 300, "a\0b"])
def test_a_path_that_cannot_be_is_one_line(path: str) -> None:
    with pytest.raises(UserError, match=r"correct data\.path$"):
        find_speech(Path(path))
