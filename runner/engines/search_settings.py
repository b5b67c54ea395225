"""How a checkpoint decodes: as its variant says, whatever its generation_config.json asks for."""

from __future__ import annotations

from typing import Any

from transformers import GenerationConfig

from runner.catalogue.models import local_folder
from runner.engines.base import LoadRequest
from runner.engines.pretrained import from_pretrained
from runner.errors import Refused

_KEPT = frozenset(
    {
        *("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id"),
        # What the publishers never want to be said, and where in the vocabulary things are.
        *("suppress_tokens", "begin_suppress_tokens", "is_multilingual", "lang_to_id"),
        *("task_to_id", "no_timestamps_token_id", "prev_sot_token_id", "alignment_heads"),
    }
)
"""What a checkpoint says of its tokens; all else would be a search of its own."""
_OURS = frozenset(
    {
        *("max_length", "max_new_tokens", "language", "task", "forced_decoder_ids"),
        *("return_timestamps", "max_initial_timestamp_index", "use_cache", "transformers_version"),
        *("_from_model_config", "output_attentions", "output_hidden_states", "output_scores"),
        *("output_logits", "return_dict_in_generate", "median_filter_width"),
    }
)
"""What an engine sets for every checkpoint, or what changes no text."""
_OF_SAMPLING = frozenset(
    {
        *("temperature", "top_k", "top_p", "min_p", "top_h", "typical_p", "epsilon_cutoff"),
        "eta_cutoff",
    }
)
_OF_BEAMS = frozenset({"length_penalty", "early_stopping", "num_beam_groups", "diversity_penalty"})
_NEUTRAL = {
    "do_sample": False,
    "num_beams": 1,
    "min_length": 0,
    "repetition_penalty": 1.0,
    "encoder_repetition_penalty": 1.0,
    "length_penalty": 1.0,
    "no_repeat_ngram_size": 0,
    "encoder_no_repeat_ngram_size": 0,
    "num_return_sequences": 1,
    "num_beam_groups": 1,
    "diversity_penalty": 0.0,
    "num_assistant_tokens_schedule": "constant",
    "num_assistant_tokens": 20,
    "assistant_confidence_threshold": 0.4,
    "temperature": 1.0,
}
"""What changes nothing, where that is neither None, nor False, nor empty."""


def published_settings(request: LoadRequest, config: Any) -> GenerationConfig:
    """The generation settings of a checkpoint; those of its configuration where it has no others.

    Args:
        request: What to load.
        config: The model's configuration.

    Raises:
        Refused: generation_config.json cannot be read.
    """
    folder = local_folder(request.name)
    try:
        return from_pretrained(GenerationConfig, request)
    except Refused:
        if folder is not None and (folder / "generation_config.json").is_file():
            raise
        return GenerationConfig.from_model_config(config)


def plain_search(published: GenerationConfig, beams: int = 1) -> GenerationConfig:
    """Settings that search with so many beams and in no other way.

    Args:
        published: The checkpoint's.
        beams: Hypotheses that are followed; 1 is greedy.
    """
    kept = {name: value for name, value in published.to_dict().items() if name in _KEPT}
    settings = GenerationConfig(**kept, num_beams=beams, do_sample=False, use_cache=True)
    # Otherwise generate() would take what is unset from the configuration of the model.
    settings._from_model_config = False
    return settings


def set_aside(published: GenerationConfig, beams: int = 1) -> str | None:
    """What a checkpoint asks for and does not get, in words; None where that is nothing.

    Args:
        published: The checkpoint's settings.
        beams: Hypotheses that its variant follows.
    """
    asked = {
        name: value
        for name, value in published.to_dict().items()
        if name not in _KEPT | _OURS and value and value != _NEUTRAL.get(name)
    }
    if not asked.get("do_sample"):
        asked = {name: value for name, value in asked.items() if name not in _OF_SAMPLING}
    if (asked.get("num_beams") or 1) == 1 == beams:
        asked = {name: value for name, value in asked.items() if name not in _OF_BEAMS}
    if asked.get("num_beams") == beams:
        del asked["num_beams"]
    if not asked:
        return None
    words = ", ".join(f"{name} {value}" for name, value in sorted(asked.items()))
    return f"the checkpoint's own search is set aside, a variant says how it decodes: {words}"
