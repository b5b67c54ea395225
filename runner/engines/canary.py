"""Canary through transformers (Sekoyan et al. 2025), pretrained or with random weights.

A FastConformer and a Transformer decoder, whose prompt names the language of the speech, that of
the text, and how it is written. A clip is encoded in one piece of its own length.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from transformers import (
    AutoFeatureExtractor,
    AutoTokenizer,
    CanaryForConditionalGeneration,
    CanaryProcessor,
)
from transformers.models.canary.processing_canary import LANGUAGE_CODE_TO_NAME

from runner.clips.clip import SAMPLE_RATE, Waveform
from runner.config import DETECT
from runner.engines.architectures import feature_extractor, published_config
from runner.engines.base import LoadRequest
from runner.engines.checkpoint_tokenizer import load_tokenizer
from runner.engines.language import Language, prompted_language
from runner.engines.pretrained import from_pretrained, load_extractor, load_model, no_memory
from runner.engines.search_settings import plain_search, set_aside
from runner.engines.seq2seq import Seq2SeqEngine
from runner.engines.torch_engine import padded_features
from runner.engines.vocabulary import piece_tokenizer
from runner.errors import Refused

_PROMPT = 9
"""Tokens of the published prompt: context, start, emotion, the two languages, punctuation, figures
as words, no time stamps, no speakers."""


_LEAST = 2
"""Mel frames that a clip is padded to: the front end divides by one less than there are."""


class CanaryEngine(Seq2SeqEngine):
    """One Canary model."""

    family = "canary"
    capabilities = frozenset(
        {"torch", "linear", "attention", "encoder", "generate", "kv_cache", "chunks"}
    )

    def language_of(self, request: LoadRequest) -> Language:
        """The one that is asked for; English where none is."""
        if request.language == DETECT:
            raise Refused(f'{request.name} detects no language: leave out "language": "detect"')
        return prompted_language(request.name, request.language, LANGUAGE_CODE_TO_NAME)

    def load(self, request: LoadRequest) -> None:
        """See :meth:`~runner.engines.seq2seq.Seq2SeqEngine.load`."""
        self.tokenizer = load_tokenizer(AutoTokenizer, request)
        self.extractor = load_extractor(AutoFeatureExtractor, request)
        self.prompt_ids = self._own_prompt(from_pretrained(CanaryProcessor, request))
        model = load_model(CanaryForConditionalGeneration, request)
        published = model.generation_config
        self.remarks = tuple(filter(None, [set_aside(published, request.variant.beams)]))
        model.generation_config = plain_search(published)
        self.place(model)

    def _own_prompt(self, processor: Any) -> tuple[int, ...]:
        """The prompt that the checkpoint's chat template makes of a request to transcribe."""
        if processor.chat_template is None:
            raise Refused(
                f"{self.request.name} has no chat template: copy chat_template.jinja of the "
                "published model"
            )
        assert self.language is not None
        asked = processor.apply_transcription_request(
            audio=[np.zeros(SAMPLE_RATE, np.float32)], source_language=self.language.code
        )
        return tuple(asked["decoder_input_ids"][0].tolist())

    def make_random(self, request: LoadRequest) -> None:
        """See :meth:`~runner.engines.seq2seq.Seq2SeqEngine.make_random`."""
        config: Any = published_config(request.name)
        torch.manual_seed(request.seed)
        with no_memory(request):
            model = CanaryForConditionalGeneration(config)
        self.extractor = feature_extractor(request.name)
        self.tokenizer = piece_tokenizer(config.vocab_size, special=config.vocab_size)
        # To random weights one token is as good as another.
        self.prompt_ids = (config.decoder_start_token_id,) * _PROMPT
        self.place(model)

    def settle(self) -> None:
        """See :meth:`~runner.engines.seq2seq.Seq2SeqEngine.settle`."""
        start = self.model.generation_config.decoder_start_token_id
        if self.prompt_ids[0] != start:
            self.prompt_ids = (start, *self.prompt_ids)  # As generate() has it.
        self.prompt = len(self.prompt_ids)
        self.longest = self.model.config.decoder_config.max_position_embeddings - self.prompt

    def features(self, windows: list[Waveform]) -> torch.Tensor:
        """Log-mel features on the host, ``(clips, frames, mels)``."""
        least = _LEAST * self.extractor.hop_length
        heard = [np.pad(wave, (0, max(0, least - len(wave)))) for wave in windows]
        features: torch.Tensor = padded_features(self.extractor, heard).input_features
        return features

    def masks(self, windows: list[Waveform]) -> dict[str, torch.Tensor]:
        """1 for the frames of a clip, ``(clips, frames)``, on the device.

        Clips of one length have it too: the last frame of a centred transform is none of theirs.
        """
        hop = self.extractor.hop_length
        frames = torch.tensor([max(_LEAST, len(wave) // hop) for wave in windows])
        mask = torch.arange(int(frames.max()) + 1) < frames[:, None]
        return {"attention_mask": mask.to(self.device)}

    def input_samples(self, features: torch.Tensor) -> int:
        """Samples that features, ``(clips, frames, mels)``, stand for, padding included."""
        samples: int = features.shape[0] * features.shape[1] * self.extractor.hop_length
        return samples

    def most_tokens(self, seconds: float) -> int:
        """As many as the decoder has positions for."""
        return self.longest
