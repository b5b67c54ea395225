"""What the PyTorch engines share: device, variant, loading with one-line errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np
import torch

from runner.clips.clip import SAMPLE_RATE, Waveform
from runner.engines.base import Engine, LoadRequest, Technique
from runner.engines.chunks import AfterChunk, Chunks, noop
from runner.engines.weights import stored_bytes
from runner.errors import Refused


class TorchEngine(Engine):
    """A transformers model on a torch device."""

    capabilities = frozenset({"torch"})
    model: Any
    dtype: torch.dtype = torch.float32
    """Of the model's input."""
    autocast: torch.dtype | None = None
    """What operations are cast to as they run, or None."""
    chunks: Chunks | None = None
    """How a clip is cut while it is still spoken; None where it is transcribed as a whole."""
    after_chunk: AfterChunk = staticmethod(noop)
    """Called after every chunk, with each clip's text so far."""
    keeps_frames: ClassVar[bool] = False
    """Whether what it gives tells which part of the audio it belongs to."""
    keeps_fp32: ClassVar[tuple[str, ...]] = ()
    """Names of parts of the model that its publishers keep in fp32, whatever the rest is in; they
    are not quantised either."""
    tf32: bool = False
    """Whether products may use TF32. fp32 means fp32; torch leaves TF32 on for convolutions."""

    def __init__(self, request: LoadRequest, techniques: Sequence[Technique[Any]] = ()) -> None:
        super().__init__(request, techniques)
        self.device = torch.device("meta" if request.shapes_only else request.device)

    @classmethod
    def check_device(cls, device: str) -> None:
        """See :meth:`~runner.engines.base.Engine.check_device`."""
        if torch.device(device).type == "cuda":
            require_cuda(torch.device(device))

    def place(self, model: Any) -> None:
        """Applies the variant to a model and moves it to its device."""
        self.model = model.eval().requires_grad_(False)
        self.parameters = sum(p.numel() for p in self.model.parameters())
        for technique in self.techniques:
            technique.apply(self)
        self.model = self.model.to(self.device)
        self.weights_bytes = sum(stored_bytes(each) for each in self.models)
        self.revision = getattr(self.model.config, "_commit_hash", None)

    def chunk_count(self, samples: int) -> int:
        """Chunks of a clip that is transcribed in chunks.

        Args:
            samples: Of the clip.
        """
        assert self.chunks is not None
        return self.chunks.count(samples)

    @property
    def models(self) -> tuple[Any, ...]:
        """All that is loaded: an assistant has weights and a cache of its own."""
        return (self.model,)

    @property
    def encoder(self) -> Any:
        """The part that takes audio in: the whole model, where there is no decoder."""
        return self.model

    @contextmanager
    def inference(self) -> Iterator[None]:
        """What every pass of the model runs under."""
        # Flags of the whole process: a variant and its baseline share one.
        torch.backends.cuda.matmul.allow_tf32 = self.tf32
        torch.backends.cudnn.allow_tf32 = self.tf32
        cast = torch.autocast(
            self.device.type, dtype=self.autocast, enabled=self.autocast is not None
        )
        with torch.inference_mode(), cast:
            yield

    def synchronize(self) -> None:
        """Waits for the GPU; the CPU has always done what it was asked to."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


LEAST = SAMPLE_RATE // 10
"""Fewest samples that a front end is given."""


def padded_features(extractor: Any, batch: Sequence[Waveform]) -> Any:
    """What a feature extractor makes of a batch, clips of different lengths padded to the longest.

    Whether there is a mask beside it is the extractor's to know: some models were trained on
    padding without one. A clip shorter than :data:`LEAST` has silence behind it: convolutions over
    a waveform need some of it to begin with.
    """
    heard = [np.pad(wave, (0, max(0, LEAST - len(wave)))) for wave in batch]
    different = {"padding": "longest"} if len(set(map(len, heard))) > 1 else {}
    return extractor(heard, sampling_rate=SAMPLE_RATE, return_tensors="pt", **different)


def require_cuda(device: torch.device) -> None:
    """Checks that a GPU is there; never falls back.

    Raises:
        Refused: It is not; one line with the remedy.
    """
    if torch.version.cuda is None:
        raise Refused(
            f"device {device}: this PyTorch ({torch.__version__}) is a CPU build; install the "
            "CUDA build of torch"
        )
    if not torch.cuda.is_available():
        raise Refused(f"device {device}: no NVIDIA GPU or driver here; see `asrprof doctor`")
    if (device.index or 0) >= torch.cuda.device_count():
        raise Refused(f"device {device}: this machine has {torch.cuda.device_count()} GPU(s)")
