"""Valid files of every container, those whose length no header tells, and joined ones."""

import io
import struct

import numpy as np
import pytest
import soundfile

from runner.clips.audio import read_audio
from runner.clips.clip import SAMPLE_RATE
from runner.clips.containers import wav
from runner.clips.containers.base import Extent
from runner.errors import UserError
from tests.clips.audio_files import LOSSLESS, LOSSY, RATE, encode, mux, speech_like

SPEECH = speech_like()


def same(audio: np.ndarray, samples: np.ndarray = SPEECH) -> bool:
    return np.array_equal(audio, samples.astype(np.float32))


@pytest.mark.parametrize("container", LOSSLESS)
def test_lossless_files_come_back_bit_for_bit(container):
    assert same(read_audio(LOSSLESS[container](SPEECH), "x"))


@pytest.mark.parametrize("container", LOSSY)
def test_lossy_files_come_back_at_their_length(container):
    audio = read_audio(LOSSY[container](SPEECH), "x")
    # Frames of AAC are 64 ms at 16 kHz, and encoders put one or two of their own in front.
    most = 2_048 if container in ("m4a", "aac", "mp3-in-wav") else 800
    assert 0 <= len(audio) - SAMPLE_RATE <= most
    assert 0.2 < np.abs(audio).max() < 0.6


def with_samples(flac: bytes, total: int) -> bytes:
    """A FLAC whose stream information gives another number of samples, and no checksum."""
    before = int.from_bytes(flac[21:26], "big") >> 36 << 36
    return flac[:21] + (before | total).to_bytes(5, "big") + bytes(16) + flac[42:]


def set_at(data: bytes, place: int, format: str, value: int) -> bytes:
    return data[:place] + struct.pack(format, value) + data[place + struct.calcsize(format) :]


def sized(wav: bytes, riff: int, data: int) -> bytes:
    """A WAV with other sizes of the file and of its samples."""
    return set_at(set_at(wav, 4, "<I", riff), wav.index(b"data") + 4, "<I", data)


def unknown_lengths() -> dict[str, bytes]:
    wav, aiff, au, caf, w64, rf64, sphere = (
        LOSSLESS[name](SPEECH) for name in ("wav", "aiff", "au", "caf", "wave64", "rf64", "sphere")
    )
    flac = LOSSLESS["flac"](SPEECH)
    end = caf.index(b"data") + 16 + len(SPEECH) * 2
    common, sound = aiff.index(b"COMM"), aiff.index(b"SSND")
    return {
        "flac of a pipe": with_samples(flac, 0),
        "flac with an ID3 tag behind": with_samples(flac, 0) + b"TAG" + b" " * 125,
        "wav of a recorder that was killed": sized(wav, 0, 0),
        "wav of a recorder that was killed after it wrote its header": sized(wav, 36, 0),
        "wav of ffmpeg": sized(wav, 0xFFFFFFFF, 0xFFFFFFFF),
        "wav of sox": sized(wav, 0x7FFFF024, 0x7FFFF000),
        "wav of arecord": sized(wav, 0x80000024, 0x80000000),
        "extensible wav": sized(LOSSLESS["wav-extensible"](SPEECH), 0, 0),
        "float wav": sized(LOSSLESS["wav-float"](SPEECH), 0xFFFFFFFF, 0xFFFFFFFF),
        "rf64": set_at(rf64, rf64.index(b"ds64") + 16, "<Q", 0),
        "wave64": set_at(w64, w64.index(b"data") + 16, "<Q", 0),
        "wave64 of the largest size": set_at(w64, w64.index(b"data") + 16, "<Q", 1 << 63),
        "aiff": set_at(
            set_at(set_at(aiff, 4, ">I", 0x7F000000), sound + 4, ">I", 0x7F000000), common + 10,
            ">I", 0x7F000000 // 2,
        ),
        "unfinished aiff": set_at(set_at(aiff, sound + 4, ">I", 0), common + 10, ">I", 0),
        "au": set_at(au, 8, ">I", 0xFFFFFFFF),
        "caf": set_at(caf[:end], caf.index(b"data") + 4, ">q", -1),
        "sphere": sphere.replace(b"sample_count -i 16000\n", b"made_by -s4 test\n     "),
    }  # fmt: skip


@pytest.mark.parametrize("kind", unknown_lengths())
def test_what_no_header_tells_is_read_to_its_end(kind):
    assert same(read_audio(unknown_lengths()[kind], "x"))


def absurd_lengths() -> dict[str, bytes]:
    wav, au, w64, rf64, sphere = (
        LOSSLESS[name](SPEECH) for name in ("wav", "au", "wave64", "rf64", "sphere")
    )
    return {
        "flac": with_samples(LOSSLESS["flac"](SPEECH), (1 << 36) - 1),
        "flac of 30 s": with_samples(LOSSLESS["flac"](SPEECH), 30 * RATE),
        "wav": sized(wav, 36 + 500_000_000, 500_000_000),
        "rf64": set_at(rf64, rf64.index(b"ds64") + 16, "<Q", 1 << 39),
        "wave64": set_at(w64, w64.index(b"data") + 16, "<Q", 1 << 39),
        "au": set_at(au, 8, ">I", 0x7FFE0000),
        "sphere": (
            sphere[:1024].rstrip(b" \n").replace(b"count -i 16000", b"count -i 9" + b"9" * 14)
        ).ljust(1024)
        + sphere[1024:],
    }


@pytest.mark.parametrize("kind", absurd_lengths())
def test_absurd_lengths_are_one_line(kind):
    with pytest.raises(UserError, match=r"^some\.file is cut off: .*; copy it again$"):
        read_audio(absurd_lengths()[kind], "some.file")


@pytest.mark.parametrize("seconds", [0.32, 0.34, 0.96, 1.0])
@pytest.mark.parametrize("container", ["WAV", "W64"])
def test_gsm_of_even_and_odd_blocks_has_its_length(container, seconds):
    samples = speech_like(8_000, seconds)
    data = encode(samples, 8_000, format=container, subtype="GSM610")
    assert len(read_audio(data, "x")) == 2 * len(samples)


@pytest.mark.parametrize("subtype", ["MS_ADPCM", "IMA_ADPCM", "GSM610"])
def test_a_fact_chunk_ends_the_last_block(subtype):
    data = encode(speech_like(), format="WAV", subtype=subtype)
    place = data.index(b"fact") + 8
    assert len(read_audio(set_at(data, place, "<I", 15_990), "x")) == 15_990
    with pytest.raises(UserError, match=r"^x is cut off: 16\d+ of 20000 samples; copy it again$"):
        read_audio(set_at(data, place, "<I", 20_000), "x")


def sized_riff(wav: bytes, size: int) -> bytes:
    return set_at(wav, 4, "<I", size)


def unpadded(wav: bytes) -> bytes:
    place = wav.index(b"data")
    return wav[: place + 8 + int.from_bytes(wav[place + 4 : place + 8], "little")]


ODD = (encode(speech_like(8_000, 1.000125), 8_000, format="WAV", subtype="ULAW"), 16_002)
EVEN = (LOSSLESS["wav"](SPEECH), 16_000)


@pytest.mark.parametrize(
    "change",
    [
        lambda wav: sized_riff(wav, len(wav)),
        lambda wav: sized_riff(wav, len(wav) + 1),
        lambda wav: sized_riff(wav, 0),
        lambda wav: sized_riff(wav, 100),
        lambda wav: sized_riff(wav, 0x7FFFFFFF),
        unpadded,
        lambda wav: unpadded(wav) + b"LIST\x04\0\0\0INFO",
        lambda wav: wav + b"LIST\x04\0\0\0INFO" + b"\0" * 3_000,
        lambda wav: wav + b"TAG" + b" " * 125,
        lambda wav: b"ID3\3\0\0\0\0\1\0" + b"\0" * 128 + wav,
        lambda wav: wav[:12] + b"JUNK\x05\0\0\0five.\0" + wav[12:],
        lambda wav: wav[:12] + b"bext\x05\0\0\0five." + wav[12:],
    ],
)
@pytest.mark.parametrize(("data", "length"), [EVEN, ODD])
def test_a_complete_wav_is_read_whatever_its_riff_size_says(change, data, length):
    assert len(read_audio(change(data), "x")) == length


FIRST, SECOND = speech_like(seconds=0.8), speech_like(seconds=0.6, seed=2)


@pytest.mark.parametrize(
    "container", ["flac", "flac-pipe", "wav", "rf64", "wave64", "aiff", "au", "caf", "sphere"]
)
def test_joined_lossless_files_are_decoded_in_whole(container):
    make = LOSSLESS[container]
    audio = read_audio(make(FIRST) + make(SECOND), "x")
    assert same(audio, np.concatenate([FIRST, SECOND]))


def test_a_wav_joined_to_an_unfinished_one_is_decoded_in_whole():
    make = LOSSLESS["wav"]
    audio = read_audio(sized(make(FIRST), 0, 0) + sized(make(SECOND), 0, 0), "x")
    assert same(audio, np.concatenate([FIRST, SECOND]))


@pytest.mark.parametrize(
    "container", ["vorbis", "opus", "mp3", "mp2", "aac", "wav-gsm", "aiff-ima"]
)
def test_joined_lossy_files_are_decoded_in_whole(container):
    make = LOSSY[container]
    one, two = read_audio(make(FIRST), "x"), read_audio(make(SECOND), "x")
    both = read_audio(make(FIRST) + make(SECOND), "x")
    assert len(both) == len(one) + len(two)
    assert np.array_equal(both[: len(one)], one)
    assert np.corrcoef(both[len(one) :], two)[0, 1] > 0.999


@pytest.mark.parametrize("container", ["m4a", "webm"])
def test_joined_files_that_ffmpeg_would_half_read_are_refused(container):
    data = LOSSY[container](FIRST)
    with pytest.raises(UserError, match=r"^x holds two .* files, one behind the other; split it$"):
        read_audio(data + data, "x")


def test_streams_that_are_no_one_recording_are_refused():
    slow, fast = encode(FIRST, 16_000, format="FLAC"), encode(FIRST, 22_050, format="FLAC")
    with pytest.raises(UserError, match="sampling rate of 22050 Hz after 16000 Hz; convert it"):
        read_audio(slow + fast, "x")
    with pytest.raises(UserError, match="holds 2 audio streams; convert the one that is meant"):
        read_audio(mux(FIRST, "matroska", "flac", tracks=2), "x")
    with pytest.raises(UserError, match="holds 2 audio streams at once; convert the one that"):
        read_audio(mux(FIRST, "ogg", "flac", tracks=2), "x")


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_mp3_of_variable_rate_without_a_xing_header_is_read_to_its_end(rate):
    seconds = 6.0
    samples = speech_like(rate, seconds)
    # Half of it is silence, so that a length guessed from the first frames is far off.
    samples[: round(3 * rate)] *= 0.001
    data = encode(samples, rate, format="MP3", bitrate_mode="VARIABLE", compression_level=0.5)
    first = data.index(b"\xff", 0)
    size = data.index(data[first : first + 2], first + 4) - first
    assert b"Xing" in data[first : first + size]
    audio = read_audio(data[first + size :], "x")
    # The encoder's own delay and padding stay, up to three frames: no header tells them.
    frame_s = (1_152 if rate > 24_000 else 576) / rate
    assert 0 <= len(audio) / SAMPLE_RATE - seconds <= 3 * frame_s
    whole = read_audio(data, "x")
    assert len(whole) == round(seconds * SAMPLE_RATE)
    delay = np.argmax(np.correlate(audio, whole[-SAMPLE_RATE:], "valid")) - len(whole) + SAMPLE_RATE
    assert 0 <= delay < 1_800
    assert np.corrcoef(audio[delay : delay + len(whole)], whole)[0, 1] > 0.999


def test_bytes_behind_the_promised_end_are_no_silence():
    wav, au = LOSSLESS["wav"](SPEECH), LOSSLESS["au"](SPEECH)
    short = sized(wav, 36 + 16_000, 16_000)
    with pytest.raises(UserError, match=r"^x goes on for 16000 bytes behind the end .*; write its"):
        read_audio(short, "x")
    with pytest.raises(UserError, match=r"^x goes on for 16000 bytes behind the end"):
        read_audio(set_at(au, 8, ">I", 16_000), "x")
    # A FLAC's frames say themselves how many there are.
    assert same(read_audio(with_samples(LOSSLESS["flac"](SPEECH), 8_000), "x"))


def test_mp3_is_read_beside_a_file_that_libsndfile_would_look_for(tmp_path, monkeypatch):
    (tmp_path / "._").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    data = LOSSY["mp3"](SPEECH)
    with pytest.raises(soundfile.SoundFileError):
        soundfile.SoundFile(io.BytesIO(data))
    assert len(read_audio(data, "x")) == SAMPLE_RATE


def with_padding(flac: bytes) -> bytes:
    """A FLAC with 1000 bytes of padding behind its stream information."""
    return flac[:42] + b"\x01\x00\x03\xe8" + b"\xff\xf8" * 500 + flac[42:]


PICTURE = b"ID3\4\0\0\0\0\x0f\x68" + b"\xff\xfb\x90\x64" * 506  # 2024 bytes like frames of MP3
APE = b"APETAGEX" + struct.pack("<IIII", 2000, 64, 1, 0) + b"\0" * 8 + b"x" * 32
APE += b"APETAGEX" + struct.pack("<IIII", 2000, 64, 1, 1 << 31) + b"\0" * 8


@pytest.mark.parametrize(
    ("container", "change"),
    [
        ("flac", with_padding),
        ("flac-pipe", with_padding),
        ("flac", lambda data: PICTURE + data + b"TAG" + b" " * 125),
        ("aiff", lambda data: data[:12] + b"NAME\x00\x00\x00\x05five.\0" + data[12:]),
        ("aiff", lambda data: data + b"ANNO\x00\x00\x00\x06thanks"),
        ("au", lambda data: data[:4] + b"\0\0\0\x20" + data[8:24] + b"about it" + data[24:]),
        ("caf", lambda data: data + b"free" + struct.pack(">q", 1_000) + bytes(1_000)),
        ("wave64", lambda data: data + b"\0" * 4_096),
        ("sphere", lambda data: data[:16] + b"speaker -s3 abc\n" + data[16:1008] + data[1024:]),
        ("voc", lambda data: data[:26] + b"\x05\x05\x00\x00note\0" + data[26:]),
        ("mp3", lambda data: PICTURE + data),
        ("mp3", lambda data: PICTURE + data + APE + b"TAG" + b" " * 125),
        ("mp3", lambda data: data + b"\0" * 5_000),
        ("vorbis", lambda data: data + b"TAG" + b" " * 125),
        ("opus", lambda data: data + b"\0" * 5_000),
        ("m4a", lambda data: data + b"\x00\x00\x00\x10free" + b"\0" * 8),
    ],
)  # fmt: skip
def test_what_is_no_audio_is_passed_over(container, change):
    data = (LOSSLESS | LOSSY)[container](SPEECH)
    assert np.array_equal(read_audio(change(data), "x"), read_audio(data, "x"))


def test_a_wav_of_more_than_4_gb_becomes_an_rf64():
    data = LOSSLESS["wav"](SPEECH)
    found = wav.Wav(data[20:36], b"", Extent(44, 32_000))
    large = wav.rewritten(found, data[44:], largest=32_000)
    assert large[:4] == b"RF64"
    assert large[20:28] == struct.pack("<Q", len(large) - 8)
    assert same(soundfile.read(io.BytesIO(large))[0].astype(np.float32))
    assert wav.rewritten(found, data[44:]) == data
