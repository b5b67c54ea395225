"""CTC models through transformers: wav2vec 2.0, HuBERT, Conformer, Parakeet (FastConformer).

Greedy decoding: the best id of each frame, repeats merged, blanks dropped, on the host. The whole
clip goes through the encoder in one piece, whatever its length.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import (
    AutoFeatureExtractor,
    AutoModelForCTC,
    AutoTokenizer,
    Wav2Vec2CTCTokenizer,
)

from runner.clips.clip import Waveform
from runner.engines.architectures import feature_extractor, published_config
from runner.engines.base import LoadRequest, Mark, Transcription, no_mark
from runner.engines.chunks import Chunks
from runner.engines.torch_engine import TorchEngine, from_pretrained, load_model, padded_features
from runner.engines.vocabulary import character_tokenizer, piece_tokenizer
from store.records import FlopsReading


class CTCEngine(TorchEngine):
    """One CTC model."""

    family = "ctc"
    _input_samples: int = 0
    """Of the last batch."""

    def __init__(self, request: LoadRequest) -> None:
        super().__init__(request)
        if request.weights == "random":
            config = published_config(request.name)
            torch.manual_seed(request.seed)
            model = AutoModelForCTC.from_config(config)
            self.extractor = feature_extractor(request.name)
            self.tokenizer = _tokenizer(config)
        else:
            model = load_model(AutoModelForCTC, request)
            self.extractor = from_pretrained(AutoFeatureExtractor, request)
            self.tokenizer = from_pretrained(AutoTokenizer, request)
        self.place(model)

    def transcribe(self, batch: Sequence[Waveform], mark: Mark = no_mark) -> Transcription:
        """See :class:`~runner.engines.base.Engine`."""
        if self.chunks is not None:
            return self._stream(batch, self.chunks, mark)
        frames = self._frames(batch, mark)
        lengths = self._frames_of([len(wave) for wave in batch], frames.shape[1])
        texts = self.tokenizer.batch_decode(
            [row[:length] for row, length in zip(frames, lengths, strict=True)]
        )
        mark("text")
        return Transcription(
            texts=tuple(texts), windows=len(batch), input_samples=self._input_samples
        )

    def _frames_of(self, samples: Sequence[int], longest: int) -> list[int]:
        """Frames that belong to each clip: what a model says of the padding is no text."""
        if len(set(samples)) == 1:
            return [longest] * len(samples)
        model = self.model
        if model.config.model_type == "parakeet_ctc":
            mel = torch.tensor(samples) // self.extractor.hop_length
            found = model._get_subsampling_output_length(mel)
        else:
            found = model._get_feat_extract_output_lengths(torch.tensor(samples))
        return [min(int(length), longest) for length in found]

    def _stream(self, batch: Sequence[Waveform], chunks: Chunks, mark: Mark) -> Transcription:
        """Hears chunk by chunk; repeats and blanks are dropped over the seams, as offline."""
        heard = np.empty((len(batch), 0), dtype=np.int64)
        texts: list[str] = []
        for windows in chunks.windows(batch):
            frames = chunks.kept(self._frames(windows, mark))
            heard = np.concatenate([heard, frames], axis=1)
            texts = self.tokenizer.batch_decode(heard)
            mark("text")
            self.after_chunk(texts)
        return Transcription(texts=tuple(texts), windows=len(batch) * chunks.count(len(batch[0])))

    def _frames(self, batch: Sequence[Waveform], mark: Mark) -> NDArray[np.int64]:
        """The best id of every frame, ``(clips, frames)``."""
        inputs = padded_features(self.extractor, batch)
        mark("features")
        features = next(value for value in inputs.values() if value.is_floating_point())
        # Mel features have frames; a waveform's frame is a sample.
        each = 1 if features.ndim == 2 else self.extractor.hop_length
        self._input_samples = features.shape[0] * features.shape[1] * each
        inputs = {
            name: value.to(self.device, self.dtype if value.is_floating_point() else value.dtype)
            for name, value in inputs.items()
        }
        mark("transfer")
        with self.inference():
            ids = self.model(**inputs).logits.argmax(dim=-1)
        frames: NDArray[np.int64] = np.asarray(ids.cpu())
        mark("encode")
        return frames

    def flops(
        self,
        *,
        samples: int,
        batch: int,
        decoder_calls: float | None,
    ) -> tuple[FlopsReading, ...]:
        """Counts the encoder and its CTC head for one batch on the meta device."""
        from runner.measure.flops import count_flops

        if self.chunks is not None:
            # Every chunk is a clip of its own to the model, context and all.
            count = self.chunks.count(samples)
            samples = self.chunks.left + self.chunks.size + self.chunks.right
            return count_flops(self.model.config, samples=samples, batch=batch * count)
        return count_flops(self.model.config, samples=samples, batch=batch)


def _tokenizer(config: Any) -> Wav2Vec2CTCTokenizer | Any:
    if config.model_type == "parakeet_ctc":
        blank = config.pad_token_id
        return piece_tokenizer(config.vocab_size, special=blank, blank=blank)
    return character_tokenizer()
