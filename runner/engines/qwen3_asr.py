"""Qwen3-ASR through transformers (Shi et al. 2026), pretrained or with random weights.

An encoder on log-mel features, one second to a chunk and eight seconds to an attention window, and
a Qwen3 language model whose prompt names the language. Clips are heard in one piece.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from transformers import (
    AutoConfig,
    AutoTokenizer,
    Qwen3ASRFeatureExtractor,
    Qwen3ASRForConditionalGeneration,
    Qwen3ASRProcessor,
)
from transformers.models.qwen3_asr.processing_qwen3_asr import LANGUAGE_CODE_TO_NAME

from runner.clips.clip import SAMPLE_RATE, Waveform
from runner.config import DETECT
from runner.engines.audio_positions import qwen3_asr_frames, qwen3_asr_positions
from runner.engines.audio_prompt import AudioPrompt
from runner.engines.base import LoadRequest
from runner.engines.checkpoint_tokenizer import load_tokenizer
from runner.engines.language import Language, prompted_language
from runner.engines.mel_frames import MEL_HOP
from runner.engines.pretrained import from_pretrained, load_extractor
from runner.engines.speech_llm import SpeechLLMEngine
from runner.errors import Refused

# The published prompt, in the ids of the Qwen tokenizer: a system turn without words, a user's turn
# that is the audio, and the beginning of the answer.
_BEFORE = (151644, 8948, 198, 151645, 198, 151644, 872, 198, 151669)
_AFTER = (151670, 151645, 198, 151644, 77091, 198)
_IN_ENGLISH = (11528, 6364, 151704)
"""``language English<asr_text>``: with it the answer is the text alone."""


class Qwen3ASREngine(SpeechLLMEngine):
    """One Qwen3-ASR model."""

    family = "qwen3-asr"
    model_class = Qwen3ASRForConditionalGeneration
    positions_a_second = 13.0
    processor: Any = None
    """The checkpoint's own way with its prompt and its answer; None with random weights."""

    def language_of(self, request: LoadRequest) -> Language:
        """The one that is asked for; English where none is."""
        return prompted_language(request.name, request.language, LANGUAGE_CODE_TO_NAME)

    def load(self, request: LoadRequest) -> None:
        """See :meth:`~runner.engines.seq2seq.Seq2SeqEngine.load`."""
        config = from_pretrained(AutoConfig, request)
        if hasattr(config, "thinker_config"):
            raise Refused(
                f"{request.name} is in the layout of the package qwen-asr, which transformers "
                f'does not read: use the converted "{request.name.rstrip("/")}-hf"'
            )
        self.tokenizer = load_tokenizer(AutoTokenizer, request)
        self.extractor = load_extractor(Qwen3ASRFeatureExtractor, request)
        self.processor = from_pretrained(Qwen3ASRProcessor, request)
        self.audio_prompt = self._own_prompt(config)
        self.place(self.load_weights(request, config))

    def _own_prompt(self, config: Any) -> AudioPrompt:
        """The prompt that the checkpoint's chat template makes, with the language in it."""
        assert self.language is not None
        code = self.language.code
        (text,) = self.processor.apply_transcription_request(
            audio=[np.zeros(SAMPLE_RATE, np.float32)],
            language=None if code == DETECT else LANGUAGE_CODE_TO_NAME[code],
            tokenize=False,
        )
        ids: list[int] = self.tokenizer(text, add_special_tokens=False).input_ids
        if ids.count(config.audio_token_id) != 1:
            raise Refused(
                f"{self.request.name}: its chat template leaves no place for one audio, by the "
                f"token {config.audio_token_id}: copy chat_template.jinja of the published model"
            )
        place = ids.index(config.audio_token_id)
        return AudioPrompt(
            before=tuple(ids[:place]),
            after=tuple(ids[place + 1 :]),
            audio=config.audio_token_id,
            padding=config.pad_token_id,
        )

    def published_prompt(self, config: Any) -> AudioPrompt:
        """See :meth:`~runner.engines.speech_llm.SpeechLLMEngine.published_prompt`."""
        told = self.language is not None and self.language.code != DETECT
        return AudioPrompt(
            before=_BEFORE,
            after=_AFTER + (_IN_ENGLISH if told else ()),
            audio=config.audio_token_id,
            padding=config.pad_token_id,
        )

    @property
    def last_of_encoder(self) -> Any:
        """The projection into the width of the language model."""
        return self.model.model.multi_modal_projector

    def texts_of(self, generated: torch.Tensor) -> list[str]:
        """What is said, without the language that the model may name before it."""
        texts = super().texts_of(generated)
        if self.processor is not None:
            texts = self.processor.extract_transcription(texts)
        return texts

    def positions(self, samples: int) -> int:
        """See :meth:`~runner.engines.speech_llm.SpeechLLMEngine.positions`."""
        return qwen3_asr_positions(samples)

    def features(self, windows: list[Waveform]) -> torch.Tensor:
        """Log-mel features on the host, ``(clips, mels, frames)``, frames in whole seconds."""
        features: torch.Tensor = self.extractor(
            windows, sampling_rate=SAMPLE_RATE, padding="longest", return_tensors="pt"
        ).input_features
        return features

    def feature_masks(self, windows: list[Waveform]) -> dict[str, torch.Tensor]:
        """1 for the frames of a clip and 0 for padding, ``(clips, frames)``."""
        frames = torch.tensor([qwen3_asr_frames(len(wave)) for wave in windows])
        longest = -(-int(frames.max()) // 100) * 100
        return {"input_features_mask": (torch.arange(longest) < frames[:, None]).long()}

    def input_samples(self, features: torch.Tensor) -> int:
        """Samples that features, ``(clips, mels, frames)``, stand for."""
        samples: int = MEL_HOP * features.shape[0] * features.shape[2]
        return samples

    def hear(self, features: torch.Tensor, masks: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """See :meth:`~runner.engines.speech_llm.SpeechLLMEngine.hear`."""
        heard = self.model.get_audio_features(features, masks["input_features_mask"])
        embeddings: torch.Tensor = heard.pooler_output
        return embeddings
