"""Corpora as they lie on disk, made of the built-in speech, against the plain manifest of it."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import datasets
import numpy as np
import pandas as pd
import pytest
import soundfile

from runner.clips import prepare, prepare_utterances
from runner.clips.corpora.formats import FORMATS
from runner.clips.folder import find_speech, read_folder
from runner.clips.survey import survey
from runner.config import Data
from runner.errors import UserError

SPEECH = Path(str(files("runner.clips"))) / "speech"
ROWS = [json.loads(line) for line in (SPEECH / "manifest.jsonl").read_text().splitlines()[:6]]
READERS = [1688, 1688, 1688, 2412, 2412, 3331]
NAMES = [f"{reader}-{reader}00-{number:04d}" for number, reader in enumerate(READERS)]
"""As LibriSpeech has them: reader, chapter, number."""


def audio(number: int, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(SPEECH / ROWS[number]["file"], target)


def text(number: int) -> str:
    return str(ROWS[number]["text"])


def manifest(folder: Path, rows: list[dict[str, object]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)))


def joined(target: Path) -> list[tuple[float, float]]:
    """All utterances in one file, a second between two; where each lies, in seconds."""
    parts, places, end = [], [], 0
    for row in ROWS:
        wave, rate = soundfile.read(SPEECH / row["file"], dtype="int16")
        assert rate == 16_000
        parts += [wave, np.zeros(16_000, dtype=np.int16)]
        places.append((end / rate, (end + len(wave)) / rate))
        end += len(wave) + 16_000
    target.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(target, np.concatenate(parts), 16_000)
    return places


def librispeech(folder: Path) -> list[dict[str, object]]:
    for number, (name, reader) in enumerate(zip(NAMES, READERS, strict=True)):
        chapter = folder / str(reader) / f"{reader}00"
        audio(number, chapter / f"{name}.flac")
        with (chapter / f"{reader}-{reader}00.trans.txt").open("a") as index:
            index.write(f"{name} {text(number)}\n")
    return [{"id": name, "speaker": str(r)} for name, r in zip(NAMES, READERS, strict=True)]


def common_voice(folder: Path) -> list[dict[str, object]]:
    lines = ["client_id\tpath\tsentence\tup_votes"]
    for number, reader in enumerate(READERS):
        audio(number, folder / "clips" / f"cv_{number}.flac")
        lines.append(f"reader {reader}\tcv_{number}.flac\t{text(number)}\t2")
    (folder / "test.tsv").write_text("\n".join(lines) + "\n")
    return [{"id": f"cv_{n}", "speaker": f"reader {r}"} for n, r in enumerate(READERS)]


def ljspeech(folder: Path) -> list[dict[str, object]]:
    lines = []
    for number in range(6):
        audio(number, folder / "wavs" / f"LJ-{number}.flac")
        lines.append(f'LJ-{number}|"raw {number}|{text(number)}')
    (folder / "metadata.csv").write_text("\n".join(lines))
    return [{"id": f"LJ-{number}"} for number in range(6)]


def text_files(folder: Path) -> list[dict[str, object]]:
    for number in range(6):
        audio(number, folder / "a" / f"{number}.flac")
        (folder / "a" / f"{number}.txt").write_text(text(number) + "\n")
    (folder / "README.txt").write_text("no transcript")
    return [{"id": f"a/{number}"} for number in range(6)]


def kaldi(folder: Path) -> list[dict[str, object]]:
    for number, name in enumerate(NAMES):
        audio(number, folder / "audio" / f"{number}.flac")
        for index, line in (
            ("wav.scp", f"{name} audio/{number}.flac"),
            ("text", f"{name} {text(number)}"),
            ("utt2spk", f"{name} spk{READERS[number]}"),
        ):
            with (folder / index).open("a") as file:
                file.write(line + "\n")
    return [{"id": n, "speaker": f"spk{r}"} for n, r in zip(NAMES, READERS, strict=True)]


def kaldi_segments(folder: Path) -> list[dict[str, object]]:
    places = joined(folder / "talk.wav")
    (folder / "wav.scp").write_text("talk talk.wav\n")
    for index in ("text", "segments", "utt2spk"):
        (folder / index).touch()
    for number, (start, end) in enumerate(places):
        for index, line in (
            ("text", text(number)),
            ("segments", f"talk {start:.4f} {end:.4f}"),
            ("utt2spk", f"spk{READERS[number]}"),
        ):
            with (folder / index).open("a") as file:
                file.write(f"utt{number} {line}\n")
    return cut(places, "talk", "utt{}", "spk{}")


def nemo(folder: Path) -> list[dict[str, object]]:
    places = joined(folder / "talk.wav")
    rows = [
        {
            "audio_filepath": "talk.wav",
            "offset": round(start, 4),
            "duration": round(end - start, 4),
            "text": text(number),
            "id": f"utt{number}",
            "speaker": f"spk{READERS[number]}",
        }
        for number, (start, end) in enumerate(places)
    ]
    (folder / "test_manifest.json").write_text("\n".join(map(json.dumps, rows)))
    return cut(places, "talk.wav", "utt{}", "spk{}")


def stm(folder: Path) -> list[dict[str, object]]:
    places = joined(folder / "sph" / "talk.wav")
    lines = [";; a comment"]
    for number, (start, end) in enumerate(places):
        label = "<o,f0,male> " if number % 2 else ""
        lines.append(f"talk 1 spk{READERS[number]} {start:.4f} {end:.4f} {label}{text(number)}")
    end = places[-1][1]
    lines.append(f"talk 1 talk {end:.4f} {end + 0.5:.4f} ignore_time_segment_in_scoring")
    (folder / "stm").mkdir()
    (folder / "stm" / "talk.stm").write_text("\n".join(lines))
    rows = cut(places, "talk", "", "spk{}")
    return [row | {"id": f"talk@{row['offset']:.4f}"} for row in rows]


def cut(
    places: list[tuple[float, float]], recording: str, name: str, speaker: str
) -> list[dict[str, object]]:
    return [
        {
            "id": name.format(number),
            "speaker": speaker.format(READERS[number]),
            "recording": recording,
            "offset": round(start, 4),
            "duration": round(round(end, 4) - round(start, 4), 4),
        }
        for number, (start, end) in enumerate(places)
    ]


def recording(name: str, file: str, seconds: float, channels: int = 1) -> dict[str, object]:
    return {
        "id": name,
        "sources": [{"type": "file", "channels": list(range(channels)), "source": file}],
        "sampling_rate": 16_000,
        "num_samples": round(seconds * 16_000),
        "duration": seconds,
        "channel_ids": list(range(channels)),
    }


def supervision(number: int, start: float, seconds: float, **more: object) -> dict[str, object]:
    said: dict[str, object] = {
        "id": f"utt{number}",
        "recording_id": "talk",
        "start": start,
        "duration": seconds,
        "channel": 0,
        "text": text(number),
        "language": "English",
        "speaker": f"spk{READERS[number]}",
    }
    return said | more


def zipped(target: Path, rows: list[dict[str, object]]) -> None:
    with gzip.open(target, "wt", encoding="utf-8") as file:
        file.write("\n".join(map(json.dumps, rows)))


def lhotse_cuts(folder: Path) -> list[dict[str, object]]:
    places = joined(folder / "talk.wav")
    whole = recording("talk", "talk.wav", soundfile.info(folder / "talk.wav").duration)
    cuts = []
    for number, (start, end) in enumerate(places):
        # Half a second before the words belongs to the cut, and not to what is said.
        lead = 0.5 if number else 0.0
        cuts.append(
            {
                "id": f"cut{number}",
                "start": round(start - lead, 4),
                "duration": round(end - start + lead, 4),
                "channel": 0,
                "supervisions": [supervision(number, lead, round(end - start, 4))],
                "recording": whole,
                "type": "MonoCut",
            }
        )
    zipped(folder / "test_cuts_clean.jsonl.gz", cuts)
    return cut(places, "talk", "utt{}", "spk{}")


def lhotse_supervisions(folder: Path) -> list[dict[str, object]]:
    rows, said = [], []
    for number in range(6):
        audio(number, folder / "audio" / f"{number}.flac")
        seconds = soundfile.info(folder / "audio" / f"{number}.flac").duration
        rows.append(recording(f"rec{number}", f"audio/{number}.flac", seconds))
        said.append(supervision(number, 0, seconds, recording_id=f"rec{number}"))
    folder.joinpath("x_recordings_test.jsonl").write_text("\n".join(map(json.dumps, rows)))
    folder.joinpath("x_supervisions_test.jsonl").write_text("\n".join(map(json.dumps, said)))
    return [{"id": f"utt{n}", "speaker": f"spk{r}"} for n, r in enumerate(READERS)]


def table(folder: Path) -> dict[str, list[object]]:
    for number in range(6):
        audio(number, folder / f"{number}.flac")
    return {
        "file_name": [f"{number}.flac" for number in range(6)],
        "transcription": [text(number) for number in range(6)],
        # Where a column of numbers has a gap, pandas has floats in it.
        "speaker_id": [*map(float, READERS[:5]), None],
    }


def expected_of_table() -> list[dict[str, object]]:
    speakers = [*map(str, READERS[:5]), ""]
    return [{"id": str(number), "speaker": name} for number, name in enumerate(speakers)]


def audiofolder_parquet(folder: Path) -> list[dict[str, object]]:
    pd.DataFrame(table(folder)).to_parquet(folder / "metadata.parquet")
    return expected_of_table()


def audiofolder_csv(folder: Path) -> list[dict[str, object]]:
    """Of a split; another one holds nothing that is there."""
    rows = pd.DataFrame(table(folder / "valid")).astype({"speaker_id": "Int64"})
    rows.to_csv(folder / "valid" / "metadata.csv", index=False)
    (folder / "train").mkdir()
    (folder / "train" / "metadata.csv").write_text("file_name,text\nnone.wav,none\n")
    return expected_of_table()


def audiofolder_jsonl(folder: Path) -> list[dict[str, object]]:
    columns = table(folder / "dev")
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    (folder / "dev" / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return expected_of_table()


def saved(folder: Path) -> datasets.Dataset:
    """With the audio in it, as `save_to_disk` embeds it."""
    return datasets.Dataset.from_dict(
        {
            "id": [f"utt{number}" for number in range(6)],
            "audio": [str(SPEECH / row["file"]) for row in ROWS],
            "text": [text(number) for number in range(6)],
            "speaker_id": READERS,
        }
    ).cast_column("audio", datasets.Audio())


def datasets_one(folder: Path) -> list[dict[str, object]]:
    saved(folder).save_to_disk(folder)
    return [{"id": f"utt{n}", "speaker": str(r)} for n, r in enumerate(READERS)]


def datasets_splits(folder: Path) -> list[dict[str, object]]:
    every = saved(folder)
    splits = {"train": every.select([0]), "validation": every}
    datasets.DatasetDict(splits).save_to_disk(folder)
    return [{"id": f"utt{n}", "speaker": str(r)} for n, r in enumerate(READERS)]


def datasets_arrays(folder: Path) -> list[dict[str, object]]:
    """Samples as numbers, of a data set that was never of audio files."""
    sound = [soundfile.read(SPEECH / row["file"], dtype="float64")[0] for row in ROWS]
    datasets.Dataset.from_dict(
        {
            "id": [f"utt{number}" for number in range(6)],
            "audio": [{"array": list(one), "sampling_rate": 16_000} for one in sound],
            "text": [text(number) for number in range(6)],
            "speaker_id": READERS,
        }
    ).save_to_disk(folder)
    return [{"id": f"utt{n}", "speaker": str(r)} for n, r in enumerate(READERS)]


MAKERS: dict[str, Callable[[Path], list[dict[str, object]]]] = {
    "librispeech": librispeech,
    "common-voice": common_voice,
    "ljspeech": ljspeech,
    "text-files": text_files,
    "kaldi": kaldi,
    "kaldi segments": kaldi_segments,
    "nemo": nemo,
    "stm": stm,
    "lhotse cuts": lhotse_cuts,
    "lhotse supervisions": lhotse_supervisions,
    "audiofolder parquet": audiofolder_parquet,
    "audiofolder csv": audiofolder_csv,
    "audiofolder jsonl": audiofolder_jsonl,
    "datasets one": datasets_one,
    "datasets splits": datasets_splits,
    "datasets arrays": datasets_arrays,
}


@pytest.mark.parametrize("what", MAKERS)
def test_a_corpus_is_its_plain_manifest_bit_for_bit(what, tmp_path):
    name = what.split()[0]
    rows = MAKERS[what](tmp_path / "corpus")
    plain = tmp_path / "plain"
    if "offset" in rows[0]:
        joined(plain / "talk.wav")
        rows = [row | {"file": "talk.wav", "text": text(n)} for n, row in enumerate(rows)]
    else:
        for number in range(6):
            audio(number, plain / f"{number}.flac")
        rows = [row | {"file": f"{n}.flac", "text": text(n)} for n, row in enumerate(rows)]
    manifest(plain, rows)
    assert find_speech(tmp_path / "corpus").corpus is FORMATS[name]
    corpus, expected = read_folder(tmp_path / "corpus", wanted=name), read_folder(plain)
    assert len(corpus.utterances) == 6
    assert corpus.dropped == (what == "stm")
    for one, two in zip(corpus.utterances, expected.utterances, strict=True):
        assert (one.id, one.text, one.speaker) == (two.id, two.text, two.speaker)
        assert (one.recording, one.start_s) == (two.recording, two.start_s)
        assert np.array_equal(one.audio, two.audio)
    heard = survey(Data(source="folder", path=str(tmp_path / "corpus")))
    assert (heard.problems, heard.left_out) == ([], [])
    assert heard.seconds == pytest.approx([one.seconds for one in expected.utterances], abs=1e-4)
    assert heard.speakers == len({one.speaker for one in expected.utterances} - {None})
    assert heard.recordings == len({one.recording for one in expected.utterances} - {None})
    assert heard.audio == {(16_000, 1): 1 if "offset" in rows[0] else 6}
    data = [
        Data(source="folder", path=str(tmp_path / folder), cache=str(tmp_path / "cache"))
        for folder in ("corpus", "plain")
    ]
    assert len({prepare(one, audio_seconds=15.0, seed=3).fingerprint for one in data}) == 1
    assert len({prepare_utterances(one, seed=3, limit=None).fingerprint for one in data}) == 1


def refusal(path: Path, **options: object) -> str:
    with pytest.raises(UserError) as caught:
        read_folder(path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_command_in_a_kaldi_folder_is_never_run(tmp_path):
    kaldi(tmp_path)
    ran = tmp_path / "ran"
    for command in (f"touch {ran} |", f"| touch {ran}", f"sph2pipe -f wav x.sph; touch {ran}|"):
        (tmp_path / "wav.scp").write_text("\n".join(f"{name} {command}" for name in NAMES))
        message = refusal(tmp_path)
        assert "wav.scp line 1: 1688-168800-0000 is the output of a command, and none is run" in (
            message
        )
        assert not ran.exists()


@pytest.mark.parametrize("end", ["-1", "-1.0"])
def test_a_kaldi_segment_may_go_on_to_the_end_of_its_recording(end, tmp_path):
    kaldi_segments(tmp_path)
    whole, rate = soundfile.read(tmp_path / "talk.wav", dtype="float32")
    with (tmp_path / "segments").open("a") as segments, (tmp_path / "text").open("a") as texts:
        segments.write(f"rest talk 1.5 {end}\n")
        texts.write("rest the rest of it\n")
    rest = next(one for one in read_folder(tmp_path).utterances if one.id == "rest")
    assert (rest.start_s, rest.text) == (1.5, "the rest of it")
    assert np.array_equal(rest.audio, whole[round(1.5 * rate) :])


def test_a_kaldi_segment_may_name_its_channel(tmp_path):
    kaldi_segments(tmp_path)
    one, rate = soundfile.read(tmp_path / "talk.wav", dtype="float32")
    soundfile.write(tmp_path / "talk.wav", np.stack([one, one[::-1]], 1), rate, subtype="FLOAT")
    lines = (tmp_path / "segments").read_text().splitlines()
    (tmp_path / "segments").write_text("\n".join(f"{line} {1}" for line in lines))
    before = [float(line.split()[2]) for line in lines]
    found = read_folder(tmp_path).utterances
    assert [utterance.start_s for utterance in found] == before
    for utterance in found:
        start = round((utterance.start_s or 0) * rate)
        assert np.array_equal(utterance.audio, one[::-1][start : start + len(utterance.audio)])


@pytest.mark.parametrize(
    ("what", "index", "line", "words"),
    [
        ("kaldi", "text", "other words", "wav.scp has no other"),
        ("kaldi", "text", f"{NAMES[0]} again", "has 1688-168800-0000 of"),
        ("kaldi segments", "segments", "utt9 talk 1", ""),
        ("common-voice", "test.tsv", "a\tb", "another number of columns"),
        ("ljspeech", "metadata.csv", "\nno text", "is no name|text"),
        ("nemo", "test_manifest.json", "\n{", "is not valid JSON"),
        ("stm", "stm/talk.stm", "\ntalk 3 a 0 1 <o> x", "channel 3 is none of 1, 2, A, B"),
        ("stm", "stm/talk.stm", "\ntalk 1 a zero 1 x", '"start" must be a number of seconds'),
        ("stm", "stm/talk.stm", "\ntalk", "is no recording, channel, speaker, start and end"),
    ],
)
def test_a_damaged_line_is_named(what, index, line, words, tmp_path):
    MAKERS[what](tmp_path)
    with (tmp_path / index).open("a") as file:
        file.write(line + "\n")
    if words:
        message = refusal(tmp_path)
        assert words in message
        assert Path(index).name in message
    else:
        assert len(read_folder(tmp_path).utterances) == 6  # a segment without a text is none


def cuts(folder: Path, **changes: object) -> Path:
    """One cut of both channels' file, the first of them; changed at its dotted places."""
    joined(folder / "talk.wav")
    row: dict[str, object] = {
        "id": "cut",
        "start": 0,
        "duration": 1.0,
        "channel": 0,
        "supervisions": [supervision(0, 0, 1.0)],
        "recording": recording("talk", "talk.wav", 20.0),
        "type": "MonoCut",
    }
    path = folder / "cuts.jsonl"
    path.write_text(json.dumps(row | changes))
    return path


def from_source(**source: object) -> dict[str, object]:
    return recording("talk", "talk.wav", 20.0) | {"sources": [{"channels": [0]} | source]}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"recording": from_source(type="command", source="touch ran")}, "and none is run"),
        ({"recording": from_source(type="url", source="http://x/a.wav")}, "is of type url"),
        ({"recording": from_source(type="file", source="../a.wav")}, "lies outside"),
        ({"recording": from_source(type="file")}, "is no cut of Lhotse"),
        ({"recording": None}, "has no recording"),
        ({"type": "MixedCut"}, "is a MixedCut: no part of one recording"),
        (
            {
                "recording": recording("talk", "talk.wav", 20.0)
                | {"transforms": [{"name": "Speed"}]}
            },
            "its recording is transformed",
        ),
        ({"supervisions": [supervision(0, -1.0, 2.0)]}, "it is from -1 s on"),
        ({"supervisions": [supervision(0, 0, 600.0)]}, "its segment is from"),
        ({"supervisions": [supervision(0, 0, 1.0, channel=1)]}, "channel 1 of recording talk"),
    ],
)
def test_what_of_lhotse_is_no_recorded_speech_is_refused(changes, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cuts(tmp_path, **changes)
    message = refusal(tmp_path, wanted="lhotse")
    assert words in message
    assert "cuts.jsonl line 1" in message
    assert not (tmp_path / "ran").exists()


def test_channels_of_lhotse_are_picked(tmp_path):
    left, rate = soundfile.read(SPEECH / ROWS[0]["file"], dtype="int16")
    right = np.roll(left, 4000)
    soundfile.write(tmp_path / "both.wav", np.stack([left, right], axis=1), rate)
    soundfile.write(tmp_path / "right.wav", right, rate)
    seconds = len(left) / rate
    two = recording("talk", "both.wav", seconds, channels=2)
    apart = two | {
        "sources": [
            {"type": "file", "channels": [0], "source": "none.wav"},
            {"type": "file", "channels": [1], "source": "right.wav"},
        ]
    }
    for whole in (two, apart):
        said = [supervision(0, 0, seconds, channel=[1])]
        path = cuts(tmp_path, recording=whole, supervisions=said, type="MultiCut", channel=[0, 1])
        (utterance,) = read_folder(path).utterances
        assert np.array_equal(np.rint(utterance.audio * 32_768), right)


def test_a_supervision_without_words_is_none(tmp_path):
    said = [supervision(0, 0, 1.0), supervision(1, 1.0, 0.5, text=None)]
    cuts(tmp_path, supervisions=said)
    speech = read_folder(tmp_path)
    assert ([one.id for one in speech.utterances], speech.dropped) == (["utt0"], 1)


def test_of_several_manifests_one_must_be_named(tmp_path):
    lhotse_cuts(tmp_path)
    lhotse_supervisions(tmp_path)
    assert len(read_folder(tmp_path).utterances) == 6  # cuts come first
    shutil.copy(tmp_path / "test_cuts_clean.jsonl.gz", tmp_path / "test_cuts_other.jsonl.gz")
    message = refusal(tmp_path)
    assert "test_cuts_clean.jsonl.gz, test_cuts_other.jsonl.gz; give the path" in message
    assert len(read_folder(tmp_path / "test_cuts_other.jsonl.gz").utterances) == 6
    speech = read_folder(tmp_path / "x_recordings_test.jsonl")
    assert {one.recording for one in speech.utterances} == {None}


def test_a_gzip_that_is_cut_off_is_named(tmp_path):
    lhotse_cuts(tmp_path)
    path = tmp_path / "test_cuts_clean.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-20])
    assert f"{path} is no gzip file, or is cut off" in refusal(path)


@pytest.mark.parametrize("make", [datasets_splits, audiofolder_csv])
def test_a_split_is_chosen(make, tmp_path):
    make(tmp_path)
    assert len(read_folder(tmp_path, split="validation").utterances) == 6
    assert "train" in refusal(tmp_path, split="tst")
    with pytest.raises(UserError, match=r'no split "tst"; set data\.split to '):
        prepare(Data(source="folder", path=str(tmp_path), split="tst"), audio_seconds=5.0, seed=1)


def test_what_has_no_splits_says_so(tmp_path):
    manifest(tmp_path, [{"file": "a.wav", "text": "a"}])
    assert 'of the format "manifest"; leave out data.split' in refusal(tmp_path, split="test")


def test_a_damaged_directory_of_datasets_is_one_line(tmp_path):
    datasets_one(tmp_path)
    (table,) = tmp_path.glob("*.arrow")
    table.write_bytes(table.read_bytes()[:1000])
    assert "cannot be read as saved by datasets" in refusal(tmp_path)


def test_a_damaged_parquet_is_one_line(tmp_path):
    audiofolder_parquet(tmp_path)
    (tmp_path / "metadata.parquet").write_bytes(b"PAR1 and no more")
    assert "cannot read" in refusal(tmp_path)


def test_the_column_of_the_text_is_named(tmp_path):
    rows = pd.DataFrame(table(tmp_path)).rename(columns={"transcription": "spoken"})
    rows.to_parquet(tmp_path / "metadata.parquet")
    assert "has no transcript" in refusal(tmp_path)
    assert len(read_folder(tmp_path, text_column="spoken").utterances) == 6


def test_audio_that_was_not_copied_matters_where_it_is_taken(tmp_path):
    librispeech(tmp_path)
    (tmp_path / "3331" / "333100" / f"{NAMES[5]}.flac").unlink()
    assert len(read_folder(tmp_path, 5).utterances) == 5
    speech = read_folder(tmp_path)
    assert len(speech.utterances) == 5
    assert f"there is no file 3331/333100/{NAMES[5]}.flac" in speech.unreadable[0]


def test_what_is_none_of_them_is_told_what_was_looked_for(tmp_path):
    (tmp_path / "a.txt").write_text("no audio")
    assert "docs/clips.md lists every form" in refusal(tmp_path)
    librispeech(tmp_path)
    message = refusal(tmp_path, wanted="stm")
    assert "holds none of *.stm, so it is not of the format stm; correct data.format" in message
    with pytest.raises(ValueError, match='"format" belongs to data source "folder" only'):
        Data(source="builtin", format="stm")
