"""Granite speech through transformers (Saon et al. 2025), pretrained or with random weights.

A Conformer with attention within blocks of four seconds, a Q-Former that makes three positions of
fifteen frames, and a Granite language model with a LoRA adapter, which is merged into it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from transformers import AutoConfig, AutoTokenizer, GraniteSpeechForConditionalGeneration

from runner.clips.clip import Waveform
from runner.engines.adapter import merge_adapter
from runner.engines.audio_positions import granite_speech_positions
from runner.engines.audio_prompt import AudioPrompt
from runner.engines.base import LoadRequest
from runner.engines.checkpoint_tokenizer import load_tokenizer
from runner.engines.granite_features import GraniteFeatures
from runner.engines.mel_frames import MEL_HOP
from runner.engines.pretrained import from_pretrained, load_extractor
from runner.engines.speech_llm import SpeechLLMEngine
from runner.errors import Refused

_SYSTEM = (
    "Knowledge Cutoff Date: April 2024.\nToday's Date: April 9, 2025.\n"
    "You are Granite, developed by IBM. You are a helpful AI assistant"
)
"""As the model card has it; the template alone would write the day of the run."""
_AUDIO = "<|audio|>"
_ASKED = f"{_AUDIO}can you transcribe the speech into a written format?"

_START, _END, _STOP, _LINE = 49152, 49153, 0, 203
# The same in the ids of the published tokenizer.
_BEFORE = (
    *(_START, 2946, _END),
    *(39558, 390, 17071, 2821, 44, 30468, 225, 36, 34, 36, 38, 32, 203),
    *(23669, 1182, 2821, 44, 30468, 225, 43, 30, 225, 36, 34, 36, 39, 32, 203),
    *(4282, 884, 8080, 278, 659, 30, 18909, 810, 25697, 32),
    *(2448, 884, 312, 17247, 19551, 47330),
    *(_STOP, _LINE, _START, 496, _END),
)
_AFTER = (
    *(3374, 844, 17724, 2824, 322, 24903, 1991, 312, 6638, 2179, 49),
    *(_STOP, _LINE, _START, 17594, _END),
)


class GraniteSpeechEngine(SpeechLLMEngine):
    """One Granite speech model."""

    family = "granite-speech"
    # Of attention: transformers gives the Conformer one way of its own, whatever is asked for.
    capabilities = SpeechLLMEngine.capabilities - {"attention"}
    model_class = GraniteSpeechForConditionalGeneration
    positions_a_second = 10.0

    def load(self, request: LoadRequest) -> None:
        """See :meth:`~runner.engines.seq2seq.Seq2SeqEngine.load`."""
        config = from_pretrained(AutoConfig, request)
        self.tokenizer = load_tokenizer(AutoTokenizer, request)
        self.extractor = load_extractor(GraniteFeatures, request)
        self.audio_prompt = self._own_prompt(config)
        model = self.load_weights(request, config)
        if config.has_lora_adapter and not request.shapes_only:
            merge_adapter(model, request)
        self.place(model)

    def _own_prompt(self, config: Any) -> AudioPrompt:
        """The prompt that the checkpoint's chat template makes of the published request."""
        if self.tokenizer.chat_template is None:
            raise Refused(
                f"{self.request.name} has no chat template: copy chat_template.jinja of the "
                "published model"
            )
        chat = [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": _ASKED}]
        text = self.tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
        ids: list[int] = self.tokenizer(text).input_ids
        if ids.count(config.audio_token_id) != 1:
            raise Refused(
                f"{self.request.name}: its chat template leaves no place for one audio, by the "
                f"token {config.audio_token_id}: copy chat_template.jinja and the tokenizer of "
                "the published model"
            )
        place = ids.index(config.audio_token_id)
        return AudioPrompt(
            before=tuple(ids[:place]),
            after=tuple(ids[place + 1 :]),
            audio=config.audio_token_id,
            padding=self.tokenizer.pad_token_id or 0,
        )

    def published_prompt(self, config: Any) -> AudioPrompt:
        """See :meth:`~runner.engines.speech_llm.SpeechLLMEngine.published_prompt`."""
        return AudioPrompt(_BEFORE, _AFTER, audio=config.audio_token_id, padding=_STOP)

    @property
    def encoder(self) -> Any:
        """See :attr:`~runner.engines.torch_engine.TorchEngine.encoder`."""
        return self.model.model.encoder

    @property
    def last_of_encoder(self) -> Any:
        """The projection into positions of the language model."""
        return self.model.model.projector

    def positions(self, samples: int) -> int:
        """See :meth:`~runner.engines.speech_llm.SpeechLLMEngine.positions`."""
        return granite_speech_positions(self.model.config, samples)

    def features(self, windows: list[Waveform]) -> torch.Tensor:
        """Log-mel features on the host, ``(clips, pairs of frames, 2 x bands)``."""
        features: torch.Tensor = self.extractor(windows)
        return features

    def feature_masks(self, windows: list[Waveform]) -> dict[str, torch.Tensor]:
        """True for the positions of a clip, False for those of padding, ``(clips, positions)``."""
        counts = torch.tensor([self.positions(len(wave)) for wave in windows])
        return {"input_features_mask": torch.arange(int(counts.max())) < counts[:, None]}

    def input_samples(self, features: torch.Tensor) -> int:
        """Samples that features, ``(clips, pairs of frames, 2 x bands)``, stand for."""
        samples: int = 2 * MEL_HOP * features.shape[0] * features.shape[1]
        return samples

    def hear(self, features: torch.Tensor, masks: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """See :meth:`~runner.engines.speech_llm.SpeechLLMEngine.hear`."""
        heard: torch.Tensor = self.model.get_audio_features(features).pooler_output
        return heard[masks["input_features_mask"]]
