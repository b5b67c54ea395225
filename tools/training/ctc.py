"""The two CTC models: a small FastConformer (Parakeet) and a small Wav2Vec2."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import (
    ParakeetCTCConfig,
    ParakeetEncoderConfig,
    ParakeetFeatureExtractor,
    ParakeetForCTC,
    ParakeetProcessor,
    Wav2Vec2Config,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForCTC,
    Wav2Vec2Processor,
)

from tools.training.data import Batch
from tools.training.espeak import SAMPLE_RATE
from tools.training.tokens import parakeet_tokenizer, wav2vec2_tokenizer
from tools.training.trainee import (
    Trainee,
    ctc_loss,
    mask_spectrogram,
    save_half,
    save_processor,
    spread_weights,
)


class Parakeet(Trainee):
    """ParakeetForCTC: 80 mel bands at 100 Hz, subsampled to 25 Hz, 4 blocks of width 128.

    Published Parakeets subsample to 12.5 Hz and say whole words with one piece. Short pieces are
    learnt several times faster, and need the higher rate.
    """

    name = "small-parakeet-ctc"

    def __init__(self, device: torch.device, seed: int) -> None:
        super().__init__(device)
        tokenizer = parakeet_tokenizer()
        self._features = ParakeetFeatureExtractor()
        self._processor = ParakeetProcessor(self._features, tokenizer, decoder_type="ctc")
        encoder = ParakeetEncoderConfig(
            hidden_size=128,
            num_hidden_layers=4,
            num_attention_heads=4,
            intermediate_size=512,
            subsampling_factor=4,
            subsampling_conv_channels=64,
            dropout=0.05,
            layerdrop=0.0,
            activation_dropout=0.05,
            attention_dropout=0.05,
        )
        config = ParakeetCTCConfig(
            vocab_size=len(tokenizer),
            pad_token_id=tokenizer.pad_token_id,
            encoder_config=encoder,
        )
        self.model = ParakeetForCTC(config).to(device)
        spread_weights(self.model)
        self.module = self.model
        self._generator = torch.Generator().manual_seed(seed)

    def _extract(self, waveforms: NDArray[np.float32]) -> Tensor:
        features = self._features(list(waveforms), sampling_rate=SAMPLE_RATE, return_tensors="pt")
        extracted: Tensor = features["input_features"]
        return extracted

    def loss(self, batch: Batch) -> Tensor:
        """See base class."""
        features = mask_spectrogram(self._extract(batch.waveforms), 0.0, self._generator)
        logits = self.model(input_features=features.to(self.device)).logits
        labels = [self._processor.tokenizer(text).input_ids for text in batch.texts]
        return ctc_loss(logits, labels, self.model.config.pad_token_id)

    def transcribe(self, waveforms: NDArray[np.float32]) -> list[str]:
        """See base class."""
        features = self._extract(waveforms).to(self.device)
        ids = self.model(input_features=features).logits.argmax(-1)
        texts: list[str] = self._processor.batch_decode(ids, skip_special_tokens=True)
        return texts

    def save(self, folder: Path) -> None:
        """See base class."""
        save_half(self.model, folder)
        save_processor(self._processor, folder)


class Wav2Vec2(Trainee):
    """Wav2Vec2ForCTC: four narrow convolutions to 50 Hz, 5 layers of width 128, characters."""

    name = "small-wav2vec2-ctc"

    def __init__(self, device: torch.device, seed: int) -> None:
        super().__init__(device)
        with tempfile.TemporaryDirectory() as folder:
            tokenizer = wav2vec2_tokenizer(Path(folder))
        extractor = Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=False)
        self._processor = Wav2Vec2Processor(feature_extractor=extractor, tokenizer=tokenizer)
        config = Wav2Vec2Config(
            vocab_size=len(tokenizer),
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=None,
            eos_token_id=None,
            hidden_size=128,
            num_hidden_layers=5,
            num_attention_heads=4,
            intermediate_size=512,
            conv_dim=(64, 128, 128, 128),
            conv_kernel=(64, 8, 8, 4),
            conv_stride=(10, 4, 4, 2),
            conv_bias=True,
            feat_extract_norm="layer",
            do_stable_layer_norm=True,
            num_conv_pos_embeddings=32,
            num_conv_pos_embedding_groups=16,
            hidden_dropout=0.05,
            activation_dropout=0.05,
            attention_dropout=0.05,
            final_dropout=0.0,
            layerdrop=0.0,
            mask_time_prob=0.03,
            mask_time_length=6,
        )
        self.model = Wav2Vec2ForCTC(config).to(device)
        self.module = self.model
        np.random.seed(seed)  # Wav2Vec2 draws its time masks from numpy's global generator.

    def _extract(self, waveforms: NDArray[np.float32]) -> Tensor:
        inputs = self._processor(list(waveforms), sampling_rate=SAMPLE_RATE, return_tensors="pt")
        values: Tensor = inputs["input_values"]
        return values.to(self.device)

    def loss(self, batch: Batch) -> Tensor:
        """See base class."""
        logits = self.model(self._extract(batch.waveforms)).logits
        labels = [self._processor.tokenizer(text).input_ids for text in batch.texts]
        return ctc_loss(logits, labels, self.model.config.pad_token_id)

    def transcribe(self, waveforms: NDArray[np.float32]) -> list[str]:
        """See base class."""
        ids = self.model(self._extract(waveforms)).logits.argmax(-1)
        texts: list[str] = self._processor.batch_decode(ids)
        return texts

    def save(self, folder: Path) -> None:
        """See base class."""
        save_half(self.model, folder)
        save_processor(self._processor, folder)
