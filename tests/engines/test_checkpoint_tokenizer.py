"""Checkpoints without a tokenizer, or with another model's, are refused before weights load."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import (
    ParakeetFeatureExtractor,
    ParakeetForTDT,
    ParakeetTDTConfig,
    Wav2Vec2CTCTokenizer,
    WhisperTokenizerFast,
)

from runner.config import Variant
from runner.engines.checkpoint_tokenizer import REMEDY
from runner.engines.vocabulary import piece_tokenizer
from runner.errors import Refused
from runner.load import load_engine
from tests.checkpoints import save_canary, save_ctc, save_moonshine
from tests.engines.loading import request
from tests.engines.small_whisper import break_weights, named_tokens, save_whisper
from tests.engines.test_transducer import small

OF_TOKENIZERS = (
    *("tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt"),
    *("special_tokens_map.json", "added_tokens.json", "normalizer.json"),
)


def save_tdt(folder: Path) -> Path:
    torch.manual_seed(0)
    ParakeetForTDT(small(ParakeetTDTConfig)).save_pretrained(folder)
    ParakeetFeatureExtractor(feature_size=128).save_pretrained(folder)
    piece_tokenizer(33, special=32, blank=32).save_pretrained(folder)
    return folder


FAMILIES: dict[str, Callable[[Path], Path]] = {
    "whisper": save_whisper,
    "ctc": save_ctc,
    "moonshine": save_moonshine,
    "canary": save_canary,
    "transducer": save_tdt,
}


def refusal(folder: Path, engine: str | None = None, **changes: object) -> str:
    with pytest.raises(Refused) as caught:
        load_engine(request(str(folder), weights="pretrained", engine=engine, **changes))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("left", [(), ("tokenizer_config.json",)], ids=["nothing", "its config"])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_checkpoint_without_a_tokenizer(tmp_path, family, left):
    """Trainer without ``processing_class`` writes none; a copied config alone is none either."""
    folder = FAMILIES[family](tmp_path / family)
    load_engine(request(str(folder), weights="pretrained"))
    for name in set(OF_TOKENIZERS) - set(left):
        (folder / name).unlink(missing_ok=True)
    break_weights(folder)
    assert refusal(folder) == f"no tokenizer in {folder}: {REMEDY}"


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("engine", "package"),
    [
        ("faster-whisper", "faster_whisper"),
        ("onnx", "onnxscript"),
        ("whisper-cpp", "_pywhispercpp"),
    ],
)
def test_engines_that_convert_refuse_it_too(tmp_path, monkeypatch, engine, package):
    pytest.importorskip(package)
    monkeypatch.setenv("ASRPROF_CACHE", str(tmp_path / "cache"))
    folder = save_whisper(tmp_path / "whisper")
    for name in OF_TOKENIZERS:
        (folder / name).unlink(missing_ok=True)
    break_weights(folder)
    precision = "fp16" if engine == "whisper-cpp" else "fp32"
    variant = Variant(name=precision, precision=precision)
    assert refusal(folder, engine, variant=variant) == f"no tokenizer in {folder}: {REMEDY}"


@pytest.mark.e2e
def test_faster_whisper_takes_an_old_tokenizer(tmp_path, monkeypatch, speech_like):
    """One of vocab.json and merges.txt, and settings in the model's configuration alone."""
    pytest.importorskip("faster_whisper")
    monkeypatch.setenv("ASRPROF_CACHE", str(tmp_path / "cache"))
    folder = save_whisper(tmp_path / "whisper")
    core = json.loads((folder / "tokenizer.json").read_text())["model"]
    (folder / "tokenizer.json").unlink()
    (folder / "generation_config.json").unlink()
    (folder / "vocab.json").write_text(json.dumps(core["vocab"]))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    engine = load_engine(request(str(folder), weights="pretrained", engine="faster-whisper"))
    ours = load_engine(request(str(folder), weights="pretrained"))
    assert engine.prompt == ours.spoken.tokens()
    assert engine.transcribe(speech_like(1)).texts == ours.transcribe(speech_like(1)).texts


def test_letters_that_are_missing(tmp_path):
    folder = save_ctc(tmp_path)
    tokens = ["<pad>", "<s>", "</s>", "<unk>", "|", "A"]
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}))
    break_weights(folder)
    assert "it lacks 2 of the model's 8 tokens, such as 6" in refusal(folder)


def test_another_blank(tmp_path):
    folder = save_ctc(tmp_path)
    tokens = ["A", "<s>", "</s>", "<unk>", "|", "B", "C", "<pad>"]
    vocabulary = folder / "other.json"
    vocabulary.write_text(json.dumps({token: i for i, token in enumerate(tokens)}))
    Wav2Vec2CTCTokenizer(str(vocabulary)).save_pretrained(folder)
    break_weights(folder)
    assert "its padding is token 7, the model's blank is 0" in refusal(folder)


def test_the_tokenizer_of_another_whisper(tmp_path):
    folder = save_whisper(tmp_path)
    named = {token: number - 1 for token, number in named_tokens(("en", "de")).items()}
    words = {f"w{i}": i for i in range(39)}
    WhisperTokenizerFast(vocab={**words, **named, "more": 50}, merges=[]).save_pretrained(folder)
    break_weights(folder)
    assert "its <|endoftext|> is token 39, the model's is 40" in refusal(folder)


def test_a_tokenizer_of_before_there_were_timestamps(tmp_path, speech_like):
    """The last 1501 ids of a Whisper are never asked for, and old tokenizers lack them."""
    folder = save_whisper(tmp_path)
    config = json.loads((folder / "config.json").read_text())
    size = config["vocab_size"]
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    head = "model.decoder.embed_tokens.weight"
    weights[head] = torch.cat([weights[head], torch.zeros(1501, 16)])
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config | {"vocab_size": size + 1501}))
    engine = load_engine(request(str(folder), weights="pretrained"))
    assert len(engine.transcribe(speech_like(1)).texts) == 1
    (folder / "config.json").write_text(json.dumps(config | {"vocab_size": size + 1570}))
    assert f"it lacks 1570 of the model's {size + 1570} tokens" in refusal(folder)


def test_what_a_library_raises_is_one_line(tmp_path):
    """A package that is not installed, a configuration without a value, a rate of telephones."""
    folder = save_ctc(tmp_path)
    config = json.loads((folder / "config.json").read_text())
    quantised = {"quant_method": "bitsandbytes", "load_in_8bit": True}
    (folder / "config.json").write_text(json.dumps(config | {"quantization_config": quantised}))
    assert refusal(folder).startswith(f"cannot load {folder}: ")
    (folder / "config.json").write_text(json.dumps(config | {"conv_dim": None}))
    assert refusal(folder).startswith(f"cannot load {folder}: ")
    (folder / "config.json").write_text(json.dumps(config))
    extractor = json.loads((folder / "preprocessor_config.json").read_text())
    (folder / "preprocessor_config.json").write_text(
        json.dumps(extractor | {"sampling_rate": 8000})
    )
    assert "takes audio at 8000 Hz, and clips have 16000 Hz" in refusal(folder)
