"""CTC models through transformers: wav2vec 2.0 and its relatives, WavLM, w2v-BERT, Parakeet.

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
from runner.engines.base import LoadRequest, Mark, Technique, Transcription, Workload, no_mark
from runner.engines.checkpoint_tokenizer import load_tokenizer
from runner.engines.chunks import Chunks
from runner.engines.mel_frames import MEL_HOP, WAV2VEC2_BERT, w2v_bert_frames
from runner.engines.pretrained import load_extractor, load_model, no_memory
from runner.engines.torch_engine import TorchEngine, padded_features
from runner.engines.vocabulary import character_tokenizer, piece_tokenizer


class CTCEngine(TorchEngine):
    """One CTC model."""

    family = "ctc"
    capabilities = frozenset({"torch", "linear", "attention", "encoder", "chunks"})
    keeps_frames = True
    _input_samples: int = 0
    """Of the last batch."""

    def __init__(self, request: LoadRequest, techniques: Sequence[Technique[Any]] = ()) -> None:
        super().__init__(request, techniques)
        if request.made:
            config = published_config(request.name)
            torch.manual_seed(request.seed)
            with no_memory(request):
                model = AutoModelForCTC.from_config(config)
            self.extractor = feature_extractor(request.name)
            self.tokenizer = _tokenizer(config)
        else:
            self.tokenizer = load_tokenizer(AutoTokenizer, request)
            self.extractor = load_extractor(AutoFeatureExtractor, request)
            model = load_model(AutoModelForCTC, request)
        self.place(model)

    def transcribe(self, batch: Sequence[Waveform], mark: Mark = no_mark) -> Transcription:
        """See :class:`~runner.engines.base.Engine`."""
        if self.chunks is not None:
            return self._stream(batch, self.chunks, mark)
        frames = self._frames(batch, mark)
        samples = [len(wave) for wave in batch]
        lengths = frames_of(self.model, self.extractor, samples, frames.shape[1])
        texts = self.tokenizer.batch_decode(
            [row[:length] for row, length in zip(frames, lengths, strict=True)]
        )
        mark("text")
        return Transcription(
            texts=tuple(texts), windows=len(batch), input_samples=self._input_samples
        )

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
        self._input_samples = input_samples(self.extractor, inputs)
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

    def workload(self, *, samples: int, batch: int, decoder_calls: float | None) -> Workload:
        """See :meth:`~runner.engines.base.Engine.workload`."""
        if self.chunks is not None:
            # Every chunk is a clip of its own to the model, context and all.
            batch *= self.chunks.count(samples)
            samples = self.chunks.left + self.chunks.size + self.chunks.right
        return Workload(self.model.config, samples=samples, batch=batch)


def frames_of(model: Any, extractor: Any, samples: Sequence[int], longest: int) -> list[int]:
    """Frames that belong to each clip: what a model says of the padding is no text.

    A clip alone may have some too: Parakeet's front end adds a masked one at the end.

    Args:
        model: Knows how it shortens its input; its weights do not matter.
        extractor: Its feature extractor.
        samples: Of each clip.
        longest: Frames of the batch.
    """
    if model.config.model_type == "parakeet_ctc":
        mel = torch.tensor(samples) // extractor.hop_length
        found = model._get_subsampling_output_length(mel)
    elif model.config.model_type == WAV2VEC2_BERT:
        pairs = torch.tensor([w2v_bert_frames(count) // 2 for count in samples])
        found = model._get_feat_extract_output_lengths(pairs)
    else:
        found = model._get_feat_extract_output_lengths(torch.tensor(samples))
    return [min(max(0, int(length)), longest) for length in found]


def input_samples(extractor: Any, inputs: Any) -> int:
    """Samples at 16 kHz that the features of a batch stand for, padding included.

    Args:
        extractor: The feature extractor.
        inputs: What it gave.
    """
    features = next(value for value in inputs.values() if value.is_floating_point())
    # Mel features have frames, or pairs of them; a waveform's frame is a sample.
    each = 1
    if features.ndim > 2:
        each = getattr(extractor, "hop_length", MEL_HOP) * getattr(extractor, "stride", 1)
    samples: int = features.shape[0] * features.shape[1] * each
    return samples


def _tokenizer(config: Any) -> Wav2Vec2CTCTokenizer | Any:
    if config.model_type == "parakeet_ctc":
        blank = config.pad_token_id
        return piece_tokenizer(config.vocab_size, special=blank, blank=blank)
    return character_tokenizer()
