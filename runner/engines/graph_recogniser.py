"""What turns audio to text with the graphs of an exported model; one kind a family of models."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from runner.clips.clip import Waveform
from runner.engines.base import DecoderPasses, LoadRequest, Mark, Transcription, Workload
from runner.engines.graph_runtime import Graph
from runner.engines.long_form import TakesLongForm
from runner.engines.onnx_export import Exported

Open = Callable[[str], Graph]
"""Opens a graph by its name."""


class Recogniser(TakesLongForm, ABC):
    """One exported model, its graphs open."""

    window_s: float | None = None
    """See :attr:`Engine.window_s <runner.engines.base.Engine.window_s>`."""
    token_each_pass: bool = False
    """See :attr:`Engine.token_each_pass <runner.engines.base.Engine.token_each_pass>`."""

    def __init__(
        self, exported: Exported, request: LoadRequest, open_graph: Open, told: Sequence[int]
    ) -> None:
        """Opens the graphs.

        Args:
            exported: The model.
            request: How it is to run.
            open_graph: Opens its graphs.
            told: The tokens of a Whisper's prompt.
        """
        self.config = exported.config
        self.extractor = exported.extractor
        self.tokenizer = exported.tokenizer
        self.exported = exported
        self.request = request
        self.open_graph = open_graph
        self.told = told
        self.prepare()

    skeleton: Any
    """The original's modules without their weights."""

    @abstractmethod
    def prepare(self) -> None:
        """Opens the graphs, and makes the skeleton."""

    @property
    def parameters(self) -> int:
        """Parameters of the original."""
        return sum(parameter.numel() for parameter in self.skeleton.parameters())

    @abstractmethod
    def transcribe(self, batch: Sequence[Waveform], mark: Mark) -> Transcription:
        """See :meth:`Engine.transcribe <runner.engines.base.Engine.transcribe>`."""

    @abstractmethod
    def decoder_passes(self, batch: Sequence[Waveform], tokens: int) -> DecoderPasses:
        """See :meth:`Engine.decoder_passes <runner.engines.base.Engine.decoder_passes>`."""

    @contextmanager
    def shortened(self, tokens: int) -> Iterator[None]:
        """See :meth:`Engine.shortened <runner.engines.base.Engine.shortened>`."""
        yield

    @abstractmethod
    def workload(self, samples: int, batch: int, decoder_calls: float | None) -> Workload:
        """See :meth:`Engine.workload <runner.engines.base.Engine.workload>`.

        Args:
            samples: Samples of each clip.
            batch: Clips in the batch.
            decoder_calls: Decoder passes a batch, as measured.
        """


def skeleton(model_class: Any, config: Any) -> Any:
    """The original's modules without their weights.

    Args:
        model_class: An automatic class of transformers.
        config: The model's configuration, which is left as it is.
    """
    with torch.device("meta"):
        return model_class.from_config(copy.deepcopy(config))
