"""Transducers through transformers: Parakeet RNN-T and TDT (Xu et al. 2023), greedy.

The decoder is small: a prediction network over the tokens so far and a joint network, run once a
step. An RNN-T takes one step for each encoder frame and one for each token; a TDT predicts with
each token how many frames to skip.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from transformers import (
    AutoFeatureExtractor,
    AutoTokenizer,
    NemotronAsrStreamingForRNNT,
    ParakeetForRNNT,
    ParakeetForTDT,
)

from runner.clips.clip import SAMPLE_RATE, Waveform
from runner.engines.architectures import feature_extractor, published_config
from runner.engines.base import LoadRequest, Mark, Technique, Transcription, Workload, no_mark
from runner.engines.checkpoint_tokenizer import load_tokenizer
from runner.engines.pretrained import from_pretrained, load_extractor, load_model, no_memory
from runner.engines.search_settings import plain_search, set_aside
from runner.engines.streamer import StageStreamer
from runner.engines.torch_engine import TorchEngine, padded_features
from runner.engines.vocabulary import piece_tokenizer

FRAME_SECONDS = 0.08
"""Of an encoder frame: mel frames of 10 ms, subsampled eight-fold."""
TOKEN = 1
"""What random weights say."""
FORCED_LOGIT = 2e4
"""Far above whatever random weights give a token, and within what half precision can hold."""


_CLASSES = {
    "parakeet_tdt": ParakeetForTDT,
    "parakeet_rnnt": ParakeetForRNNT,
    "nemotron_asr_streaming": NemotronAsrStreamingForRNNT,
}
"""``model_type`` of a configuration -> the class that it is of."""


class TransducerEngine(TorchEngine):
    """One model with a transducer decoder."""

    family = "transducer"

    def __init__(self, request: LoadRequest, techniques: Sequence[Technique[Any]] = ()) -> None:
        super().__init__(request, techniques)
        self.pace: _Pace | None = None
        if request.made:
            with no_memory(request):
                model = self._make_random(request)
            self.extractor = feature_extractor(request.name)
            blank = model.config.blank_token_id
            self.tokenizer = piece_tokenizer(model.config.vocab_size, special=blank, blank=blank)
        else:
            self.tokenizer = load_tokenizer(AutoTokenizer, request)
            self.extractor = load_extractor(AutoFeatureExtractor, request)
            model = load_model(_class_of(request), request)
        published = model.generation_config
        self.remarks = tuple(filter(None, [set_aside(published)]))
        settings = plain_search(published)
        if settings.decoder_start_token_id is None:
            settings.decoder_start_token_id = model.config.blank_token_id
        model.generation_config = settings
        self.place(model)

    def _make_random(self, request: LoadRequest) -> Any:
        """A model with random weights whose steps are as many as are asked for.

        Left alone, random weights take a number of steps that depends on the seed.
        """
        config: Any = published_config(request.name)
        torch.manual_seed(request.seed)
        if config.model_type != "parakeet_tdt":
            model = _CLASSES[config.model_type](config)
            self.pace = _Pace(config.blank_token_id, request.tokens_per_audio_second)
            model.joint.register_forward_hook(self.pace)
            return model
        model = ParakeetForTDT(config)
        skip = _nearest_duration(config.durations, request.tokens_per_audio_second)
        with torch.no_grad():
            bias = model.joint.head.bias
            bias[TOKEN] += FORCED_LOGIT
            bias[config.vocab_size + skip] += FORCED_LOGIT
        return model

    def transcribe(self, batch: Sequence[Waveform], mark: Mark = no_mark) -> Transcription:
        """See :class:`~runner.engines.base.Engine`."""
        inputs = padded_features(self.extractor, batch)
        mark("features")
        features = inputs["input_features"].to(self.device, self.dtype)
        mask = inputs["attention_mask"].to(self.device)
        mark("transfer")
        frames = math.ceil(max(map(len, batch)) / SAMPLE_RATE / FRAME_SECONDS) + 1
        # It ends with the last frame; this is how much there can be until then.
        self.model.generation_config.max_length = frames * (self.model.max_symbols_per_step + 1)
        if self.pace is not None:
            self.pace.steps = 0
        with self.inference():
            streamer = None if mark is no_mark else StageStreamer(mark)
            said = self.model.generate(
                input_features=features, attention_mask=mask, streamer=streamer, **self._ahead()
            )
        # The first is what decoding starts with.
        steps, skips = said.sequences[:, 1:].cpu(), said.durations[:, 1:].cpu()
        mark("decode")
        spoken = self._spoken(steps, skips, self._frames([len(wave) for wave in batch]))
        # Equal neighbours are two tokens here, unlike in a CTC's output.
        texts = [
            self.tokenizer.decode(row, skip_special_tokens=True, group_tokens=False)
            for row in spoken
        ]
        mark("text")
        return Transcription(
            texts=tuple(text.strip() for text in texts),
            tokens=sum(map(len, spoken)),
            windows=len(batch),
            input_samples=features.shape[0] * features.shape[1] * self.extractor.hop_length,
            decoder_calls=int(steps.shape[1]),
        )

    def _ahead(self) -> dict[str, int]:
        """How far the encoder sees ahead, for ``generate()``; nothing where it sees all."""
        return {}

    def _frames(self, samples: Sequence[int]) -> torch.Tensor:
        """Encoder frames of clips, ``(clips,)``.

        Args:
            samples: Of each.
        """
        mel = torch.tensor(samples) // self.extractor.hop_length
        frames: torch.Tensor = self.model._get_subsampling_output_length(mel)
        return frames

    def _spoken(
        self, steps: torch.Tensor, skips: torch.Tensor, frames: torch.Tensor
    ) -> list[list[int]]:
        """Each row's tokens, without blanks, up to the last frame of its clip.

        A row whose clip has ended goes on as long as another of the batch has not, and generate()
        keeps what it says of the padding: nothing tells it that such a row is done.

        Args:
            steps: Ids of each step, ``(clips, steps)``.
            skips: Frames that each step goes on, ``(clips, steps)``.
            frames: Of each clip, ``(clips,)``.
        """
        blank = self.model.config.blank_token_id
        own = skips.cumsum(dim=1) - skips < frames[:, None]
        return [
            [token for token in row[mine].tolist() if token != blank]
            for row, mine in zip(steps, own, strict=True)
        ]

    def fixed_calls(self, samples: int) -> float | None:
        """See :meth:`~runner.engines.base.Engine.fixed_calls`."""
        if self.request.weights != "random":
            return None
        frames = int(self._frames([samples]))
        if self.pace is not None:
            return self.pace.steps_of(frames)
        durations: list[int] = self.model.config.durations
        skip = _nearest_duration(durations, self.request.tokens_per_audio_second)
        return math.ceil(frames / durations[skip])

    def workload(self, *, samples: int, batch: int, decoder_calls: float | None) -> Workload:
        """See :meth:`~runner.engines.base.Engine.workload`."""
        steps = None if decoder_calls is None else round(decoder_calls)
        return Workload(self.model.config, samples=samples, batch=batch, tokens=steps)


def _class_of(request: LoadRequest) -> Any:
    from transformers import AutoConfig

    model_type = str(from_pretrained(AutoConfig, request).model_type)
    return _CLASSES[model_type]


class _Pace:
    """Has an RNN-T with random weights take a blank for each frame, and tokens evenly among them.

    A hook of the joint network: one row of the batch is as far as the other.
    """

    def __init__(self, blank: int, tokens_per_second: float) -> None:
        self.blank = blank
        self.steps = 0
        """Of the batch in hand."""
        self._tokens_a_step = tokens_per_second / (tokens_per_second + 1 / FRAME_SECONDS)

    def steps_of(self, frames: int) -> int:
        """Steps until so many blanks are said, one for each frame.

        Args:
            frames: Of the encoder.
        """
        steps = frames
        while steps - math.floor(steps * self._tokens_a_step) < frames:
            steps += 1
        return steps

    def __call__(self, module: Any, arguments: Any, logits: torch.Tensor) -> torch.Tensor:
        before, self.steps = self.steps, self.steps + 1
        due = math.floor(self.steps * self._tokens_a_step) - math.floor(
            before * self._tokens_a_step
        )
        chosen = torch.zeros_like(logits)
        chosen[..., TOKEN if due else self.blank] = FORCED_LOGIT
        return logits + chosen


def _nearest_duration(durations: Sequence[int], tokens_per_second: float) -> int:
    """Index of the duration whose tokens a second come nearest to those that are asked for."""

    def distance(index: int) -> float:
        if durations[index] == 0:
            return math.inf  # It would never get on.
        return abs(1 / (durations[index] * FRAME_SECONDS) - tokens_per_second)

    return min(range(len(durations)), key=distance)
