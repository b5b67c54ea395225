"""Long audio by each way: every engine of Whispers takes it, and it is proven."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from runner.clips.clip import SAMPLE_RATE
from runner.config import Variant
from runner.engines.base import Engine, Unmeasurable
from runner.engines.long_form import WINDOWS
from runner.errors import NoEffect, Refused
from runner.load import load_engine
from tests.engines.loading import request

ENGINES = [None, "faster-whisper", "onnx", "openvino", "whisper-cpp"]


pytestmark = pytest.mark.usefixtures("kept_conversions")


def load(way: str | None, engine: str | None = None, name: str = "small-whisper", **more) -> Engine:
    package = {"faster-whisper": "faster_whisper", "whisper-cpp": "_pywhispercpp"}
    if engine is not None:
        pytest.importorskip(package.get(engine, engine))
    if engine == "onnx":
        pytest.importorskip("onnxscript")
    precision = "fp16" if engine == "whisper-cpp" else "fp32"  # It has no fp32.
    variant = Variant.model_validate(
        {"name": "tried", "precision": precision, "long_form": way, **more}
    )
    return load_engine(request(name, weights="pretrained", variant=variant, engine=engine))


def recording(speech, seconds: float) -> np.ndarray:
    return np.resize(np.concatenate(speech), round(seconds * SAMPLE_RATE))


@pytest.mark.e2e
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("way", ["windows", "overlap", "vad"])
def test_every_engine_takes_it_and_proves_it(speech, engine, way):
    if way == "vad":
        pytest.importorskip("faster_whisper")
    loaded = load(way, engine)
    *_, proof = (one for one in loaded.verify(speech[:2]) if one.technique == "long_form")
    assert proof.requested == way
    words = {
        "windows": "3 windows of ",
        "overlap": "4 windows of ",
        "vad": "Silero VAD of faster-whisper",
    }
    assert words[way] in proof.found
    loaded.long_form = WINDOWS
    if hasattr(loaded, "recogniser"):
        loaded.recogniser.long_form = WINDOWS
    if way != "windows":
        with pytest.raises(NoEffect, match=f"long_form {way} did not take effect"):
            loaded.verify(speech[:2])


def test_windows_are_what_is_done_without_asking(speech):
    plain, asked = load(None), load("windows")
    whole = recording(speech, 2.2 * plain.window_s)
    assert plain.transcribe([whole]) == asked.transcribe([whole])


def test_overlap_loses_no_word_at_its_seams(speech):
    """The model hears this speech without an error, window by window where a word is whole."""
    loaded = load("overlap")
    whole = recording(speech, 2.2 * loaded.window_s)
    found = loaded.transcribe([whole])
    plain = load("windows").transcribe([whole])
    assert len(found.seams[0]) == found.windows - 1 == 2
    assert len(plain.seams[0]) == plain.windows - 1 == 2
    assert found.texts != plain.texts


def test_work_is_counted_where_it_is_known():
    size = round(load("overlap").window_s * SAMPLE_RATE)

    def windows(way):
        work = load(way).workload(samples=3 * size, batch=1, decoder_calls=9)
        return work.windows

    assert (windows("windows"), windows("overlap")) == (3, 4)
    with pytest.raises(Unmeasurable, match="long_form vad: what is said decides"):
        windows("vad")


def test_silence_is_not_transcribed_with_voice_activity_detection():
    pytest.importorskip("faster_whisper")
    loaded = load("vad")
    found = loaded.transcribe([np.zeros(5 * SAMPLE_RATE, np.float32)])
    assert (found.texts, found.windows, found.decoder_calls) == (("",), 0, 0)


@pytest.mark.parametrize("engine", ["onnx", "openvino", "whisper-cpp"])
def test_engines_without_time_stamps_refuse_to_go_by_them(engine):
    with pytest.raises(Refused, match=f"{engine} decodes without time stamps here") as caught:
        load("sequential", engine)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("engine", [None, "faster-whisper"])
def test_random_weights_have_no_time_stamps(engine):
    variant = Variant(name="tried", long_form="sequential")
    with pytest.raises(Refused, match='use "pretrained" ones'):
        load_engine(request("openai/whisper-tiny", variant=variant, engine=engine))


@pytest.mark.parametrize("name", ["small-wav2vec2-ctc", "pocketsphinx"])
def test_models_without_a_window_refuse_it(name):
    with pytest.raises(Refused, match="it has no window that longer audio"):
        load("overlap", name=name)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"long_form": "vad", "chunk_seconds": 2.0}, 'goes without "chunk_seconds"'),
        ({"long_form": "sequential", "fallback": True}, 'goes without "fallback"'),
        ({"long_form": "sequential", "prompt_lookup": 3}, 'goes without "prompt_lookup"'),
        ({"long_form": "sequential", "cuda_graph": True}, 'goes without "cuda_graph"'),
    ],
)
def test_what_does_not_belong_together(parts, words):
    with pytest.raises(ValidationError, match=words):
        Variant.model_validate({"name": "tried", **parts})
