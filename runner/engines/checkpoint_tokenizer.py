"""A checkpoint's tokenizer, held against the model before its weights are read.

Trainer writes checkpoints without a tokenizer, and transformers makes an empty one where it finds
no files for it: every text would then be empty, without a word about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transformers import AutoConfig

from runner.catalogue.models import local_folder
from runner.engines.base import LoadRequest
from runner.engines.pretrained import from_pretrained
from runner.errors import Refused

REMEDY = "copy tokenizer.json and tokenizer_config.json of the model that it was trained from"

_VOCABULARIES = ("tokenizer.json", "vocab.json", "vocab.txt", "*.model", "tekken.json")
"""Files that hold the words of a tokenizer."""
_NAMED = tuple(f"{name}_token_id" for name in ("bos", "eos", "pad", "decoder_start", "blank"))
_TIMESTAMPS = 1501
"""Of a Whisper, its last ids. Tokenizers of before 2023 lack them, and they are never asked for."""
_LARGE = 1000
"""Heads of a vocabulary above it may be padded to a multiple of 8, for tensor cores."""
_PADDING = 64
_STREAMS = ("kyutai_speech_to_text",)
"""Model types whose last token begins a stream, and has no text."""
_RESERVED = 512
"""Language models keep more for tokens to come: Qwen3's head has 231 ids without a token."""


def load_tokenizer(cls: Any, request: LoadRequest, **arguments: Any) -> Any:
    """The tokenizer of a checkpoint, by which every token of the model has a text.

    Args:
        cls: A class of transformers with ``from_pretrained``.
        request: What to load.
        arguments: Further arguments of ``cls.from_pretrained``.

    Raises:
        Refused: there is none, or it is another model's.
    """
    config = from_pretrained(AutoConfig, request)
    folder = local_folder(request.name)
    missing = f"no tokenizer in {folder or request.name}: {REMEDY}"
    if folder is not None and not any(any(folder.glob(name)) for name in _VOCABULARIES):
        raise Refused(missing)
    tokenizer = from_pretrained(cls, request, **arguments)
    vocabulary = tokenizer.get_vocab()
    if len(vocabulary) <= len(tokenizer.all_special_tokens):
        raise Refused(missing)
    problem = mismatch(config, vocabulary, blank=getattr(tokenizer, "pad_token_id", None))
    if problem is not None:
        where = folder or request.name
        raise Refused(f"the tokenizer in {where} is another model's: {problem}; {REMEDY}")
    return tokenizer


def mismatch(config: Any, vocabulary: Mapping[str, int], *, blank: int | None) -> str | None:
    """What shows that a vocabulary is not the model's, in words; None where nothing does.

    Args:
        config: The model's configuration.
        vocabulary: Token -> id.
        blank: The tokenizer's padding, which stands for the blank of a CTC model.
    """
    language_model = getattr(config, "text_config", None)
    size: int = (language_model or config).vocab_size
    if config.model_type in _STREAMS:
        size -= 1
    missing = set(range(size)).difference(vocabulary.values())
    named = {name: getattr(config, name, None) for name in _NAMED}
    for name, value in named.items():
        if isinstance(value, int) and value in missing:
            return f"it has no token {value}, the model's {name}"
    whisper = config.model_type == "whisper"
    spare = _TIMESTAMPS if whisper else 0
    if size % 8 == 0 and size > _LARGE:
        spare += _PADDING - 1 if language_model is None else _RESERVED
    # What may be missing is the end of the vocabulary.
    if missing and (len(missing) > spare or min(missing) != size - len(missing)):
        return f"it lacks {len(missing)} of the model's {size} tokens, such as {min(missing)}"
    if whisper:
        for token, value in (
            ("<|endoftext|>", named["eos_token_id"]),
            ("<|startoftranscript|>", named["decoder_start_token_id"]),
        ):
            if value is not None and vocabulary.get(token, value) != value:
                return f"its {token} is token {vocabulary[token]}, the model's is {value}"
    ctc = any(str(name).endswith("CTC") for name in config.architectures or ())
    if ctc and blank != config.pad_token_id:
        return f"its padding is token {blank}, the model's blank is {config.pad_token_id}"
    return None
