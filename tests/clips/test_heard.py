"""Speech that is not there, and parts of a file: channels and seconds."""

import subprocess
import sys

import numpy as np
import pytest

from runner.clips.audio import read_audio, to_waveform
from runner.clips.clip import SAMPLE_RATE
from runner.clips.folder import read_folder
from runner.errors import UserError
from tests.clips.audio_files import LOSSY, encode, speech_like

SPEECH = speech_like()
OTHER = speech_like(seed=2)


def refusal(data: bytes) -> str:
    with pytest.raises(UserError) as caught:
        read_audio(data, "some.file")
    message = str(caught.value)
    assert message.startswith("some.file")
    assert "\n" not in message
    return message


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize(("format", "subtype"), [("WAV", "PCM_16"), ("FLAC", "PCM_24")])
def test_digital_silence_is_refused(format, subtype, channels):
    data = encode(np.zeros((16_000, channels)), format=format, subtype=subtype)
    assert refusal(data).endswith("is digital silence; replace the file or remove its entry")


@pytest.mark.parametrize(
    ("format", "subtype"),
    [("WAV", "PCM_16"), ("FLAC", "PCM_16"), ("AIFF", "FLOAT"), ("OGG", "VORBIS"), ("MP3", None)],
)
def test_channels_that_cancel_are_refused_also_where_a_codec_leaves_noise(format, subtype):
    samples = np.column_stack([SPEECH, -SPEECH])
    message = refusal(encode(samples, format=format, subtype=subtype))
    assert "its channels cancel one another, each alone has sound; invert one" in message


def test_channels_that_do_not_cancel_are_mixed():
    for other in (np.zeros(16_000), OTHER, SPEECH, -0.5 * SPEECH, np.roll(-SPEECH, 8)):
        data = encode(np.column_stack([SPEECH, other]), format="WAV", subtype="FLOAT")
        assert len(read_audio(data, "x")) == 16_000
    # One of eight microphones is on.
    alone = np.zeros((16_000, 8))
    alone[:, 3] = SPEECH
    assert np.abs(read_audio(encode(alone, format="FLAC"), "x")).max() > 0.03


@pytest.mark.parametrize("level", [1e-7, 1e-5, 1e-4])
@pytest.mark.parametrize(("format", "subtype"), [("WAV", "FLOAT"), ("FLAC", "PCM_24")])
def test_a_level_below_the_16_bit_grid_is_refused(format, subtype, level):
    data = encode(SPEECH * level, format=format, subtype=subtype)
    wanted = "is digital silence" if (subtype, level) == ("PCM_24", 1e-7) else "is too faint for 16"
    assert wanted in refusal(data)


def test_faint_speech_is_read():
    audio = read_audio(encode(SPEECH * 1e-3, format="WAV", subtype="FLOAT"), "x")
    assert 8 <= np.abs(audio).max() * 32768 <= 12


@pytest.mark.parametrize("format", ["WAV", "AIFF", "CAF", "AU"])
@pytest.mark.parametrize("scale", [5.0, 32_768.0])
def test_float_files_that_are_not_scaled_are_refused(format, scale):
    message = refusal(encode(SPEECH * scale, format=format, subtype="FLOAT"))
    assert "% of its samples are beyond full scale, up to " in message
    assert message.endswith("; scale them to between -1 and 1")


def test_a_few_samples_beyond_full_scale_are_clipped():
    loud = SPEECH.copy()
    loud[:150] = 1.5
    assert read_audio(encode(loud, format="WAV", subtype="FLOAT"), "x").max() == 32767 / 32768
    loud[:170] = 1.5
    with pytest.raises(UserError, match=r"^row 7: 1\.1% of its samples are beyond full scale"):
        to_waveform(loud, 16_000, "row 7")


@pytest.mark.parametrize("format", ["WAV", "FLAC", "OGG"])
def test_one_channel_is_read_alone(format):
    data = encode(np.column_stack([SPEECH, OTHER]), format=format)
    right = read_audio(data, "x", channel=1)
    if format != "OGG":
        assert np.array_equal(right, OTHER.astype(np.float32))
    assert np.corrcoef(right, OTHER)[0, 1] > 0.99
    mixed = read_audio(data, "x")
    assert not np.array_equal(mixed, right)
    with pytest.raises(
        UserError, match=r"^x has 2 channels, counted from 0: there is no channel 2"
    ):
        read_audio(data, "x", channel=2)


def test_a_channel_of_two_that_cancel_is_read():
    data = encode(np.column_stack([SPEECH, -SPEECH]), format="FLAC")
    assert np.array_equal(read_audio(data, "x", channel=1), -SPEECH.astype(np.float32))


def test_a_silent_part_is_left_out_and_refused_where_it_is_all(tmp_path):
    samples = np.concatenate([SPEECH, np.zeros(16_000), SPEECH])
    data = encode(samples, format="FLAC")
    (tmp_path / "talk.flac").write_bytes(data)
    rows = [
        '{"file": "talk.flac", "offset": 0, "duration": 1, "text": "said"}\n',
        '{"file": "talk.flac", "offset": 1.2, "duration": 0.5, "text": "not said"}\n',
    ]
    (tmp_path / "manifest.jsonl").write_text("".join(rows))
    speech = read_folder(tmp_path)
    assert [one.text for one in speech.utterances] == ["said"]
    assert "line 2: its segment of talk.flac is digital silence" in speech.unreadable[0]
    (tmp_path / "manifest.jsonl").write_text(rows[1])
    with pytest.raises(UserError, match=r"line 1: its segment of talk\.flac is digital silence"):
        read_folder(tmp_path)


WITHOUT_AV = """
import sys
sys.modules["av"] = None
from runner.clips.audio import read_audio
from runner.errors import UserError
try:
    read_audio(sys.stdin.buffer.read(), "talk.m4a")
except UserError as error:
    print(error)
    # The file is not to blame: a run must not go on without it.
    assert type(error) is UserError
"""


@pytest.mark.parametrize("container", ["m4a", "webm", "aac"])
def test_what_needs_ffmpeg_says_how_to_get_it(container):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_AV],
        input=LOSSY[container](SPEECH),
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode() == (
        "talk.m4a needs ffmpeg's decoders: .venv/bin/pip install -e '.[av]', "
        "or convert it to FLAC\n"
    )


def test_blocks_are_one_waveform():
    samples = np.tile(speech_like(8_000, 1.0), 600)
    audio = read_audio(encode(samples, 8_000, format="FLAC"), "x")
    assert len(audio) == 600 * SAMPLE_RATE
    assert np.array_equal(audio, to_waveform(samples, 8_000, "x"))
