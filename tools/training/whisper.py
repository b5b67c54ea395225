"""The small Whisper: a 15 s window, Whisper's prompt, one language.

From scratch its decoder hardly finds the speech in the encoder's output within hours. While it
trains, a CTC head on the encoder therefore adds a second loss, over letters, which are learnt
sooner than words; the head is not saved.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from transformers import (
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperProcessor,
)
from transformers.models.whisper.modeling_whisper import sinusoids

from tools.training.data import Batch
from tools.training.espeak import SAMPLE_RATE
from tools.training.tokens import WHISPER_PROMPT, characters, whisper_tokenizer
from tools.training.trainee import (
    Trainee,
    ctc_loss,
    mask_spectrogram,
    save_half,
    save_processor,
    spread_weights,
)

WINDOW_S = 15
"""Seconds of audio in one window; the published models take 30, which takes hours to learn."""

HOP_SAMPLES = 320
"""Samples between spectra: 50 Hz, half of published Whisper's rate, so 375 encoder positions."""

MAX_TARGET_POSITIONS = 256
"""Most decoder positions; 15 s of the fastest training speech needs about 60."""

CTC_SHARE = 0.3
"""Weight of the CTC loss in the sum of both losses."""

NOISE_SHARE = 0.1
"""Share of the decoder's input tokens replaced in training, so that it listens, not guesses."""


class Whisper(Trainee):
    """WhisperForConditionalGeneration: 4 encoder and 3 decoder layers of width 160."""

    name = "small-whisper"

    def __init__(self, device: torch.device, seed: int) -> None:
        super().__init__(device)
        tokenizer = whisper_tokenizer()
        self._features = WhisperFeatureExtractor(
            feature_size=80, hop_length=HOP_SAMPLES, chunk_length=WINDOW_S
        )
        self._processor = WhisperProcessor(self._features, tokenizer)
        self._end = int(tokenizer.convert_tokens_to_ids("<|endoftext|>"))
        self._prompt = [int(i) for i in tokenizer.convert_tokens_to_ids(list(WHISPER_PROMPT))]
        config = WhisperConfig(
            vocab_size=len(tokenizer),
            num_mel_bins=80,
            d_model=160,
            encoder_layers=4,
            decoder_layers=3,
            encoder_attention_heads=4,
            decoder_attention_heads=4,
            encoder_ffn_dim=640,
            decoder_ffn_dim=640,
            max_source_positions=WINDOW_S * SAMPLE_RATE // HOP_SAMPLES // 2,
            max_target_positions=MAX_TARGET_POSITIONS,
            dropout=0.05,
            decoder_start_token_id=self._prompt[0],
            bos_token_id=self._end,
            eos_token_id=self._end,
            pad_token_id=self._end,
            begin_suppress_tokens=None,
        )
        self.model = WhisperForConditionalGeneration(config).to(device)
        spread_weights(self.model)
        self.model.tie_weights()
        self._order_positions()
        self._set_generation()
        self._letters = {letter: index for index, letter in enumerate([" ", *characters()])}
        self._ctc_head = nn.Linear(config.d_model, len(self._letters) + 1).to(device)
        self.module = nn.ModuleList([self.model, self._ctc_head])
        self._generator = torch.Generator().manual_seed(seed)

    def _order_positions(self) -> None:
        """Starts the decoder's learnt positions as sinusoids, like the encoder's fixed ones.

        From random positions the decoder follows the speech only where most training clips reach.
        """
        positions = self.model.model.decoder.embed_positions.weight
        with torch.no_grad():
            positions.copy_(sinusoids(*positions.shape))

    def _set_generation(self) -> None:
        tokenizer = self._processor.tokenizer
        ids = {
            token: int(tokenizer.convert_tokens_to_ids(token))
            for token in tokenizer.all_special_tokens
        }
        generation = self.model.generation_config
        # A config marked so is made anew from config.json when it is loaded: all of this lost.
        generation._from_model_config = False
        generation.decoder_start_token_id = ids["<|startoftranscript|>"]
        generation.bos_token_id = generation.eos_token_id = generation.pad_token_id = self._end
        generation.no_timestamps_token_id = ids["<|notimestamps|>"]
        generation.prev_sot_token_id = ids["<|startofprev|>"]
        generation.is_multilingual = True
        generation.lang_to_id = {"<|en|>": ids["<|en|>"]}
        generation.task_to_id = {
            "transcribe": ids["<|transcribe|>"],
            "translate": ids["<|translate|>"],
        }
        generation.language = "en"
        generation.task = "transcribe"
        generation.return_timestamps = False
        generation.max_initial_timestamp_index = 50
        generation.begin_suppress_tokens = None
        generation.suppress_tokens = None
        generation.forced_decoder_ids = None
        generation.max_length = MAX_TARGET_POSITIONS

    def _extract(self, waveforms: NDArray[np.float32], padding: str) -> Tensor:
        inputs = self._features(
            list(waveforms), sampling_rate=SAMPLE_RATE, padding=padding, return_tensors="pt"
        )
        features: Tensor = inputs["input_features"]
        return features

    def _encode(self, features: Tensor) -> Tensor:
        """Runs the encoder over any number of frames, which its own forward refuses.

        Short windows make the first part of the training several times cheaper.
        """
        encoder = self.model.model.encoder
        hidden = functional.gelu(encoder.conv1(features))
        hidden = functional.gelu(encoder.conv2(hidden)).transpose(1, 2)
        hidden = hidden + encoder.embed_positions.weight[: hidden.shape[1]]
        hidden = functional.dropout(hidden, p=encoder.dropout, training=self.model.training)
        for layer in encoder.layers:
            hidden = layer(hidden, None)
        normed: Tensor = encoder.layer_norm(hidden)
        return normed

    def loss(self, batch: Batch) -> Tensor:
        """See base class."""
        features = self._extract(batch.waveforms, "longest").transpose(1, 2)
        features = mask_spectrogram(features, -1.0, self._generator).transpose(1, 2)
        encoded = self._encode(features.to(self.device))
        labels = [self._label(text) for text in batch.texts]
        letters = [[self._letters[letter] for letter in text] for text in batch.texts]
        auxiliary = ctc_loss(self._ctc_head(encoded), letters, blank=len(self._letters))
        inputs, targets = self._teach(labels)
        logits = self.model(encoder_outputs=(encoded,), decoder_input_ids=inputs).logits
        spoken = functional.cross_entropy(
            logits.flatten(0, 1), targets.flatten(), ignore_index=-100, label_smoothing=0.02
        )
        return (1.0 - CTC_SHARE) * spoken + CTC_SHARE * auxiliary

    def _label(self, text: str) -> list[int]:
        ids: list[int] = self._processor.tokenizer(f" {text}", add_special_tokens=False).input_ids
        return ids

    def _teach(self, labels: list[list[int]]) -> tuple[Tensor, Tensor]:
        """Makes decoder inputs (some replaced) and targets, both of shape (clips, tokens)."""
        rows = [[*self._prompt, *ids, self._end] for ids in labels]
        longest = max(len(row) for row in rows)
        full = torch.tensor([row + [-100] * (longest - len(row)) for row in rows])
        inputs, targets = full[:, :-1].clone(), full[:, 1:].clone()
        inputs[inputs == -100] = self._end
        targets[:, : len(self._prompt) - 1] = -100
        words = torch.tensor(sorted({token for ids in labels for token in ids} or {self._end}))
        drawn = torch.randint(0, len(words), inputs.shape, generator=self._generator)
        swap = torch.rand(inputs.shape, generator=self._generator) < NOISE_SHARE
        swap[:, : len(self._prompt)] = False
        inputs = torch.where(swap, words[drawn], inputs)
        return inputs.to(self.device), targets.to(self.device)

    def transcribe(self, waveforms: NDArray[np.float32]) -> list[str]:
        """See base class; clips longer than the window are cut into windows without overlap."""
        window = WINDOW_S * SAMPLE_RATE
        count = -(-waveforms.shape[1] // window)
        texts = [""] * len(waveforms)
        for index in range(count):
            part = waveforms[:, index * window : (index + 1) * window]
            features = self._extract(part, "max_length").to(self.device)
            ids = self.model.generate(features)
            decoded = self._processor.batch_decode(ids, skip_special_tokens=True)
            texts = [
                f"{text} {new.strip()}".strip() for text, new in zip(texts, decoded, strict=True)
            ]
        return texts

    def save(self, folder: Path) -> None:
        """See base class."""
        save_half(self.model, folder)
        save_processor(self._processor, folder)
