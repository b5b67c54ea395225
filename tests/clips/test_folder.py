import hashlib
import json

import pytest
import soundfile

from runner.clips.folder import read_folder
from runner.clips.manifest import AUDIO_KEYS, TEXT_KEYS
from runner.errors import UserError


def write(folder, *rows, name="manifest.jsonl"):
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    (folder / name).write_text("\n".join(lines), encoding="utf-8")


def refusal(folder, **options) -> str:
    with pytest.raises(UserError) as caught:
        read_folder(folder, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_utterances_come_in_the_order_of_the_manifest(folder):
    speech = read_folder(folder)
    assert [utterance.id for utterance in speech.utterances] == [f"a{n}" for n in range(6)]
    assert [len(utterance.audio) for utterance in speech.utterances] == [
        16_000 + 8_000 * n for n in range(6)
    ]
    assert speech.utterances[3].text == "Word number 3."
    assert len(read_folder(folder, 2).utterances) == 2
    assert read_folder(folder / "manifest.jsonl", 1).utterances[0].id == "a0"


@pytest.mark.parametrize("audio", AUDIO_KEYS)
@pytest.mark.parametrize("text", TEXT_KEYS)
def test_usual_keys_are_known(folder, audio, text):
    write(folder, {audio: "a1.flac", text: "said"})
    (utterance,) = read_folder(folder).utterances
    assert (utterance.id, utterance.text) == ("a1", "said")


def test_text_column_chooses_the_transcript(folder):
    write(folder, {"file": "a0.flac", "text": "one", "other": "two"})
    assert read_folder(folder, text_column="other").utterances[0].text == "two"
    assert '"nothing"' in refusal(folder, text_column="nothing")


def test_audiofolder_csv_is_read(folder):
    (folder / "manifest.jsonl").unlink()
    write(
        folder, "file_name,transcription", 'a0.flac,"well, yes"', "a1.flac,no", name="metadata.csv"
    )
    assert [u.text for u in read_folder(folder).utterances] == ["well, yes", "no"]


def test_csv_errors_name_the_line(folder):
    (folder / "manifest.jsonl").unlink()
    write(folder, "file_name,text", "a0.flac,well, yes", name="metadata.csv")
    assert "metadata.csv line 2" in refusal(folder)
    write(folder, "file_name,text", 'a0.flac,"never closed', name="metadata.csv")
    assert "not valid CSV" in refusal(folder)
    write(folder, "file_name,text", name="metadata.csv")
    assert "lists no utterances" in refusal(folder)


def test_rows_without_speech_are_dropped_and_counted(folder):
    write(
        folder,
        {"file": "a0.flac", "text": "<SIL>"},
        {"file": "a1.flac", "text": "hello <COMMA> you"},
        {"file": "a2.flac", "text": "<MUSIC>"},
    )
    speech = read_folder(folder)
    assert [u.text for u in speech.utterances] == ["hello, you"]
    assert speech.dropped == 2


GOOD = {"file": "a0.flac", "text": "said"}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"file": "a1.flac", "text": NotImplemented}, "not valid JSON (NaN is not JSON)"),
        ('{"file": "a1.flac", "text": "cut', "not valid JSON"),
        ("[1, 2]", "no JSON object"),
        ("[" * 100_000, "nested too deeply"),
        ({"text": "said"}, "has no audio file"),
        ({"file": "a1.flac"}, "has no transcript"),
        ({"file": "a1.flac", "text": "  "}, '"text" is empty'),
        ({"file": "a1.flac", "text": None}, '"text" must be text'),
        ({"file": "a1.flac", "text": 7}, '"text" must be text'),
        ('{"file": "a1.flac", "text": "\\ud800"}', "not Unicode"),
        ({"file": "gone.flac", "text": "said"}, "there is no file gone.flac"),
        ({"file": "nul\0.flac", "text": "said"}, "there is no file"),
        ({"file": "../a1.flac", "text": "said"}, "lies outside"),
        ({"file": "/etc/hostname", "text": "said"}, "lies outside"),
        ({"file": "a0.flac", "text": "again"}, "the same audio as"),
        ({"id": "x", "file": "./a0.flac", "text": "said"}, "the same audio as"),
        ({"file": "a1.flac", "text": "said", "duration": 0.5}, "is 1.50 s long but"),
        ({"file": "a1.flac", "text": "said", "duration": "0:00:01"}, "a number of seconds"),
        ({"file": "a1.flac", "text": "said", "seconds": "1,5"}, "a number of seconds"),
        ({"file": "a1.flac", "text": "said", "duration": [1.5]}, "a number of seconds"),
        ({"file": "a1.flac", "text": "said", "sha256": "0" * 64}, "does not match the sha256"),
        ({"file": "broken.flac", "text": "said"}, "is damaged in its header"),
        ({"file": "manifest.jsonl", "text": "said"}, "cannot be decoded"),
    ],
)
def test_a_wrong_line_is_named(folder, row, words):
    (folder / "broken.flac").write_bytes(b"fLaC" + b"\xff" * 500)
    if isinstance(row, dict) and row.get("text") is NotImplemented:
        row = '{"file": "a1.flac", "text": NaN}'
    write(folder, GOOD, row)
    message = refusal(folder)
    assert "manifest.jsonl line 2" in message
    assert words in message


def test_sha256_may_be_of_the_file_or_of_its_samples(folder):
    data = (folder / "a0.flac").read_bytes()
    samples = soundfile.read(folder / "a0.flac", dtype="int16")[0].astype("<i2").tobytes()
    for hashed in (data, samples):
        write(folder, GOOD | {"sha256": hashlib.sha256(hashed).hexdigest()})
        assert len(read_folder(folder).utterances) == 1


def test_a_missing_or_empty_manifest_is_explained(folder, tmp_path):
    assert "there is no folder" in refusal(tmp_path / "nowhere")
    write(folder, "")
    assert "lists no utterances" in refusal(folder)
    (folder / "manifest.jsonl").write_bytes(b'{"file": "a0.flac",\n "text": "\xff"}')
    assert "line 2 is not UTF-8" in refusal(folder)
    (folder / "manifest.jsonl").unlink()
    assert "manifest.jsonl" in refusal(folder)


def test_a_byte_order_mark_and_unicode_line_breaks_are_harmless(folder):
    row = '{"file": "a0.flac", "text": "one\u2028two"}'
    (folder / "manifest.jsonl").write_bytes(b"\xef\xbb\xbf" + row.encode())
    assert read_folder(folder).utterances[0].text == "one two"


def test_links_inside_the_folder_may_lead_out_of_it(folder, tmp_path):
    (folder / "a0.flac").rename(tmp_path / "elsewhere.flac")
    (folder / "a0.flac").symlink_to(tmp_path / "elsewhere.flac")
    assert len(read_folder(folder).utterances) == 6
