"""Whispers of a few thousand parameters with random weights, saved as Trainer saves one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import (
    GenerationConfig,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperTokenizerFast,
)

WORDS = 40
"""Ordinary tokens; the named ones follow."""


def named_tokens(languages: Sequence[str]) -> dict[str, int]:
    """The tokens that have a name, in the published order."""
    names = (
        *("endoftext", "startoftranscript", *languages, "translate", "transcribe"),
        *("startoflm", "startofprev", "nospeech", "notimestamps"),
    )
    return {f"<|{name}|>": WORDS + i for i, name in enumerate(names)}


def save_whisper(
    folder: Path,
    languages: Sequence[str] = ("en", "de"),
    *,
    multilingual: bool = True,
    **settings: Any,
) -> Path:
    """A checkpoint with a tokenizer.

    Args:
        folder: Where it is saved.
        languages: Codes of its languages.
        multilingual: Whether its settings say so, and which tokens are languages.
        settings: Further generation settings, written to the file as they are.
    """
    named = named_tokens(languages)
    end, start = named["<|endoftext|>"], named["<|startoftranscript|>"]
    config = WhisperConfig(
        vocab_size=WORDS + len(named),
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        max_target_positions=24,
        decoder_start_token_id=start,
        bos_token_id=end,
        eos_token_id=end,
        pad_token_id=end,
        suppress_tokens=None,
        begin_suppress_tokens=None,
    )
    torch.manual_seed(0)
    WhisperForConditionalGeneration(config).save_pretrained(folder)
    known: dict[str, Any] = {}
    if multilingual:
        known = {
            "is_multilingual": True,
            "lang_to_id": {f"<|{code}|>": named[f"<|{code}|>"] for code in languages},
            "task_to_id": {task: named[f"<|{task}|>"] for task in ("translate", "transcribe")},
            "no_timestamps_token_id": named["<|notimestamps|>"],
        }
    saved = GenerationConfig(
        **known,
        decoder_start_token_id=start,
        bos_token_id=end,
        eos_token_id=end,
        pad_token_id=end,
        **settings,
    )
    (folder / "generation_config.json").write_text(saved.to_json_string(), encoding="utf-8")
    WhisperFeatureExtractor(feature_size=80).save_pretrained(folder)
    words = {f"w{i}": i for i in range(WORDS)}
    tokenizer = WhisperTokenizerFast(vocab={**words, **named}, merges=[])
    tokenizer.add_tokens(list(named), special_tokens=True)
    tokenizer.save_pretrained(folder)
    return folder


def break_weights(folder: Path) -> None:
    """Leaves weights that nothing can load: a refusal that speaks of others came before."""
    (folder / "model.safetensors").write_bytes(b"no weights")
