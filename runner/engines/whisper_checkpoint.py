"""What a Whisper's checkpoint says before its weights are read, for engines that convert it."""

from __future__ import annotations

from typing import NamedTuple

from transformers import WhisperConfig, WhisperTokenizerFast

from runner.engines.architectures import published_config
from runner.engines.base import LoadRequest
from runner.engines.checkpoint_tokenizer import load_tokenizer
from runner.engines.pretrained import from_pretrained
from runner.engines.search_settings import published_settings, set_aside
from runner.engines.whisper_prompt import WhisperPrompt, whisper_prompt
from runner.engines.whisper_settings import generation_config
from runner.errors import Refused


class Announced(NamedTuple):
    """What is known of a model that is still to be converted."""

    prompt: WhisperPrompt
    config: WhisperConfig
    remarks: tuple[str, ...]
    """What of its own way to search is set aside."""


def announce(request: LoadRequest) -> Announced:
    """Reads a checkpoint's configuration and settings, or makes those of a published one.

    Raises:
        Refused: they cannot be had, or the model lacks the language that is asked for.
    """
    if request.weights == "random":
        config = published_config(request.name)
        return Announced(
            whisper_prompt(request, generation_config(config), config, dict), config, ()
        )
    config = from_pretrained(WhisperConfig, request)
    published = published_settings(request, config)
    prompt = whisper_prompt(
        request,
        published,
        config,
        lambda: load_tokenizer(WhisperTokenizerFast, request).get_vocab(),
    )
    aside = set_aside(published, request.variant.beams)
    return Announced(prompt, config, () if aside is None else (aside,))


def refuse_detection(prompt: WhisperPrompt, engine: str) -> None:
    """Refuses a language that is to be detected by an engine that cannot.

    Raises:
        Refused: the prompt's language is to be detected.
    """
    if prompt.detects:
        raise Refused(f"{engine} detects no language here: name it, or run the model without it")
