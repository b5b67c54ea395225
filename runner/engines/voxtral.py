"""Voxtral through transformers (Liu et al. 2025), pretrained or with random weights.

A Whisper encoder on windows of 30 s, a projection that joins four of its frames, and a Llama whose
prompt names the language. A clip's windows stand one after the other in one prompt, so a clip is
heard in one piece.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from transformers import (
    AutoConfig,
    AutoTokenizer,
    VoxtralForConditionalGeneration,
    WhisperFeatureExtractor,
)

from runner.catalogue.languages import VOXTRAL
from runner.clips.clip import SAMPLE_RATE, Waveform
from runner.config import DETECT
from runner.engines.audio_positions import voxtral_positions, voxtral_window
from runner.engines.audio_prompt import AudioPrompt
from runner.engines.base import LoadRequest
from runner.engines.checkpoint_tokenizer import REMEDY, load_tokenizer
from runner.engines.language import Language, prompted_language
from runner.engines.mel_frames import MEL_HOP
from runner.engines.pretrained import from_pretrained, load_extractor
from runner.engines.speech_llm import SpeechLLMEngine
from runner.errors import Refused

# The publishers' request for a transcription, as mistral-common writes it.
_BEFORE = ("<s>", "[INST]", "[BEGIN_AUDIO]")
_AUDIO = "[AUDIO]"
_AFTER = "[/INST]"
_ASKED = "[TRANSCRIBE]"
_PADDING = "<pad>"

_IDS = {"<s>": 1, "[INST]": 3, "[/INST]": 4, "<pad>": 11, "[BEGIN_AUDIO]": 25, "[TRANSCRIBE]": 34}
"""Ids of the published tokenizer, but for the audio's, which the configuration has."""
_IN_ENGLISH = (9909, 1058, 1262)
"""``lang:en``; the other languages have as many tokens."""


class VoxtralEngine(SpeechLLMEngine):
    """One Voxtral model."""

    family = "voxtral"
    model_class = VoxtralForConditionalGeneration
    positions_a_second = 12.5

    def __init__(self, request: LoadRequest, techniques: Any = ()) -> None:
        if (request.variant.beams or 1) > 1 and request.variant.cache == "off":
            raise Refused(
                f'{request.name} follows several hypotheses only with a cache: leave out "beams", '
                'or "cache": "off"'
            )
        super().__init__(request, techniques)

    def language_of(self, request: LoadRequest) -> Language:
        """The one that is asked for; English where none is."""
        return prompted_language(request.name, request.language, VOXTRAL)

    def load(self, request: LoadRequest) -> None:
        """See :meth:`~runner.engines.seq2seq.Seq2SeqEngine.load`."""
        config = from_pretrained(AutoConfig, request)
        # transformers reads the published tekken.json by itself; with mistral-common installed it
        # would hand it to that, which knows no token that lies outside its requests.
        self.tokenizer = load_tokenizer(AutoTokenizer, request, mistral_format=False)
        self.extractor = load_extractor(WhisperFeatureExtractor, request)
        self.audio_prompt = self._own_prompt(config)
        self.place(self.load_weights(request, config))

    def _own_prompt(self, config: Any) -> AudioPrompt:
        """The published prompt in the ids of the checkpoint's tokenizer."""
        assert self.language is not None
        known = self.tokenizer.get_vocab()
        for token in (*_BEFORE, _AUDIO, _AFTER, _ASKED, _PADDING):
            if token not in known:
                raise Refused(f"{self.request.name}: its tokenizer has no {token}: {REMEDY}")
        if known[_AUDIO] != config.audio_token_id:
            raise Refused(
                f"{self.request.name}: its {_AUDIO} is token {known[_AUDIO]}, the model's is "
                f"{config.audio_token_id}: {REMEDY}"
            )
        code = self.language.code
        told = "" if code == DETECT else f"lang:{code}"
        named = self.tokenizer(told, add_special_tokens=False).input_ids if told else ()
        return AudioPrompt(
            before=tuple(known[token] for token in _BEFORE),
            after=(known[_AFTER], *named, known[_ASKED]),
            audio=known[_AUDIO],
            padding=known[_PADDING],
        )

    def published_prompt(self, config: Any) -> AudioPrompt:
        """See :meth:`~runner.engines.speech_llm.SpeechLLMEngine.published_prompt`."""
        told = self.language is not None and self.language.code != DETECT
        return AudioPrompt(
            before=tuple(_IDS[token] for token in _BEFORE),
            after=(_IDS[_AFTER], *(_IN_ENGLISH if told else ()), _IDS[_ASKED]),
            audio=config.audio_token_id,
            padding=_IDS[_PADDING],
        )

    @property
    def last_of_encoder(self) -> Any:
        """The projection into the width of the language model."""
        return self.model.model.multi_modal_projector

    def positions(self, samples: int) -> int:
        """See :meth:`~runner.engines.speech_llm.SpeechLLMEngine.positions`."""
        return voxtral_positions(self.model.config, samples)

    def features(self, windows: list[Waveform]) -> torch.Tensor:
        """Log-mel features on the host, ``(windows of all clips, mels, frames)``."""
        return torch.cat([self._features(wave) for wave in windows])

    def _features(self, wave: Waveform) -> torch.Tensor:
        """Those of one clip, which are scaled by its loudest moment."""
        size = voxtral_window(self.model.config)
        mels = self.extractor(
            wave if len(wave) else np.zeros(1, np.float32),
            sampling_rate=SAMPLE_RATE,
            padding=True,
            truncation=False,
            pad_to_multiple_of=size,
            return_tensors="pt",
        ).input_features[0]
        cut: torch.Tensor = mels.unflatten(1, (-1, size // MEL_HOP)).transpose(0, 1)
        return cut

    def feature_masks(self, windows: list[Waveform]) -> dict[str, torch.Tensor]:
        """None: a window is always full."""
        return {}

    def input_samples(self, features: torch.Tensor) -> int:
        """Samples that features, ``(windows, mels, frames)``, stand for."""
        samples: int = MEL_HOP * features.shape[0] * features.shape[2]
        return samples

    def answer(self, features: torch.Tensor, masks: dict[str, torch.Tensor]) -> torch.Tensor:
        """See :meth:`~runner.engines.speech_llm.SpeechLLMEngine.answer`.

        With several hypotheses generate() repeats each window of a clip by itself, and those of a
        longer clip would come to stand in the wrong order: the audio is embedded beforehand.
        """
        if (self.model.generation_config.num_beams or 1) == 1:
            return super().answer(features, masks)
        answer: torch.Tensor = self.model.generate(
            inputs_embeds=self.embed(features, masks), attention_mask=masks["attention_mask"]
        )
        return answer

    def hear(self, features: torch.Tensor, masks: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """See :meth:`~runner.engines.speech_llm.SpeechLLMEngine.hear`."""
        embeddings: torch.Tensor = self.model.get_audio_features(features).pooler_output
        return embeddings
