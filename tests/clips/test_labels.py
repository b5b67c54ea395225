import pytest

from runner.clips.labels import labels
from runner.errors import UserError


@pytest.mark.parametrize("name", ["", "n/a", "N/A", "none", "None", " UNKNOWN ", "unnamed", "-"])
def test_placeholders_are_no_names(name):
    found = labels({"speaker": name, "recording": name}, [], "row")
    assert (found.recording, found.speaker) == (None, None)
    # The next key may know it.
    assert labels({"speaker": name, "speaker_id": 7}, [], "row").speaker == "7"


def test_names_are_text_or_numbers():
    found = labels({"recording_id": 12, "client_id": 1688.0}, [], "row")
    assert (found.recording, found.speaker) == ("12", "1688")
    assert labels({"audio_id": " POD1 "}, [], "row").recording == "POD1"
    for value in (["a"], {"a": 1}, True):
        with pytest.raises(UserError, match='row 3: "recording" must be text or a number'):
            labels({"recording": value}, [], "row 3")


def test_a_chapter_of_a_reader_is_a_recording():
    row = {"speaker_id": 1688, "chapter_id": 142285}
    assert labels(row, [], "row").recording == "1688-142285"
    assert labels({"chapter_id": 142285}, [], "row").recording == "142285"
    assert labels(row | {"recording": "x"}, [], "row").recording == "x"


@pytest.mark.parametrize(
    "name",
    [
        "1688-142285-0001",
        "ls-1688-142285-0001",
        "test-clean-1688-142285-0001",
        "dev_1688-142285-0001.flac",
        "LibriSpeech/test-other/1688/142285/1688-142285-0001.flac",
    ],
)
def test_librispeech_names_say_recording_and_speaker(name):
    found = labels({}, [name], "row")
    assert (found.recording, found.speaker) == ("1688-142285", "1688")
    stated = labels({"speaker": "winam", "recording": "unknown"}, ["other", name], "row")
    assert (stated.recording, stated.speaker) == ("1688-142285", "winam")


@pytest.mark.parametrize(
    "name",
    [
        "2024-01-15",
        "15-01-2024",
        "2024-01-0001",
        "555-123-4567",
        "1688-142285-001",
        "1688-142285-00001",
        "1688-142285-0001-2",
        "1688_142285_0001",
        "0688-142285-0001",
        "call7-1688-142285-0001",
        "long-ls-1998-15444",
        "1688-142285-\u0660\u0660\u0660\u0661",
    ],
)
def test_dates_and_the_like_are_no_librispeech_names(name):
    found = labels({}, [name], "row")
    assert (found.recording, found.speaker) == (None, None)
