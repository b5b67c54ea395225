"""Nemotron Speech Streaming through transformers (Noroozi et al. 2023): an RNN-T that can stream.

Its encoder sees 70 frames back and a few ahead, and its convolutions see none ahead. So it can hear
speech chunk by chunk, keep what it has computed, and come to the text of the whole clip, but for
what it is allowed to see ahead: the frames of its chunk. Without ``chunk_seconds`` a clip is heard
as a whole, with as many frames ahead as the checkpoint says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from transformers.models.nemotron_asr_streaming.generation_nemotron_asr_streaming import (
    NemotronAsrStreamingRNNTDecoderCache,
)

from runner.clips.clip import SAMPLE_RATE, Waveform
from runner.engines.base import Mark, Transcription, Unmeasurable, Workload, no_mark
from runner.engines.transducer import FRAME_SECONDS, TransducerEngine
from runner.errors import Refused

AHEAD = (0, 1, 6, 13)
"""Frames ahead that the publishers trained it with, chunks of 0.08, 0.16, 0.56 and 1.12 s."""


class NemotronEngine(TransducerEngine):
    """One Nemotron."""

    family = "nemotron"
    capabilities = frozenset({"torch", "chunks"})

    def place(self, model: Any) -> None:
        """See :meth:`~runner.engines.torch_engine.TorchEngine.place`.

        Raises:
            Refused: the model was not trained with chunks of that length.
        """
        super().place(model)
        if self.chunks is None:
            return
        if self.chunks.size / (FRAME_SECONDS * SAMPLE_RATE) - 1 not in AHEAD:
            *known, last = (f"{(ahead + 1) * FRAME_SECONDS:.2f}" for ahead in AHEAD)
            raise Refused(
                f"variant {self.request.variant.name}: a nemotron was trained with chunks of "
                f'{", ".join(known)} and {last} s: correct "chunk_seconds"'
            )

    @property
    def encoder(self) -> Any:
        """See :attr:`~runner.engines.torch_engine.TorchEngine.encoder`."""
        return self.model.encoder

    def _ahead(self) -> dict[str, int]:
        """How many frames the encoder sees ahead of a chunk's first."""
        return {"num_lookahead_tokens": self._frames_ahead}

    @property
    def _frames_ahead(self) -> int:
        if self.chunks is not None:
            return round(self.chunks.size / (FRAME_SECONDS * SAMPLE_RATE)) - 1
        ahead: int = self.model.config.encoder_config.default_num_lookahead_tokens
        return ahead

    def transcribe(self, batch: Sequence[Waveform], mark: Mark = no_mark) -> Transcription:
        """See :class:`~runner.engines.base.Engine`."""
        if self.chunks is None:
            return super().transcribe(batch, mark)
        if self.pace is not None:
            self.pace.steps = 0
        hop = self.extractor.hop_length
        waves = [_lengthened(wave, self.extractor) for wave in batch]
        mel = torch.tensor([len(wave) // hop for wave in batch])
        stream = _Stream(self.model, len(batch))
        frames, each = int(self._frames([max(map(len, batch))]).max()), self._frames_ahead + 1
        windows = 0
        texts: list[str] = []
        for first in range(0, frames, each):
            span = range(_mel_frames(first), _mel_frames(min(first + each, frames)))
            features = self._features(waves, span)
            features[torch.tensor(span) >= mel[:, None]] = 0  # As the front end ends a clip.
            mark("features")
            features = features.to(self.device, self.dtype)
            mark("transfer")
            with self.inference():
                heard = stream.hear(features, self._frames_ahead)
                mark("encode")
                stream.say(heard)
            mark("decode")
            texts = [
                self.tokenizer.decode(row, skip_special_tokens=True, group_tokens=False).strip()
                for row in stream.spoken
            ]
            mark("text")
            windows += len(batch)
            self.after_chunk(texts)
        return Transcription(
            texts=tuple(texts),
            tokens=sum(map(len, stream.spoken)),
            windows=windows,
            decoder_calls=stream.steps,
        )

    def _features(self, waves: Sequence[Waveform], span: range) -> torch.Tensor:
        """Log-mel features of some frames, ``(clips, frames, mels)``, on the host.

        Args:
            waves: Clips, lengthened at both ends.
            span: The frames.
        """
        hop, window = self.extractor.hop_length, self.extractor.n_fft
        start, end = span.start * hop, (span.stop - 1) * hop + window
        heard = [np.pad(wave[start:end], (0, max(0, end - len(wave)))) for wave in waves]
        features: torch.Tensor = self.extractor(
            heard, sampling_rate=SAMPLE_RATE, return_tensors="pt", center=False
        ).input_features
        return features

    def chunk_count(self, samples: int) -> int:
        """See :meth:`~runner.engines.torch_engine.TorchEngine.chunk_count`."""
        return -(-int(self._frames([samples])) // (self._frames_ahead + 1))

    def workload(self, *, samples: int, batch: int, decoder_calls: float | None) -> Workload:
        """See :meth:`~runner.engines.base.Engine.workload`."""
        if self.chunks is not None:
            raise Unmeasurable("what a chunk computes beside what is kept is not counted")
        return super().workload(samples=samples, batch=batch, decoder_calls=decoder_calls)


@dataclass
class _Stream:
    """Clips that are heard in step, and what is kept of them between two chunks."""

    model: Any
    clips: int
    spoken: list[list[int]] = field(init=False)
    """Each clip's tokens so far."""
    steps: int = 0
    """Of the decoder, so far."""

    def __post_init__(self) -> None:
        self.spoken = [[] for _ in range(self.clips)]
        self._kept: dict[str, Any] = {}
        self._decoder = NemotronAsrStreamingRNNTDecoderCache(self.model.config)
        blank = self.model.config.blank_token_id
        self._last = torch.full((self.clips, 1), blank, device=self.model.device)

    def hear(self, features: torch.Tensor, ahead: int) -> torch.Tensor:
        """The encoder's frames of a chunk, ``(clips, frames, width)``.

        Args:
            features: Of the chunk, ``(clips, mel frames, mels)``.
            ahead: Frames that the encoder sees ahead.
        """
        output = self.model.get_audio_features(
            input_features=features,
            num_lookahead_tokens=ahead,
            use_cache=True,
            output_attention_mask=False,
            **self._kept,
        )
        self._kept = {
            "past_key_values": output.past_key_values,
            "padding_cache": output.padding_cache,
        }
        frames: torch.Tensor = output.pooler_output
        return frames

    def say(self, frames: torch.Tensor) -> None:
        """Decodes greedily, as ``generate()`` of one clip does, all clips frame by frame.

        That of several clips would have the quicker ones skip frames: it goes on with them while
        it waits for the others' chunk.

        Args:
            frames: ``(clips, frames, width)``.
        """
        blank, most = self.model.config.blank_token_id, self.model.max_symbols_per_step
        for frame in frames.split(1, dim=1):
            going = torch.ones(self.clips, dtype=torch.bool, device=frames.device)
            for _ in range(most):
                said = self.model.joint(
                    encoder_hidden_states=frame,
                    decoder_hidden_states=self.model.decoder(self._last, cache=self._decoder),
                )
                self.steps += 1
                tokens = said[:, 0].argmax(dim=-1)
                # A clip that is done with its frame waits: a blank leaves its state as it is.
                self._last = torch.where(going, tokens, blank)[:, None]
                going &= tokens != blank
                for clip, token in enumerate(self._last[:, 0].tolist()):
                    if token != blank:
                        self.spoken[clip].append(token)
                if not going.any():
                    break


def _mel_frames(frames: int) -> int:
    """Mel frames that so many encoder frames are made of: the first of one, the others of eight."""
    return max(0, 8 * (frames - 1) + 1)


def _lengthened(wave: Waveform, extractor: Any) -> Waveform:
    """A clip with silence before and after it, as the whole clip's transform has it.

    What is after it is made silence by the front end's pre-emphasis, which looks one sample back.

    Args:
        wave: The clip.
        extractor: Its feature extractor.
    """
    half = extractor.n_fft // 2
    last = wave[-1] if len(wave) else np.float32(0)
    tail = last * np.float32(extractor.preemphasis or 0) ** np.arange(1, half + 1, dtype=np.float32)
    return np.concatenate([np.zeros(half, np.float32), wave, tail]).astype(np.float32)
