"""whisper.cpp beside transformers: the same checkpoint, the same clips, the same work."""

from __future__ import annotations

import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from runner.clips.builtin import read_builtin
from runner.config import Variant
from runner.engines.base import Engine, Unmeasurable
from runner.engines.conversion import checkpoint_folder, entry
from runner.errors import NoEffect, Refused
from runner.flops import workload_flops
from runner.load import load_engine
from runner.measure.stages import StageClock
from tests.conftest import ROOT
from tests.engines.loading import request

pytest.importorskip("_pywhispercpp")

from runner.engines.ggml_conversion import CONVERTER, Source, convert
from runner.engines.ggml_file import FORMATS, read_layout
from runner.engines.whisper_cpp_library import WhisperCpp

FP16 = {"precision": "fp16"}
QUANTISED = {"int8-dynamic": "q8_0", "q5_0": "q5_0", "q4_0": "q4_0"}


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One cache for this file, with the model; a process of its own takes seconds to convert it."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("ASRPROF_CACHE", str(folder))
        keep(folder, small())
        yield folder


@pytest.fixture(scope="module")
def speech() -> list[np.ndarray]:
    waves = [utterance.audio for utterance in read_builtin(8).utterances]
    longest = max(map(len, waves))
    return [np.pad(wave, (0, longest - len(wave))) for wave in waves]


def small(format_name: str = "f16", **changes: object) -> Source:
    folder = checkpoint_folder(request("small-whisper", weights="pretrained"))
    return Source(name=str(folder), format=format_name, **changes)


@pytest.fixture(scope="module")
def quantised(cache: Path) -> dict[str, Path]:
    """Entries of the cache, of the formats that are not converted by the tests themselves."""
    return {name: keep(cache, small(name)) for name in QUANTISED.values()}


def keep(cache: Path, source: Source) -> Path:
    """Converts into the cache in this process, which has imported what it takes."""
    folder = cache / "whisper-cpp" / entry(source, CONVERTER)
    folder.parent.mkdir(exist_ok=True)
    convert(source, folder)
    return folder


def load(name: str = "small-whisper", *, weights: str = "pretrained", **parts: object) -> Engine:
    variant = Variant.model_validate({"name": "tried", **(parts or FP16)})
    return load_engine(request(name, weights=weights, variant=variant, engine="whisper-cpp"))


def ours() -> Engine:
    return load_engine(request("small-whisper", weights="pretrained"))


def test_it_hears_what_transformers_hears(speech):
    engine, other = load(), ours()
    found, expected = engine.transcribe(speech), other.transcribe(speech)
    assert found.texts == expected.texts
    assert (found.tokens, found.windows) == (expected.tokens, expected.windows)
    assert (found.at_limit, found.input_samples) == (expected.at_limit, expected.input_samples)
    # Window by window: the passes of all rows, where transformers counts those of the longest.
    assert (found.decoder_calls, found.prefills) == (found.tokens, len(speech))
    assert engine.parameters == other.parameters
    passes = expected.decoder_calls
    work = engine.workload(samples=80_000, batch=2, decoder_calls=2 * passes)
    theirs = other.workload(samples=80_000, batch=2, decoder_calls=passes)
    assert [r.flops for r in workload_flops(work)] == [r.flops for r in workload_flops(theirs)]


@pytest.mark.e2e
def test_a_conversion_is_made_once_and_says_so(cache, speech):
    (figure,) = load(precision="fp16", audio_ctx=250).figures()
    assert figure.name == "conversion_s"
    engine = load(precision="fp16", audio_ctx=250)
    assert engine.figures() == ()
    assert not list((cache / "whisper-cpp").glob(".part-*"))
    assert engine.weights_bytes < engine.converted.file.stat().st_size < 1.1 * engine.weights_bytes


def test_what_is_seen_of_every_variant(speech):
    precision, engine = load().verify(speech[:1])
    assert (precision.technique, precision.requested) == ("precision", "fp16")
    assert precision.found == "tensors: 86 in f32, 57 in f16; 5.8 MB of weights"
    assert engine.technique == "engine"
    assert engine.requested.startswith("whisper.cpp 1.")
    threads = torch.get_num_threads()
    for words in (f"{threads} threads", "attention off", "375 audio positions", "one after the"):
        assert words in engine.found


@pytest.mark.parametrize("asked", QUANTISED)
def test_quantised_matrices_are_smaller_and_proven(speech, quantised, asked):
    engine = load(quantization=asked)
    assert engine.figures()[-1].name == "size_ratio"
    given = FORMATS[QUANTISED[asked]]
    # The vectors, the positions and the convolutions stay what they are.
    bits = 8 * engine.weights_bytes / engine.parameters
    assert 8 * given.block_bytes / given.block < bits < 8 * given.block_bytes / given.block + 2.5
    precision, quantization, _ = engine.verify(speech[:1])
    assert (precision.technique, quantization.technique) == ("precision", "quantization")
    assert quantization.found.startswith(f"tensors: 86 in f32, 55 in {given.name}, 2 in f16; ")
    texts = engine.transcribe(speech).texts, ours().transcribe(speech).texts
    assert sum(a == b for a, b in zip(*texts, strict=True)) >= len(speech) - 2


@pytest.mark.parametrize("asked", QUANTISED.values())
def test_numbers_come_back_from_their_blocks_as_ggml_reads_them(asked):
    """Against GGML's own unpacking, and against what the block's width allows."""
    import ctypes

    import _pywhispercpp

    from runner.engines.whisper_cpp_library import quantise

    numbers = np.random.default_rng(0).normal(0, 0.05, (6, 96)).astype(np.float32)
    packed = quantise(numbers, FORMATS[asked])
    assert len(packed) == numbers.size // 32 * FORMATS[asked].block_bytes
    unpack = getattr(ctypes.CDLL(_pywhispercpp.__file__), f"dequantize_row_{asked}")
    unpack.argtypes = (ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int64)
    found = np.empty_like(numbers)
    unpack(packed, found.ctypes.data, numbers.size)
    blocks, error = numbers.reshape(-1, 32), np.abs(found - numbers).reshape(-1, 32)
    largest = np.abs(blocks).max(axis=1, keepdims=True)
    # Half a step of 127 to a side; of 5 and 4 bits one end of the range is cut off as well.
    allowed = {"q8_0": 0.51 / 127, "q5_0": 1.01 / 16, "q4_0": 1.01 / 8}[asked] * largest
    assert (error <= allowed).all()
    assert error.max() > 0
    # Another scale than a block's own would not have its largest number right.
    peaks = np.take_along_axis(error, np.abs(blocks).argmax(axis=1)[:, None], axis=1)
    assert (peaks <= 0.01 * largest).all()


def test_another_thing_than_asked_for_is_no_result(speech, quantised):
    engine = load()
    engine.threads += 7
    with pytest.raises(NoEffect, match=r"threads were asked for, and only \d computed"):
        engine.verify(speech[:1])
    engine = load(quantization="int8-dynamic")
    engine.model = load().model
    with pytest.raises(NoEffect, match=r"whisper\.cpp loaded a file of type 1, not of 7 \(q8_0\)"):
        engine.verify(speech[:1])
    engine = load(precision="fp16", attention="flash")
    assert engine.verify(speech[:1])[1].found == "flash attention on, whisper.cpp says"
    engine.model = load().model
    with pytest.raises(NoEffect, match="attention flash did not take effect"):
        engine.verify(speech[:1])


def test_two_threads_compute_and_say_the_same(speech):
    before, expected = torch.get_num_threads(), load().transcribe(speech).texts
    torch.set_num_threads(before + 1)
    try:
        engine = load()
        assert engine.transcribe(speech).texts == expected
        assert f"{before + 1} threads computed" in engine.verify(speech[:1])[-1].found
    finally:
        torch.set_num_threads(before)


def test_a_shorter_window_is_cut_and_nothing_is_lost(cache, speech):
    keep(cache, small(audio_positions=100))
    engine = load(precision="fp16", audio_ctx=100)
    assert engine.window_s == 4.0
    _, proof, _ = engine.verify(speech[:1])
    assert (proof.technique, proof.found) == ("audio_ctx", "100 positions, windows of 4 s")
    filled = [np.pad(wave, (0, 64_000 - len(wave))) for wave in speech[:2]]
    outcome = engine.transcribe([np.concatenate(filled)])
    assert outcome.windows == 2
    halves = engine.transcribe(filled).texts
    assert outcome.texts == (" ".join(halves),)
    work = engine.workload(samples=128_000, batch=1, decoder_calls=8)
    assert (work.config.max_source_positions, work.windows, work.tokens) == (100, 2, 4)
    engine.audio_positions = 375
    with pytest.raises(NoEffect, match="audio_ctx 100 did not take effect: the loaded model has"):
        engine.verify(speech[:1])


def test_no_sound_little_sound_and_more_than_a_window(speech):
    engine, other = load(), ours()
    clips = [
        np.zeros(0, np.float32),
        speech[0][:1600],
        np.zeros(16_000, np.float32),
        np.concatenate(speech[:6]),
        speech[1][:30_000],
    ]
    outcome = engine.transcribe(clips)
    alone = [engine.transcribe([clip]).texts[0] for clip in clips]
    assert list(outcome.texts) == alone
    assert outcome.windows == sum(max(1, math.ceil(len(clip) / 240_000)) for clip in clips) > 5
    assert engine.transcribe(clips) == outcome
    assert list(outcome.texts[1:]) == [other.transcribe([clip]).texts[0] for clip in clips[1:]]


def test_stages(speech):
    engine = load()
    stopwatch = StageClock(engine, time.perf_counter)
    stopwatch.start()
    engine.transcribe(speech[:2], stopwatch.mark)
    assert list(stopwatch.seconds) == [
        *("features", "transfer", "encode", "prefill", "decode", "text"),
    ]
    with pytest.raises(Unmeasurable, match="cannot be seen"):
        engine.decoder_passes(speech[:1], 8)
    with engine.shortened(2):
        assert engine.transcribe(speech[:2]).tokens == 4


def test_nothing_is_printed_and_no_error_is_lost(capfd, tmp_path):
    capfd.readouterr()
    load()
    assert capfd.readouterr() == ("", "")
    bad = tmp_path / "bad.bin"
    bad.write_bytes(bytes(64))
    with pytest.raises(Refused, match=r"cannot load .*bad\.bin: .*invalid model data"):
        WhisperCpp(bad, flash_attention=True, threads=1)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"precision": "fp32"}, "whisper-cpp has no fp32: .* use fp16"),
        ({"precision": "bf16"}, "whisper-cpp has no bf16; use fp16"),
        ({"precision": "fp16", "quantization": "q4_0"}, 'goes without "quantization"'),
        ({"quantization": "int8-weight-only"}, "use int8-dynamic, q5_0, q4_0"),
        ({"precision": "fp16", "attention": "sdpa"}, "use flash or eager"),
        ({"precision": "fp16", "beams": 5}, "does not fit whisper-cpp"),
        ({"precision": "fp16", "cache": "off"}, "has no key-value cache"),
    ],
)
def test_what_it_lacks_is_refused(parts, words):
    with pytest.raises(Refused, match=words) as caught:
        load(**parts)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"quantization": "q5_0"}, 'q5_0: needs "engine": "whisper-cpp"'),
        ({"audio_ctx": 100}, "encoder that can compute some of its positions"),
    ],
)
def test_what_is_its_own_is_refused_elsewhere(parts, words):
    variant = Variant.model_validate({"name": "tried", **parts})
    with pytest.raises(Refused, match=words):
        load_engine(request("small-whisper", weights="pretrained", variant=variant))


def test_other_devices_and_models_are_refused():
    with pytest.raises(Refused, match=r"cuda: .* runs on the CPU only"):
        load_engine(
            request("small-whisper", weights="pretrained", engine="whisper-cpp", device="cuda")
        )
    with pytest.raises(Refused, match="is no whisper model"):
        load_engine(request("small-wav2vec2-ctc", weights="pretrained", engine="whisper-cpp"))


@pytest.mark.e2e
def test_without_its_package_it_is_one_line_with_the_command():
    script = (
        "import sys; sys.modules['_pywhispercpp'] = None\n"
        "from runner.catalogue.engines import ENGINES\n"
        "from runner.load import engine_class\n"
        "engine_class(ENGINES['whisper-cpp'])"
    )
    process = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    last = process.stderr.splitlines()[-1]
    assert "whisper-cpp cannot be imported" in last
    assert last.endswith(".venv/bin/pip install -e '.[whisper-cpp]'")


def _shape_of(wrong: bytes) -> bytes:
    """A file in which the first tensor's first dimension is another."""
    at = wrong.index(b"encoder.") - 4
    return wrong[:at] + (7).to_bytes(4, "little") + wrong[at + 4 :]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda whole: whole[:-1], "cut short"),
        (lambda whole: whole[: len(whole) // 2], "cut short"),
        (lambda whole: whole[:20], "cut short"),
        (lambda whole: b"", "cut short"),
        (lambda whole: whole + bytes(12), "what should be a tensor is none"),
        (lambda whole: b"GGUF" + whole[4:], "GGML's mark"),
        (lambda whole: whole[:4] + b"\xff\xff\xff\x7f" + whole[8:], "out of range"),
        (lambda whole: whole[:16] + (7).to_bytes(4, "little") + whole[20:], "widths do not go"),
        (lambda whole: whole[:44] + (12).to_bytes(4, "little") + whole[48:], "format 12"),
        (_shape_of, "is f.* of shape"),
        (lambda whole: whole.replace(b"decoder.ln.bias", b"decoder.ln.byas"), "does not belong"),
    ],
    ids=[
        "byte",
        "half",
        "header",
        "empty",
        "more",
        "mark",
        "numbers",
        "heads",
        "format",
        "shape",
        "name",
    ],
)
def test_a_bad_file_is_refused_in_one_line_before_the_library_sees_it(
    cache, tmp_path, spoil, words
):
    good = cache / "whisper-cpp" / entry(small(), CONVERTER) / "ggml-model.bin"
    layout = read_layout(good)
    assert Counter(tensor.format.name for tensor in layout.tensors.values())["f16"] == 57
    file = tmp_path / "bad.bin"
    file.write_bytes(spoil(good.read_bytes()))
    with pytest.raises(Refused, match=words) as caught:
        read_layout(file)
    assert "\n" not in str(caught.value)
    assert str(file) in str(caught.value)


def test_an_entry_that_is_not_whole_is_not_taken(quantised):
    folder = quantised["q5_0"]
    file, last = folder / "ggml-model.bin", folder / "tokenizer_config.json"
    assert CONVERTER.is_whole(folder)
    whole = file.read_bytes()
    for spoilt in (whole[: len(whole) // 2], b"GGUF" + whole[4:]):
        file.write_bytes(spoilt)
        assert not CONVERTER.is_whole(folder)
    file.write_bytes(whole)
    text = last.read_text()
    last.unlink()
    assert not CONVERTER.is_whole(folder)
    last.write_text(text)
    assert CONVERTER.is_whole(folder)


@pytest.mark.e2e
def test_a_killed_conversion_leaves_nothing_that_is_taken(tmp_path):
    script = (
        "from tests.engines.test_whisper_cpp import small\n"
        "from runner.engines.ggml_conversion import converted\n"
        "converted(small('q4_0'))"
    )
    environment = {**os.environ, "ASRPROF_CACHE": str(tmp_path)}
    killed = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, env=environment)
    while not list(tmp_path.glob("whisper-cpp/.part-*")) and killed.poll() is None:
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    (left,) = (tmp_path / "whisper-cpp").iterdir()
    assert left.name.startswith(f".part-{killed.pid}-")
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, check=True)
    (whole,) = (tmp_path / "whisper-cpp").iterdir()
    assert whole.name == entry(small("q4_0"), CONVERTER)
    assert read_layout(whole / "ggml-model.bin").header.format == FORMATS["q4_0"]


@pytest.mark.e2e
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path, monkeypatch):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small disk needs root")
    monkeypatch.setenv("ASRPROF_CACHE", str(disk))
    try:
        with pytest.raises(Refused, match=r"for whisper\.cpp: .*No space left") as caught:
            load()
        assert "\n" not in str(caught.value)
        assert list((disk / "whisper-cpp").iterdir()) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_model_that_whisper_cpp_has_not_is_refused_in_its_words(tmp_path):
    """Of another width inside; and more positions than there are."""
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    folder = Path(small().name)
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    config = WhisperConfig.from_pretrained(folder, encoder_ffn_dim=320)
    WhisperForConditionalGeneration(config).save_pretrained(other)
    with pytest.raises(Refused, match="four times as wide"):
        convert(replace(small(), name=str(other)), tmp_path / "out")
    with pytest.raises(Refused, match='"audio_ctx" is 400, and it has 375 positions'):
        convert(small(audio_positions=400), tmp_path / "out")


@pytest.mark.e2e  # Converting takes its time.
def test_random_weights_do_exactly_the_stated_work(speech_like):
    engine = load("openai/whisper-tiny", weights="random")
    (figure,) = engine.figures()
    assert figure.name == "conversion_s"
    outcome = engine.transcribe(speech_like(5, 2))
    tokens = math.ceil(5 * 2.0)
    assert (outcome.decoder_calls, outcome.tokens, outcome.prefills) == (2 * tokens, 2 * tokens, 2)
    assert all(outcome.texts)
    with engine.shortened(3):
        assert engine.transcribe(speech_like(31)).tokens == 2 * 3
    assert engine.parameters == pytest.approx(37.8e6, rel=0.01)
    assert engine.own_front_end
