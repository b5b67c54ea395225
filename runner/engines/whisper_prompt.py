"""What a Whisper is told before it decodes: start, language, task, no time stamps.

Every engine that runs a Whisper takes its prompt from here, so that all of them are told the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from transformers import GenerationConfig
from transformers.models.whisper.tokenization_whisper import TO_LANGUAGE_CODE

from runner.config import DETECT
from runner.engines.base import LoadRequest
from runner.engines.language import Language, lacks
from runner.engines.whisper_settings import ENGLISH_VOCABULARY
from runner.errors import Refused

TASK = "transcribe"
_LANGUAGE = re.compile(r"<\|([a-z]{2,3})\|>")


@dataclass(frozen=True)
class WhisperPrompt:
    """The prompt of one loaded Whisper."""

    language: Language | None
    """None where the model has no languages and nothing says which it transcribes."""
    start: int
    languages: Mapping[str, int]
    """Code -> id of its token; empty for a model of one language, which has no such tokens."""
    tasks: Mapping[str, int]
    no_timestamps: int | None

    @property
    def detects(self) -> bool:
        """Whether each window's language is found out before it is decoded."""
        return self.language is not None and self.language.code == DETECT

    def tokens(self, code: str | None = None) -> list[int]:
        """The ids of the prompt.

        Args:
            code: The language that was detected; the one that the model is told when None, and
                any where it detects: the prompts of all languages are equally long.
        """
        found = [self.start]
        if self.languages:
            told = self.language.code if self.language is not None and not self.detects else None
            code = code or told or next(iter(self.languages))
            found += [self.languages[code], self.tasks[TASK]]
        return found if self.no_timestamps is None else [*found, self.no_timestamps]

    def settle(self, settings: GenerationConfig) -> None:
        """Writes it into the settings of transformers' ``generate()``."""
        settings.decoder_start_token_id = self.start
        settings.is_multilingual = bool(self.languages)
        settings.return_timestamps = False
        if self.no_timestamps is not None:
            settings.no_timestamps_token_id = self.no_timestamps
        if self.languages:
            settings.lang_to_id = {f"<|{code}|>": token for code, token in self.languages.items()}
            settings.task_to_id, settings.task = dict(self.tasks), TASK
            self.tell(settings, self.language.code if self.language is not None else None)

    @staticmethod
    def tell(settings: GenerationConfig, code: str | Sequence[str] | None) -> None:
        """Sets the language of every row, or of all of them.

        Args:
            settings: Those of ``generate()``.
            code: One of ``languages``, or one for each row.
        """
        if code is None or isinstance(code, str):
            settings.language = None if code in (None, DETECT) else f"<|{code}|>"
        else:
            settings.language = [f"<|{each}|>" for each in code]


def whisper_prompt(
    request: LoadRequest,
    published: GenerationConfig,
    config: Any,
    vocabulary: Callable[[], Mapping[str, int]],
) -> WhisperPrompt:
    """The prompt of a checkpoint, known before its weights are loaded.

    Args:
        request: What to load; its ``language`` is what is asked for.
        published: The checkpoint's generation settings.
        config: The model's configuration.
        vocabulary: Gives token -> id. It is asked for where the settings do not say which tokens
            are languages, as those of old fine-tunes do not.

    Raises:
        Refused: the model lacks the language that is asked for, or does not say what it has.
    """
    known = _Known(
        getattr(published, "lang_to_id", None) or {},
        getattr(published, "task_to_id", None) or {},
        getattr(published, "no_timestamps_token_id", None),
    )
    multilingual = getattr(published, "is_multilingual", None)
    if config.vocab_size == ENGLISH_VOCABULARY:
        multilingual = False
    if multilingual is None or (multilingual and not (known.languages and known.tasks)):
        known = _named_by(vocabulary(), known)
        multilingual = bool(known.languages) if multilingual is None else multilingual
    start = published.decoder_start_token_id
    start = config.decoder_start_token_id if start is None else start
    if not multilingual:
        language = _only_language(request, config)
        return WhisperPrompt(language, start, {}, {}, known.no_timestamps)
    if not known.languages or TASK not in known.tasks:
        raise Refused(
            f"{request.name} is multilingual, but neither lang_to_id and task_to_id of its "
            "generation_config.json nor its tokenizer say which tokens are languages: copy "
            "generation_config.json of the model that it was trained from"
        )
    languages = {token.strip("<|>"): number for token, number in known.languages.items()}
    language = _choose(request, published, config, languages)
    return WhisperPrompt(language, start, languages, known.tasks, known.no_timestamps)


def check_time_stamps(request: LoadRequest, prompt: WhisperPrompt) -> None:
    """Refuses audio to be gone through by time stamps where that cannot be.

    Raises:
        Refused: the model has none, or its language is to be detected.
    """
    if request.variant.long_form != "sequential":
        return
    why = f'variant {request.variant.name}: "long_form": "sequential"'
    if prompt.no_timestamps is None:
        raise Refused(f"{why} needs time stamps, which {request.name} has not; use overlap or vad")
    if prompt.detects:
        raise Refused(f'{why} goes without "language": "detect"; name the language')


@dataclass(frozen=True)
class _Known:
    """Which tokens mean what."""

    languages: Mapping[str, int]
    """``<|de|>`` -> id."""
    tasks: Mapping[str, int]
    no_timestamps: int | None


def _named_by(vocabulary: Mapping[str, int], known: _Known) -> _Known:
    """What is known, filled up by the names of tokens."""
    languages = {token: n for token, n in vocabulary.items() if _LANGUAGE.fullmatch(token)}
    tasks = {
        task: vocabulary[f"<|{task}|>"]
        for task in ("translate", TASK)
        if f"<|{task}|>" in vocabulary
    }
    silent = known.no_timestamps
    return _Known(
        known.languages or languages,
        known.tasks or tasks,
        vocabulary.get("<|notimestamps|>") if silent is None else silent,
    )


def _only_language(request: LoadRequest, config: Any) -> Language | None:
    """The language of a model without language tokens."""
    english = config.vocab_size == ENGLISH_VOCABULARY
    if request.language == DETECT or (english and request.language not in (None, "en")):
        raise lacks(request.name, request.language or DETECT, ["en" if english else "one language"])
    if request.language is not None:
        return Language(request.language, "config")
    return Language("en", "model") if english else None


def _choose(
    request: LoadRequest,
    published: GenerationConfig,
    config: Any,
    languages: Mapping[str, int],
) -> Language:
    if request.language is not None:
        detects = request.language == DETECT and len(languages) > 1
        if not detects and request.language not in languages:
            raise lacks(request.name, request.language, languages)
        return Language(request.language, "config")
    if len(languages) == 1:
        return Language(next(iter(languages)), "model")
    said = _said(published, config, languages)
    if said is not None:
        if said not in languages:
            raise Refused(
                f'{request.name} says language "{said}" in its generation_config.json, and has no '
                f'token for it: set "language" to one of {", ".join(sorted(languages))}'
            )
        return Language(said, "checkpoint")
    if "en" in languages:
        return Language("en", "default")
    raise Refused(
        f'{request.name} does not say which language it transcribes: set "language" to one of '
        f"{', '.join(sorted(languages))}"
    )


def _said(published: GenerationConfig, config: Any, languages: Mapping[str, int]) -> str | None:
    """The language that a checkpoint names: by its code, its token or its English name."""
    named = getattr(published, "language", None)
    if isinstance(named, str):
        code = named.lower().strip("<|>")
        return str(TO_LANGUAGE_CODE.get(code, code))
    # What stood there before there was a language: pairs of a position and a token.
    forced = getattr(published, "forced_decoder_ids", None)
    forced = forced or getattr(config, "forced_decoder_ids", None) or ()
    codes = {token: code for code, token in languages.items()}
    return next((codes[token] for place, token in forced if place == 1 and token in codes), None)
