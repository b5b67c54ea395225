"""Small local checkpoints with random weights, as `save_pretrained` writes them; an odd graph."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders
from tokenizers.models import WordLevel
from transformers import (
    CanaryConfig,
    CanaryForConditionalGeneration,
    CanaryProcessor,
    GraniteSpeechConfig,
    GraniteSpeechForConditionalGeneration,
    MoonshineConfig,
    MoonshineForConditionalGeneration,
    ParakeetFeatureExtractor,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen3ASRConfig,
    Qwen3ASRFeatureExtractor,
    Qwen3ASRForConditionalGeneration,
    Qwen3ASRProcessor,
    VoxtralConfig,
    VoxtralForConditionalGeneration,
    Wav2Vec2Config,
    Wav2Vec2CTCTokenizer,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForCTC,
    WhisperFeatureExtractor,
)

from runner.engines.vocabulary import piece_tokenizer

SMALL_DECODER = {
    "hidden_size": 48,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    # Large enough that neither text nor audio is lost in the other.
    "initializer_range": 0.3,
}
"""The language model of a small checkpoint of a model that hears."""


def save_ctc(
    folder: Path, model: PreTrainedModel | None = None, extractor: Any | None = None
) -> Path:
    """A CTC model of a few thousand parameters: a case with it takes milliseconds.

    Args:
        folder: Where to.
        model: Over eight tokens, the first of them blank; a wav2vec 2.0 when None.
        extractor: Its feature extractor.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = Wav2Vec2Config(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        conv_dim=(8, 8, 8, 8, 8, 8, 8),
        num_conv_pos_embeddings=16,
        # One group: a processor with AMX computes fewer channels wrongly in bfloat16.
        num_conv_pos_embedding_groups=1,
        vocab_size=8,
        pad_token_id=0,
    )
    (model or Wav2Vec2ForCTC(config)).save_pretrained(folder)
    tokens = ["<pad>", "<s>", "</s>", "<unk>", "|", "A", "B", "C"]
    vocabulary = folder / "vocab.json"
    vocabulary.write_text(json.dumps({token: i for i, token in enumerate(tokens)}))
    Wav2Vec2CTCTokenizer(str(vocabulary)).save_pretrained(folder)
    (extractor or Wav2Vec2FeatureExtractor()).save_pretrained(folder)
    return folder


def save_moonshine(folder: Path) -> Path:
    """A Moonshine of a few thousand parameters, whose text depends on what it hears."""
    folder.mkdir(parents=True, exist_ok=True)
    config = MoonshineConfig(
        vocab_size=40,
        hidden_size=32,
        intermediate_size=64,
        encoder_num_hidden_layers=1,
        decoder_num_hidden_layers=2,
        encoder_num_attention_heads=2,
        decoder_num_attention_heads=2,
        pad_head_dim_to_multiple_of=8,
        # Large enough that neither text nor audio is lost in the other.
        initializer_range=0.3,
    )
    torch.manual_seed(1)
    MoonshineForConditionalGeneration(config).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=False, return_attention_mask=True).save_pretrained(folder)
    piece_tokenizer(40, special=40).save_pretrained(folder)
    return folder


def save_canary(folder: Path) -> Path:
    """A Canary of a few thousand parameters, with a prompt of the published form."""
    folder.mkdir(parents=True, exist_ok=True)
    marks = [
        *("<unk>", "<|nospeech|>", "<pad>", "<|endoftext|>", "<|startoftranscript|>", "<|pnc|>"),
        *("<|nopnc|>", "<|startofcontext|>", "<|noitn|>", "<|notimestamp|>", "<|nodiarize|>"),
        *("<|emo:undefined|>", "<|en|>", "<|de|>"),
    ]
    ids = {token: n for n, token in enumerate([*marks, *(f"▁w{n}" for n in range(30))])}
    core = Tokenizer(WordLevel(vocab=ids, unk_token="<unk>"))
    core.decoder = decoders.Metaspace()
    core.add_special_tokens(marks)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token="<|startoftranscript|>",
        eos_token="<|endoftext|>",
        pad_token="<pad>",
        unk_token="<unk>",
    )
    template = (
        "{% for message in messages %}{% for part in message.content %}"
        "{% if part.type == 'text' %}"
        "<|startofcontext|><|startoftranscript|><|emo:undefined|>"
        "<|{{ part.source_language }}|><|{{ part.target_language }}|>"
        "{{ '<|pnc|>' if part.punctuation else '<|nopnc|>' }}"
        "<|noitn|><|notimestamp|><|nodiarize|>{% endif %}{% endfor %}{% endfor %}"
    )
    # Large enough that neither text nor audio is lost in the other.
    spread = {"initializer_range": 0.6}
    config = CanaryConfig(
        encoder_config={
            "model_type": "parakeet_encoder",
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 64,
            "num_mel_bins": 16,
            "subsampling_conv_channels": 8,
            "scale_input": False,
            **spread,
        },
        decoder_config={
            "vocab_size": len(ids),
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 2,
            "head_dim": 16,
            "max_position_embeddings": 128,
            **spread,
        },
        vocab_size=len(ids),
        **spread,
    )
    torch.manual_seed(2)
    CanaryForConditionalGeneration(config).save_pretrained(folder)
    extractor = ParakeetFeatureExtractor(feature_size=16, sampling_rate=16_000)
    CanaryProcessor(extractor, tokenizer, template).save_pretrained(folder)
    return folder


def save_qwen3_asr(folder: Path) -> Path:
    """A Qwen3-ASR of a few thousand parameters, with a prompt of the published form."""
    folder.mkdir(parents=True, exist_ok=True)
    words = [f"w{number}" for number in range(30)]
    marks = [
        *("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|audio_start|>", "<|audio_end|>"),
        "<|audio_pad|>",
    ]
    said = ["system", "user", "assistant", "\n", "language", " English", " German", "<asr_text>"]
    ids = {token: number for number, token in enumerate([*words, *marks, *said])}
    core = Tokenizer(WordLevel(vocab=ids, unk_token="w0"))
    core.decoder = decoders.Fuse()
    core.add_special_tokens(marks)
    core.add_tokens([AddedToken(token, normalized=False) for token in said])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token="<|endoftext|>",
        eos_token="<|im_end|>",
        extra_special_tokens={
            "audio_token": "<|audio_pad|>",
            "audio_bos_token": "<|audio_start|>",
            "audio_eos_token": "<|audio_end|>",
        },
    )
    template = (
        "<|im_start|>system\n<|im_end|>\n"
        "{% for message in messages %}<|im_start|>{{ message.role }}\n"
        "{% for part in message.content %}"
        "{% if part.type == 'text' %}{{ part.text }}"
        "{% else %}<|audio_start|><|audio_pad|><|audio_end|>{% endif %}"
        "{% endfor %}<|im_end|>\n{% endfor %}"
    )
    config = Qwen3ASRConfig(
        audio_config={
            "model_type": "qwen3_asr_encoder",
            "d_model": 32,
            "encoder_layers": 2,
            "encoder_attention_heads": 2,
            "encoder_ffn_dim": 64,
            "output_dim": 48,
            "downsample_hidden_size": 16,
        },
        text_config={
            "model_type": "qwen3",
            "vocab_size": len(ids),
            **SMALL_DECODER,
            "head_dim": 16,
            "tie_word_embeddings": True,
        },
        audio_token_id=ids["<|audio_pad|>"],
        pad_token_id=ids["<|endoftext|>"],
        eos_token_id=[ids["<|im_end|>"], ids["<|endoftext|>"]],
        initializer_range=0.3,
    )
    torch.manual_seed(1)
    Qwen3ASRForConditionalGeneration(config).save_pretrained(folder)
    Qwen3ASRProcessor(Qwen3ASRFeatureExtractor(), tokenizer, template).save_pretrained(folder)
    return folder


def save_tekken(folder: Path, marks: Mapping[int, str]) -> int:
    """A small tekken.json; gives the number of its tokens.

    Args:
        folder: Where to.
        marks: Names of some of its 40 special tokens.
    """
    special = [
        {"rank": rank, "token_str": marks.get(rank, f"<SPECIAL_{rank}>"), "is_control": True}
        for rank in range(40)
    ]
    words = [bytes([value]) for value in range(256)] + [b"la", b"ng", b"lang", b"en", b"de"]
    tekken = {
        "config": {
            "pattern": r"\p{L}+|[^\p{L}]",
            "num_vocab_tokens": len(words),
            "default_vocab_size": len(special) + len(words),
            "default_num_special_tokens": len(special),
            "version": "v7",
        },
        "vocab": [
            {"rank": rank, "token_bytes": base64.b64encode(word).decode(), "token_str": None}
            for rank, word in enumerate(words)
        ],
        "special_tokens": special,
    }
    (folder / "tekken.json").write_text(json.dumps(tekken))
    return len(special) + len(words)


def save_voxtral(folder: Path) -> Path:
    """A Voxtral of a few thousand parameters on windows of a second, with a tekken.json."""
    folder.mkdir(parents=True, exist_ok=True)
    marks = {0: "<unk>", 1: "<s>", 2: "</s>", 3: "[INST]", 4: "[/INST]", 11: "<pad>"}
    marks |= {24: "[AUDIO]", 25: "[BEGIN_AUDIO]", 34: "[TRANSCRIBE]"}
    size = save_tekken(folder, marks)
    config = VoxtralConfig(
        audio_config={
            "model_type": "voxtral_encoder",
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 64,
            "num_mel_bins": 16,
            "max_source_positions": 50,
            "initializer_range": 0.3,
        },
        text_config={
            "model_type": "llama",
            "vocab_size": size,
            **SMALL_DECODER,
            "head_dim": 16,
        },
        audio_token_id=24,
        initializer_range=0.3,
    )
    torch.manual_seed(1)
    model = VoxtralForConditionalGeneration(config)
    model.generation_config.update(bos_token_id=1, eos_token_id=2, pad_token_id=11)
    model.save_pretrained(folder)
    WhisperFeatureExtractor(feature_size=16, chunk_length=1).save_pretrained(folder)
    return folder


def save_granite_speech(folder: Path, *, adapter: bool = False) -> Path:
    """A Granite speech of a few thousand parameters, with a prompt of the published form.

    Args:
        folder: Where to.
        adapter: Whether it has a LoRA adapter, of rank 2 with alpha 8, on queries and values.
    """
    folder.mkdir(parents=True, exist_ok=True)
    words = [f"w{number}" for number in range(30)]
    marks = ["<|end_of_text|>", "<|start_of_role|>", "<|end_of_role|>", "<|audio|>"]
    said = ["system", "user", "assistant", "\n", "can", "you", "speech", "?", " "]
    ids = {token: number for number, token in enumerate([*words, *marks, *said])}
    core = Tokenizer(WordLevel(vocab=ids, unk_token="w0"))
    core.decoder = decoders.Fuse()
    core.add_special_tokens(marks)
    core.add_tokens([AddedToken(token, normalized=False) for token in said])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token="<|end_of_text|>", eos_token="<|end_of_text|>"
    )
    tokenizer.chat_template = (
        "{% for message in messages %}<|start_of_role|>{{ message.role }}<|end_of_role|>"
        "{{ message.content }}<|end_of_text|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|start_of_role|>assistant<|end_of_role|>{% endif %}"
    )
    tokenizer.save_pretrained(folder)
    config = GraniteSpeechConfig(
        encoder_config={
            "model_type": "granite_speech_encoder",
            "num_layers": 2,
            "hidden_dim": 32,
            "input_dim": 32,
            "output_dim": 8,
            "num_heads": 2,
            "context_size": 40,
            "max_pos_emb": 64,
            "conv_kernel_size": 5,
            "initializer_range": 0.3,
        },
        projector_config={
            "model_type": "blip_2_qformer",
            "hidden_size": 32,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "intermediate_size": 64,
            "encoder_hidden_size": 32,
            "cross_attention_frequency": 1,
            "initializer_range": 0.3,
        },
        text_config={
            "model_type": "granite",
            "vocab_size": len(ids),
            **SMALL_DECODER,
            "bos_token_id": ids["<|end_of_text|>"],
            "eos_token_id": ids["<|end_of_text|>"],
            "pad_token_id": ids["<|end_of_text|>"],
            "tie_word_embeddings": True,
        },
        audio_token_index=ids["<|audio|>"],
        has_lora_adapter=adapter,
        initializer_range=0.3,
    )
    torch.manual_seed(1)
    GraniteSpeechForConditionalGeneration(config).save_pretrained(folder)
    settings = {"sample_rate": 16_000, "n_fft": 512, "win_length": 400, "hop_length": 160}
    (folder / "preprocessor_config.json").write_text(
        json.dumps({"melspec_kwargs": {**settings, "n_mels": 16}, "sampling_rate": 16_000})
    )
    if adapter:
        _save_lora(folder, width=48, heads=48, key_heads=24, layers=2)
    return folder


def _save_lora(folder: Path, *, width: int, heads: int, key_heads: int, layers: int) -> None:
    """An adapter as peft wrote it beside the published models, under their old names.

    Args:
        folder: Of the checkpoint.
        width: Of the decoder.
        heads: Width of all queries.
        key_heads: Width of all values.
        layers: Of the decoder.
    """
    config = {"peft_type": "LORA", "r": 2, "lora_alpha": 8, "bias": "none", "use_dora": False}
    (folder / "adapter_config.json").write_text(
        json.dumps({**config, "target_modules": ["q_proj", "v_proj"]})
    )
    weights = {}
    for layer in range(layers):
        for name, out in (("q_proj", heads), ("v_proj", key_heads)):
            at = f"base_model.model.language_model.model.layers.{layer}.self_attn.{name}"
            weights[f"{at}.lora_A.weight"] = 0.3 * torch.randn(2, width)
            weights[f"{at}.lora_B.weight"] = 0.3 * torch.randn(out, 2)
    save_file(weights, folder / "adapter_model.safetensors")


def save_unknown_operator(folder: Path) -> Path:
    """An ONNX file of one operator that no runtime has."""
    import onnx
    from onnx import helper

    ends = [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [1]) for n in ("x", "y")]
    node = helper.make_node("Whistle", ["x"], ["y"], domain="nobody")
    graph = helper.make_graph([node], "odd", ends[:1], ends[1:])
    imports = [helper.make_opsetid("", 18), helper.make_opsetid("nobody", 1)]
    onnx.save(helper.make_model(graph, opset_imports=imports), folder / "odd.onnx")
    return folder / "odd.onnx"
