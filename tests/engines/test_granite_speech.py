"""Granite speech: features without torchaudio, the adapter, and texts of plain transformers."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer, GraniteSpeechForConditionalGeneration

from runner.config import Variant
from runner.engines.architectures import feature_extractor, published_config
from runner.engines.granite_speech import GraniteSpeechEngine
from runner.errors import Refused
from runner.load import load_engine
from tests.checkpoints import save_granite_speech
from tests.engines.loading import noise, request

SECONDS = (2.5, 0.1, 0, 1)
TOKENS = 40
NAMES = ("ibm-granite/granite-speech-3.3-2b", "ibm-granite/granite-speech-3.3-8b")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_granite_speech(tmp_path_factory.mktemp("granite"))


@pytest.fixture(scope="module")
def adapted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_granite_speech(tmp_path_factory.mktemp("granite-lora"), adapter=True)


@pytest.fixture(scope="module")
def clips() -> list[np.ndarray]:
    return noise(SECONDS)


def load(folder: Path, **parts: object) -> GraniteSpeechEngine:
    variant = Variant.model_validate({"name": "x", **parts}) if parts else Variant(name="fp32")
    engine = load_engine(request(str(folder), weights="pretrained", variant=variant))
    assert isinstance(engine, GraniteSpeechEngine)
    return engine


def heard(engine: GraniteSpeechEngine, clips: list[np.ndarray]) -> list[str]:
    with engine.shortened(TOKENS):
        return list(engine.transcribe(clips).texts)


def publishers_texts(folder: Path, features: torch.Tensor, counts: list[int]) -> list[str]:
    """By plain code of transformers, as the model card has it, greedily, adapter and all."""
    tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
    chat = [
        {
            "role": "system",
            "content": "Knowledge Cutoff Date: April 2024.\nToday's Date: April 9, 2025.\n"
            "You are Granite, developed by IBM. You are a helpful AI assistant",
        },
        {
            "role": "user",
            "content": "<|audio|>can you transcribe the speech into a written format?",
        },
    ]
    text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    texts = [text.replace("<|audio|>", "<|audio|>" * count) for count in counts]
    inputs = tokenizer(texts, padding=True, return_tensors="pt")
    inputs.pop("token_type_ids", None)
    model = GraniteSpeechForConditionalGeneration.from_pretrained(folder)
    if model.config.has_lora_adapter:
        put_adapter_on(model, load_file(folder / "adapter_model.safetensors"))
    mask = torch.arange(max(counts)) < torch.tensor(counts)[:, None]
    ids = model.generate(
        **inputs,
        input_features=features,
        input_features_mask=mask,
        max_new_tokens=TOKENS,
        do_sample=False,
    )
    new = ids[:, inputs["input_ids"].shape[1] :]
    return [said.strip() for said in tokenizer.batch_decode(new, skip_special_tokens=True)]


def put_adapter_on(model: GraniteSpeechForConditionalGeneration, weights: dict) -> None:
    """Beside the layers, as Hu et al. 2021 define it: ``W x + alpha / r B A x``."""
    for name, module in model.model.language_model.named_modules():
        at = f"base_model.model.language_model.model.{name}"
        if f"{at}.lora_A.weight" in weights:
            a, b = weights[f"{at}.lora_A.weight"], weights[f"{at}.lora_B.weight"]
            module.register_forward_hook(
                lambda _, given, out, a=a, b=b: out + 8 / 2 * given[0] @ a.T @ b.T
            )


@pytest.mark.parametrize("checkpoint", ["folder", "adapted"])
def test_texts_are_those_of_plain_transformers(checkpoint, clips, request):
    checkpoint = request.getfixturevalue(checkpoint)
    engine = load(checkpoint)
    counts = [engine.positions(len(clip)) for clip in clips]
    theirs = publishers_texts(checkpoint, engine.features(clips), counts)
    assert heard(engine, clips) == theirs
    assert any(theirs), "nothing is compared"


def test_the_adapter_changes_texts(folder, adapted, clips):
    plain = load(folder)
    with_adapter = load(adapted)
    assert heard(plain, clips) != heard(with_adapter, clips)
    assert with_adapter.parameters == plain.parameters


def test_a_checkpoint_that_lacks_its_adapter_is_refused(tmp_path):
    save_granite_speech(tmp_path, adapter=True)
    (tmp_path / "adapter_model.safetensors").unlink()
    with pytest.raises(Refused, match=r'no adapter_model\.safetensors in .*"has_lora_adapter": f'):
        load(tmp_path)


@pytest.mark.parametrize(
    ("change", "what"),
    [({"use_dora": True}, "use_dora"), ({"peft_type": "IA3"}, "IA3 with bias none")],
)
def test_an_adapter_of_another_kind_is_refused(tmp_path, change, what):
    save_granite_speech(tmp_path, adapter=True)
    told = json.loads((tmp_path / "adapter_config.json").read_text())
    (tmp_path / "adapter_config.json").write_text(json.dumps({**told, **change}))
    with pytest.raises(Refused, match=rf"not a plain LoRA \({what}\): merge it"):
        load(tmp_path)


def test_an_adapter_of_another_decoder_is_refused(tmp_path):
    save_granite_speech(tmp_path, adapter=True)
    config = json.loads((tmp_path / "adapter_config.json").read_text())
    from safetensors.torch import save_file

    weights = load_file(tmp_path / "adapter_model.safetensors")
    (tmp_path / "adapter_config.json").write_text(json.dumps(config))
    save_file(
        {key.replace("layers.1.", "layers.7."): value for key, value in weights.items()},
        tmp_path / "adapter_model.safetensors",
    )
    with pytest.raises(Refused, match=r"does not fit the decoder's layers\.7\.self_attn\."):
        load(tmp_path)


def test_features_are_those_of_the_formula(clips):
    extract = feature_extractor(NAMES[0])
    clip = clips[0][:16_000]
    frames = 16_000 // 160 + 1
    padded = np.pad(clip.astype(np.float64), 256, mode="reflect")
    window = np.zeros(512)
    window[56:456] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    power = np.array(
        [np.abs(np.fft.rfft(window * padded[160 * t : 160 * t + 512])) ** 2 for t in range(frames)]
    )
    # Triangles whose corners are 82 equal steps of the mel scale by O'Shaughnessy, up to 8 kHz.
    mels = np.linspace(0, 2595 * np.log10(1 + 8000 / 700), 82)
    low, top, high = (700 * (10 ** (mels[i : 80 + i] / 2595) - 1) for i in range(3))
    bins = np.linspace(0, 8000, 257)[:, None]
    bank = np.maximum(0, np.minimum((bins - low) / (top - low), (high - bins) / (high - top)))
    log = np.log10(np.maximum(power @ bank, 1e-10))
    log = np.maximum(log, log.max() - 8) / 4 + 1
    theirs = log[: frames // 2 * 2].reshape(frames // 2, 160)
    ours = extract([clip])[0].numpy()
    assert ours.shape == (50, 160)
    assert np.abs(ours - theirs).max() < 1e-3


def test_a_clip_is_padded_with_silence_to_the_longest(clips):
    extract = feature_extractor(NAMES[0])
    padded = np.pad(clips[3], (0, 24_000))
    assert torch.equal(extract([clips[0], clips[3]])[1], extract([padded])[0])


@pytest.mark.parametrize(
    ("samples", "positions"), [(0, 3), (1600, 3), (4800, 3), (4960, 6), (160_000, 102)]
)
def test_positions_are_as_many_as_the_encoder_gives(folder, samples, positions):
    engine = load(folder)
    assert engine.positions(samples) == positions
    wave = [np.zeros(samples, np.float32)]
    assert len(engine.hear(engine.features(wave), engine.feature_masks(wave))) == positions


def test_the_published_prompt_is_that_of_the_template(folder):
    prompt = load(folder).published_prompt(published_config(NAMES[0]))
    # Tokens of the published BPE in: the system turn 44, the question 11; a line break is one.
    assert len(prompt.before) == 3 + 44 + 2 + 3
    assert len(prompt.after) == 11 + 2 + 3
    assert prompt.audio == 49_159
    roles = Counter((*prompt.before, *prompt.after))
    assert (roles[49_152], roles[49_153]) == (3, 3)
    own = load(folder).audio_prompt
    marks = {49_152: 31, 49_153: 32, 0: 30}
    assert [marks[i] for i in prompt.after[-5:] if i in marks] == [
        i for i in own.after[-5:] if i in marks.values()
    ]


def test_a_tokenizer_without_a_chat_template_is_refused(tmp_path):
    save_granite_speech(tmp_path)
    (tmp_path / "chat_template.jinja").unlink()
    with pytest.raises(Refused, match=r"has no chat template: copy chat_template\.jinja"):
        load(tmp_path)


def test_it_detects_no_language(folder):
    with pytest.raises(Refused, match="detects no language"):
        load_engine(request(str(folder), weights="pretrained", language="detect"))


@pytest.mark.parametrize(
    ("name", "language_model"),
    # Of granite-3.3-2b-instruct and granite-3.3-8b-instruct; their repositories on the hub.
    [(NAMES[0], 2.53e9), (NAMES[1], 8.17e9)],
)
def test_the_published_sizes(name, language_model):
    from runner.flops.models import build

    model = build(published_config(name))
    parameters = sum(weight.numel() for weight in model.model.language_model.parameters())
    assert parameters == pytest.approx(language_model, rel=0.005)
    # Model card: "16 conformer blocks", "2-layer window query transformer".
    assert len(model.model.encoder.layers) == 16
    assert len(model.model.projector.qformer.encoder.layer) == 2
