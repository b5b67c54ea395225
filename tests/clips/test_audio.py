import io
import math

import numpy as np
import pytest
import soundfile

from runner.clips.audio import flac_bytes, from_int16, read_audio, to_int16, to_waveform
from runner.errors import UserError


def encode(samples, rate, **options) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, **options)
    return file.getvalue()


def tone(rate: int, seconds: float = 1.0, hertz: float = 1000.0) -> np.ndarray:
    return 0.5 * np.sin(2 * math.pi * hertz * np.arange(round(rate * seconds)) / rate)


def test_16_bit_samples_come_back_exactly(noise):
    audio = noise(20_000, 1)
    read = read_audio(encode(audio, 16_000, format="WAV", subtype="PCM_16"), "x")
    assert read.dtype == np.float32
    assert np.array_equal(read, audio)
    assert np.array_equal(read_audio(flac_bytes(audio), "x"), audio)


def test_every_16_bit_value_survives_the_round_trip():
    every = np.arange(-32768, 32768).astype("<i2")
    assert np.array_equal(to_int16(from_int16(every)), every)


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 48_000])
def test_resampling_keeps_pitch_and_level(rate):
    audio = to_waveform(tone(rate), rate, "x")
    assert len(audio) == 16_000
    middle = slice(2_000, 14_000)
    assert np.abs(audio[middle] - tone(16_000)[middle]).max() < 2e-4
    assert np.array_equal(audio * 32768, np.rint(audio * 32768))


def test_resampling_removes_what_16_khz_cannot_hold():
    audio = to_waveform(tone(44_100, hertz=12_000), 44_100, "x")
    assert np.abs(audio[2_000:14_000]).max() < 1e-3


def test_stereo_is_averaged():
    left, right = np.full(16_000, 0.5), np.full(16_000, -0.25)
    data = encode(np.column_stack([left, right]), 16_000, format="WAV", subtype="PCM_24")
    assert np.array_equal(read_audio(data, "x"), np.full(16_000, 0.125, dtype=np.float32))


@pytest.mark.parametrize(("format", "subtype"), [("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III")])
def test_lossy_formats_are_read(format, subtype):
    audio = read_audio(encode(tone(44_100), 44_100, format=format, subtype=subtype), "x")
    assert abs(len(audio) - 16_000) < 1_600
    assert 0.3 < np.abs(audio).max() < 0.7


def test_too_loud_float_files_are_clipped_to_full_scale():
    samples = tone(16_000)
    samples[[100, 200]] = [2.0, -2.0]
    audio = to_waveform(samples, 16_000, "x")
    assert audio[100] == 32767 / 32768
    assert audio[200] == -1.0


def test_damaged_files_are_named_on_one_line(tmp_path):
    whole = encode(tone(16_000), 16_000, format="FLAC")
    nan = tone(16_000)
    nan[7] = np.nan
    cases = {
        "empty": b"",
        "cannot be decoded": b"not audio at all" * 100,
        "lost sync": whole[: len(whole) // 2],
        "is cut off: 20000 of 32000 bytes": encode(tone(16_000), 16_000, format="WAV")[:20_044],
        "0.050 s": encode(tone(16_000, 0.05), 16_000, format="WAV"),
        "0.000 s": encode(np.zeros(0), 16_000, format="WAV"),
        "NaN": encode(nan, 16_000, format="WAV", subtype="FLOAT"),
    }
    for words, data in cases.items():
        path = tmp_path / "some file.wav"
        path.write_bytes(data)
        with pytest.raises(UserError, match=words) as caught:
            read_audio(path, str(path))
        assert "some file.wav" in str(caught.value)
        assert "\n" not in str(caught.value)
        assert "BytesIO" not in str(caught.value)
    with pytest.raises(UserError, match=r"cannot read .*missing\.wav"):
        read_audio(tmp_path / "missing.wav", "missing")
