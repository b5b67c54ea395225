"""The generation settings that Whispers were published with."""

from __future__ import annotations

from typing import Any

import torch
from transformers import GenerationConfig, WhisperForConditionalGeneration
from transformers.models.whisper.tokenization_whisper import LANGUAGES

ENGLISH_VOCABULARY = 51_864
"""Tokens of the English-only models; they have no language and no task token."""


def generation_config(config: Any) -> GenerationConfig:
    """The published generation settings, for models made without the hub.

    Token ids as in the published generation_config.json: languages follow the start token, then
    translate and transcribe; ``no_timestamps`` is the last id before the timestamps.
    """
    start = config.decoder_start_token_id
    common = {
        "decoder_start_token_id": start,
        "bos_token_id": config.bos_token_id,
        "eos_token_id": config.eos_token_id,
        "pad_token_id": config.pad_token_id,
        "force_unique_generate_call": True,
    }
    if config.vocab_size == ENGLISH_VOCABULARY:
        return GenerationConfig(**common, is_multilingual=False, no_timestamps_token_id=start + 105)
    languages = len(LANGUAGES) - 1 + (config.vocab_size - 51865)  # large-v3 added Cantonese
    codes = list(LANGUAGES)[:languages]
    translate = start + 1 + languages
    return GenerationConfig(
        **common,
        no_timestamps_token_id=translate + 5,
        is_multilingual=True,
        lang_to_id={f"<|{code}|>": start + 1 + i for i, code in enumerate(codes)},
        task_to_id={"translate": translate, "transcribe": translate + 1},
    )


def parameter_count(config: Any) -> int:
    """Parameters of a Whisper, none of which is made."""
    with torch.device("meta"):
        model = WhisperForConditionalGeneration(config)
    return sum(parameter.numel() for parameter in model.parameters())
