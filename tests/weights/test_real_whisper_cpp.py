"""whisper.cpp with published weights on real speech: whose words it hears, and what bits cost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from report.compare import compare_wer
from runner.clips.clip import SAMPLE_RATE, Clip
from runner.config import Variant
from runner.engines.base import Engine, no_mark
from runner.measure.quality import score
from store.records import Transcript
from tests.weights.whisper import ALL, QUICK_MODELS, few, is_short, load, spoken, transcribe

pytest.importorskip("_pywhispercpp")

NEAR_TIE = 0.5
"""Logits that lie no further apart change places by rounding to half precision."""


def variant(**parts: object) -> Variant:
    return Variant.model_validate({"name": "tried", **parts})


class _Model:
    """One model on the utterances that fill no window; each way of running it hears them once."""

    def __init__(self, folder: Path, utterances: list[Clip]) -> None:
        self.folder = folder
        self.utterances = utterances
        self.plain = load(folder)
        self.expected = self.heard(self.plain)

    def engine(self, **parts: object) -> Engine:
        return load(self.folder, engine="whisper-cpp", variant=variant(**parts))

    def heard(self, engine: Engine) -> tuple[Transcript, ...]:
        _, transcripts = score(transcribe(engine, self.utterances), seed=42)
        return transcripts


@pytest.fixture(scope="module", params=QUICK_MODELS)
def model(
    request: pytest.FixtureRequest,
    real_weights: Path,
    real_speech: Path,
    conversions: Path,
) -> Iterator[_Model]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASRPROF_CACHE", str(conversions))
        utterances = [one for one in few(real_speech) if is_short(one)]
        yield _Model(real_weights / request.param, utterances)


@pytest.mark.e2e
@pytest.mark.timeout(3600)
def test_half_precision_hears_the_words_of_transformers(model: _Model) -> None:
    engine = model.engine(precision="fp16")
    assert engine.own_front_end
    heard = model.heard(engine)
    found = compare_wer(model.expected, heard, seed=42)
    assert found.clips == 25
    assert abs(found.difference) <= 0.005
    texts = [(a.hypothesis, b.hypothesis) for a, b in zip(model.expected, heard, strict=True)]
    pairs = zip(texts, model.utterances, strict=True)
    differing = [clip for (ours, theirs), clip in pairs if ours != theirs]
    assert len(differing) <= 3
    for clip in differing:
        assert _gap(engine, model.plain, clip) < NEAR_TIE, clip.id


def _gap(engine: Engine, plain: Engine, clip: Clip) -> float:
    """How far apart transformers holds the two tokens at which the texts part."""
    engine._hear(clip.audio)
    engine.model.encode()
    theirs = engine._decode(engine.longest, False, no_mark)
    features = plain.features([clip.audio])
    ours = plain.model.generate(features)[0, plain.prompt :].tolist()
    common = next(at for at, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b)
    before = torch.tensor([[*engine.prompt, *ours[:common]]])
    with torch.inference_mode():
        logits = plain.model(features, decoder_input_ids=before).logits[0, -1]
    return float(logits[ours[common]] - logits[theirs[common]])


@pytest.mark.e2e
@pytest.mark.timeout(3600)
def test_fewer_bits_cost_words_that_are_told_with_an_interval(model: _Model) -> None:
    lost = {}
    for asked in ("int8-dynamic", *(["q5_0", "q4_0"] if ALL else [])):
        heard = model.heard(model.engine(quantization=asked))
        found = lost[asked] = compare_wer(model.expected, heard, seed=42)
        print(
            f"{model.folder.name} {asked}: {100 * found.difference:+.2f} points "
            f"[{100 * found.low:+.2f}, {100 * found.high:+.2f}] {found.reason or ''}"
        )
        assert found.clips == 25
        assert found.reason is not None or found.low <= found.difference <= found.high
    assert abs(lost["int8-dynamic"].difference) <= 0.01
    if ALL:
        assert abs(lost["q4_0"].difference) <= 0.05


@pytest.mark.e2e
def test_the_file_is_one_that_whisper_cpp_reads_by_itself(
    real_weights: Path, real_speech: Path, conversions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through the package's own class, which cuts, decodes and spells the tokens itself."""
    from pywhispercpp.model import Model

    monkeypatch.setenv("ASRPROF_CACHE", str(conversions))
    engine = load(
        real_weights / "whisper-tiny.en", engine="whisper-cpp", variant=variant(precision="fp16")
    )
    clip = next(one for one in spoken(real_speech) if one.id == "ls-1688-142285-0004")
    own = Model(str(engine.converted.file), n_threads=1, print_progress=False, no_timestamps=True)
    said = " ".join(segment.text for segment in own.transcribe(clip.audio))
    assert said.split() == engine.transcribe([clip.audio]).texts[0].split()
    assert len(said.split()) > 5


@pytest.mark.e2e
def test_its_front_end_is_that_of_transformers(
    real_weights: Path, real_speech: Path, conversions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the encoder makes of its own spectra and of those of transformers is the same."""
    monkeypatch.setenv("ASRPROF_CACHE", str(conversions))
    engine = load(
        real_weights / "whisper-tiny.en", engine="whisper-cpp", variant=variant(precision="fp16")
    )
    clip = next(one for one in spoken(real_speech) if one.id == "goforward")
    logits = []
    for own in (True, False):
        engine.own_front_end = own
        engine._hear(clip.audio)
        engine.model.encode()
        logits.append(engine.model.decode(engine.prompt, 0).copy())
    assert np.abs(logits[0] - logits[1]).max() < 0.01 * np.abs(logits[1]).max()
    assert clip.seconds * SAMPLE_RATE < engine.window
