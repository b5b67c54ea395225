"""Real whisper-base on German, Spanish and French: told, left to the checkpoint, detected."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from runner.clips.audio import read_audio
from runner.clips.clip import SAMPLE_RATE, Waveform
from runner.engines.base import Engine
from runner.engines.language import Language
from runner.errors import Refused
from runner.load import load_engine
from tests.engines.loading import request
from tests.engines.test_language import prompts
from tests.weights.whisper import PlainWhisper

SENTENCES = {
    "de": "Guten Morgen, wir fahren heute mit dem Zug nach Berlin und kommen am Abend zurück.",
    "es": "Buenos días, hoy vamos en tren a Madrid y volvemos a casa por la noche.",
    "fr": "Bonjour, nous allons aujourd'hui en train à Paris et nous rentrons ce soir.",
}
START, TRANSCRIBE, NO_TIMESTAMPS = 50_258, 50_359, 50_363
LANGUAGE = {"en": 50_259, "de": 50_261, "es": 50_262, "fr": 50_265}


def prompt(code: str) -> list[int]:
    return [START, LANGUAGE[code], TRANSCRIBE, NO_TIMESTAMPS]


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Waveform]:
    """The sentences by espeak-ng at 16 kHz."""
    if shutil.which("espeak-ng") is None:
        pytest.skip("no espeak-ng (apt install espeak-ng)")
    folder = tmp_path_factory.mktemp("spoken")
    found = {}
    for code, sentence in SENTENCES.items():
        path = folder / f"{code}.wav"
        subprocess.run(["espeak-ng", "-v", code, "-s", "140", "-w", path, sentence], check=True)
        found[code] = read_audio(path, path.name)
    return found


def load(folder: Path, language: str | None, engine: str | None = None) -> Engine:
    return load_engine(request(str(folder), weights="pretrained", language=language, engine=engine))


def published_detection(folder: Path, batch: list[Waveform]) -> list[list[int]]:
    """The prompt of each clip by transformers' own detection."""
    plain = PlainWhisper(folder)
    features = plain.processor(batch, sampling_rate=SAMPLE_RATE, return_tensors="pt").input_features
    with torch.inference_mode():
        ids = plain.model.detect_language(features).tolist()
    return [[START, number, TRANSCRIBE, NO_TIMESTAMPS] for number in ids]


@pytest.mark.e2e
def test_told(real_weights: Path, spoken: dict[str, Waveform]) -> None:
    for code, wave in spoken.items():
        engine = load(real_weights / "whisper-base", code)
        assert prompts(engine, [wave]) == [prompt(code)]


@pytest.mark.e2e
def test_left_to_the_checkpoint(
    real_weights: Path, spoken: dict[str, Waveform], tmp_path: Path
) -> None:
    """As published it says nothing, and English stands in; a fine-tune says what it is for."""
    published = real_weights / "whisper-base"
    engine = load(published, None)
    assert engine.language == Language("en", "default")
    assert prompts(engine, [spoken["de"]]) == [prompt("en")]
    for name in published.iterdir():
        if name.name != "generation_config.json":
            (tmp_path / name.name).symlink_to(name)
    settings = json.loads((published / "generation_config.json").read_text())
    for said in ({"language": "german"}, {"forced_decoder_ids": [[1, 50_261], [2, 50_359]]}):
        (tmp_path / "generation_config.json").write_text(json.dumps(settings | said))
        engine = load(tmp_path, None)
        assert engine.language == Language("de", "checkpoint")
        assert prompts(engine, [spoken["de"]]) == [prompt("de")]


@pytest.mark.e2e
@pytest.mark.parametrize("runs", [None, "faster-whisper"])
def test_detected(
    real_weights: Path,
    spoken: dict[str, Waveform],
    conversions: Path,
    monkeypatch: pytest.MonkeyPatch,
    runs: str | None,
) -> None:
    """One batch of three languages: each row has its own prompt, and the cost is a stage."""
    if runs is not None:
        pytest.importorskip("faster_whisper")
        monkeypatch.setenv("ASRPROF_CACHE", str(conversions))
    engine = load(real_weights / "whisper-base", "detect", runs)
    assert engine.language == Language("detect", "config")
    batch = list(spoken.values())
    stages: list[str] = []
    texts = engine.transcribe(batch, stages.append).texts
    assert stages.count("detect") == 1
    assert stages.index("encode") < stages.index("detect") < stages.index("decode")
    assert all(texts)
    if runs is None:
        told = prompts(engine, batch)
    else:
        encoded = engine._encode(engine._features(batch))  # type: ignore[attr-defined]
        told = engine._prompts(encoded, len(batch))  # type: ignore[attr-defined]
    # French by a machine's voice is near a tie, which the two paddings of features decide.
    assert told[:2] == [prompt("de"), prompt("es")]
    if runs is None:
        assert told == published_detection(real_weights / "whisper-base", batch)


@pytest.mark.parametrize("language", ["de", "detect"])
def test_an_english_model_refuses(real_weights: Path, tmp_path: Path, language: str) -> None:
    """Before its weights load: here there are none."""
    for name in (real_weights / "whisper-tiny.en").iterdir():
        if name.suffix != ".safetensors":
            (tmp_path / name.name).symlink_to(name)
    asked = replace(request(str(tmp_path), weights="pretrained"), language=language)
    with pytest.raises(Refused, match=r"only en|supports en alone"):
        load_engine(asked)
