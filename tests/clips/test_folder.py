import hashlib
import io
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
        ({"file": "a1.flac", "text": 7}, '"text" must be text'),
        ('{"file": "a1.flac", "text": "\\ud800"}', "not Unicode"),
        ({"file": "../a1.flac", "text": "said"}, "lies outside"),
        ({"file": "/etc/hostname", "text": "said"}, "lies outside"),
        ({"file": "a0.flac", "text": "again"}, "the same audio as"),
        ({"id": "x", "file": "./a0.flac", "text": "said"}, "the same audio as"),
        ({"file": "a1.flac", "text": "said", "duration": 0.5}, "is 1.50 s long but"),
        ({"file": "a1.flac", "text": "said", "duration": "0:00:01"}, "a number of seconds"),
        ({"file": "a1.flac", "text": "said", "seconds": "1,5"}, "a number of seconds"),
        ({"file": "a1.flac", "text": "said", "duration": [1.5]}, "a number of seconds"),
        ({"file": "a1.flac", "text": "said", "sha256": "0" * 64}, "does not match the sha256"),
        ({"file": "a1.flac", "text": "said", "channel": 3}, "there is no channel 3"),
    ],
)
def test_a_line_that_is_wrong_of_its_audio_is_named_and_ends_it(folder, row, words):
    if isinstance(row, dict) and row.get("text") is NotImplemented:
        row = '{"file": "a1.flac", "text": NaN}'
    write(folder, GOOD, row)
    message = refusal(folder)
    assert "manifest.jsonl line 2" in message
    assert words in message


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"file": "a1.flac"}, "has no transcript"),
        ({"file": "a1.flac", "text": "  "}, '"text" is empty'),
        ({"file": "a1.flac", "text": None}, '"text" must be text'),
        ({"file": "gone.flac", "text": "said"}, "there is no file gone.flac"),
        ({"file": "nul\0.flac", "text": "said"}, "there is no file"),
        ({"file": "broken.flac", "text": "said"}, "is damaged in its header"),
        ({"file": "manifest.jsonl", "text": "said"}, "cannot be decoded"),
        ({"file": "empty.wav", "text": "said"}, "is empty"),
        ({"file": "silent.wav", "text": "said"}, "is digital silence"),
        ({"file": "picture.m4a", "text": "said"}, "holds 0 audio streams"),
    ],
)
def test_a_row_without_usable_audio_or_text_is_left_out_unless_it_is_all(folder, row, words):
    (folder / "broken.flac").write_bytes(b"fLaC" + b"\xff" * 500)
    (folder / "empty.wav").touch()
    soundfile.write(folder / "silent.wav", [0.0] * 16_000, 16_000)
    (folder / "picture.m4a").write_bytes(no_audio())
    write(folder, GOOD, row)
    speech = read_folder(folder)
    assert [one.text for one in speech.utterances] == ["said"]
    [told] = speech.unreadable
    assert "manifest.jsonl line 2" in told
    assert words in told
    write(folder, row)
    assert words in refusal(folder)


def no_audio() -> bytes:
    """An MP4 of pictures alone."""
    av = pytest.importorskip("av")
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width = stream.height = 16
        for _ in range(5):
            frame = av.VideoFrame(16, 16, "yuv420p")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


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


def test_recordings_of_any_ending_have_a_text_beside_them(tmp_path, noise):
    for name, kind in (("a.WAV", "WAV"), ("b.aiff", "AIFF"), ("c.wav", "WAV"), ("d.wav", "WAV")):
        soundfile.write(tmp_path / name, noise(16_000, 1), 16_000, format=kind)
    for name in "abc":
        (tmp_path / f"{name}.txt").write_text(f"said in {name}")
    (tmp_path / "c.txt").write_bytes(b"\xff\xfe")
    speech = read_folder(tmp_path)
    assert [one.text for one in speech.utterances] == ["said in a", "said in b"]
    [told] = speech.unreadable
    assert "c.txt line 1 is not UTF-8" in told
    assert (speech.untold.count, speech.untold.names) == (2, ("c.wav", "d.wav"))
