"""What the training loop asks of a model, and the losses and masks that the models share."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrize import is_parametrized
from transformers import PreTrainedModel, ProcessorMixin

from tools.training.data import Batch


class Trainee(ABC):
    """A model being trained, with its processor."""

    name: str
    """Folder name of the checkpoint."""

    module: nn.Module
    """Everything with parameters to train, the helpers that are thrown away included."""

    model: PreTrainedModel
    """The part of it that is saved."""

    def __init__(self, device: torch.device) -> None:
        self.device = device

    @abstractmethod
    def loss(self, batch: Batch) -> Tensor:
        """Returns the scalar training loss of a batch."""

    @abstractmethod
    def transcribe(self, waveforms: NDArray[np.float32]) -> list[str]:
        """Transcribes clips of shape (clips, samples) greedily, without attention masks."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Writes an ordinary transformers folder with float16 weights."""


def ctc_loss(logits: Tensor, labels: list[list[int]], blank: int) -> Tensor:
    """Computes the CTC loss per label, over every frame of every clip.

    Args:
        logits: Shape (clips, frames, tokens).
        labels: Token ids of each clip, without blanks.
        blank: Id of the blank.
    """
    log_probabilities = functional.log_softmax(logits.float(), dim=-1).transpose(0, 1)
    clips, frames = logits.shape[:2]
    lengths = [len(ids) for ids in labels]
    flat = torch.tensor([token for ids in labels for token in ids], dtype=torch.long)
    total = functional.ctc_loss(
        log_probabilities,
        flat.to(logits.device),
        torch.full((clips,), frames, dtype=torch.long),
        torch.tensor(lengths, dtype=torch.long),
        blank=blank,
        reduction="sum",
        zero_infinity=True,
    )
    return total / max(1, sum(lengths))


def mask_spectrogram(features: Tensor, value: float, generator: torch.Generator) -> Tensor:
    """Overwrites a few bands and short stretches (SpecAugment, Park et al. 2019).

    Args:
        features: Shape (clips, frames, bands).
        value: What is written.
        generator: Source of the draws, on the CPU.

    Returns:
        A changed copy.
    """

    def draw(limit: int) -> int:
        return int(torch.randint(0, max(1, limit), (1,), generator=generator))

    masked = features.clone()
    clips, frames, bands = features.shape
    for clip in range(clips):
        first = draw(bands)
        masked[clip, :, first : first + draw(bands // 6)] = value
        for _ in range(1 + frames // 300):
            start = draw(frames)
            masked[clip, start : start + draw(12), :] = value
    return masked


def spread_weights(model: nn.Module) -> None:
    """Gives linear and convolutional layers PyTorch's own initial weights, scaled by fan-in.

    transformers draws them with a standard deviation of 0.02, which suits wide layers. In layers
    this narrow the sound is lost: behind Parakeet's subsampling it arrives 10^6 times too small,
    and nothing is learnt for hundreds of steps.
    """
    for part in model.modules():
        if isinstance(part, nn.Linear | nn.Conv1d | nn.Conv2d) and not is_parametrized(part):
            part.reset_parameters()
            if isinstance(part, nn.Conv2d):  # always followed by a ReLU here
                nn.init.kaiming_normal_(part.weight, nonlinearity="relu")


def save_half(model: PreTrainedModel, folder: Path) -> None:
    """Saves a model's float16 copy, leaving the model itself in float32."""
    copy.deepcopy(model).half().save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)


def save_processor(processor: ProcessorMixin, folder: Path) -> None:
    """Saves a processor, and its feature extractor once more for readers that look only for it."""
    processor.save_pretrained(folder)
    processor.feature_extractor.save_pretrained(folder)
