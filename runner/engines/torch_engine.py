"""What the PyTorch engines share: device, variant, loading with one-line errors."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from safetensors import SafetensorError

from runner.clips.clip import SAMPLE_RATE, Waveform
from runner.engines.base import Engine, LoadRequest
from runner.engines.catalogue import local_folder
from runner.engines.chunks import AfterChunk, Chunks, told_nobody
from runner.engines.hub import gated
from runner.errors import Refused, is_out_of_memory
from runner.variants.base import Technique
from runner.variants.quantization import stored_bytes
from runner.variants.techniques import techniques_for
from store.records import Figure, FlopsReading, Proof


class TorchEngine(Engine):
    """A transformers model on a torch device."""

    on_torch = True
    model: Any
    dtype: torch.dtype = torch.float32
    """Of the model's input."""
    autocast: torch.dtype | None = None
    """What operations are cast to as they run, or None."""
    chunks: Chunks | None = None
    """How a clip is cut while it is still spoken; None where it is heard as a whole."""
    after_chunk: AfterChunk = staticmethod(told_nobody)
    """Called after every chunk, with each clip's text so far."""
    tf32: bool = False
    """Whether products may use TF32. fp32 means fp32; torch leaves TF32 on for convolutions."""

    def __init__(self, request: LoadRequest) -> None:
        """Settles what is asked for before anything is loaded.

        Raises:
            Refused: the device is not there, or the variant does not fit.
        """
        self.device = torch.device(request.device)
        if self.device.type == "cuda":
            require_cuda(self.device)
        self.techniques = techniques_for(request, self.family)

    def place(self, model: Any) -> None:
        """Applies the variant to a model and moves it to its device."""
        self.model = model.eval().requires_grad_(False)
        self.parameters = sum(p.numel() for p in self.model.parameters())
        for technique in self.techniques:
            technique.apply(self)
        self.model = self.model.to(self.device)
        self.weights_bytes = sum(stored_bytes(each) for each in self.models)
        self.revision = getattr(self.model.config, "_commit_hash", None)

    @property
    def models(self) -> tuple[Any, ...]:
        """All that is loaded: an assistant has weights and a cache of its own."""
        return (self.model,)

    @property
    def encoder(self) -> Any:
        """The part that hears: the whole model, where there is no decoder."""
        return self.model

    @contextmanager
    def inference(self) -> Iterator[None]:
        """What every pass of the model runs under."""
        # Flags of the whole process: a variant and its baseline take turns in one.
        torch.backends.cuda.matmul.allow_tf32 = self.tf32
        torch.backends.cudnn.allow_tf32 = self.tf32
        cast = torch.autocast(
            self.device.type, dtype=self.autocast, enabled=self.autocast is not None
        )
        with torch.inference_mode(), cast:
            yield

    def prove(self, batch: Sequence[Waveform]) -> tuple[Proof, ...]:
        """See :meth:`~runner.engines.base.Engine.prove`."""
        return tuple(self._proof(technique, batch) for technique in self.techniques)

    def _proof(self, technique: Technique, batch: Sequence[Waveform]) -> Proof:
        with ExitStack() as stack:
            if not technique.bypasses_modules:
                for other in self.techniques:
                    stack.enter_context(other.set_aside(self))
            return technique.prove(self, batch)

    def observe(self, batches: Sequence[Sequence[Waveform]]) -> None:
        """See :meth:`~runner.engines.base.Engine.observe`."""
        for technique in self.techniques:
            technique.observe(self, batches)

    def figures(self) -> tuple[Figure, ...]:
        """See :meth:`~runner.engines.base.Engine.figures`."""
        return tuple(f for technique in self.techniques for f in technique.figures(self))

    def synchronize(self) -> None:
        """Waits for the GPU; the CPU has always done what it was asked to."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def study_flops(self, *, samples: int) -> tuple[FlopsReading, ...]:
        """Thop's and fvcore's figures of the encoder at batch 1, labelled as such."""
        from runner.measure.flops.study import study_flops

        return study_flops(self.model.config, samples=samples)


def padded_features(extractor: Any, batch: Sequence[Waveform]) -> Any:
    """What a feature extractor makes of a batch, clips of different lengths padded to the longest.

    Whether there is a mask beside it is the extractor's to know: some models were trained on
    padding without one.
    """
    different = {"padding": "longest"} if len(set(map(len, batch))) > 1 else {}
    return extractor(list(batch), sampling_rate=SAMPLE_RATE, return_tensors="pt", **different)


def require_cuda(device: torch.device) -> None:
    """Refuses a GPU that is not there, in one line with the remedy; never falls back."""
    if torch.version.cuda is None:
        raise Refused(
            f"device {device}: this PyTorch ({torch.__version__}) is a CPU build; install the "
            "CUDA build of torch"
        )
    if not torch.cuda.is_available():
        raise Refused(f"device {device}: no NVIDIA GPU or driver here; see `asrprof doctor`")
    if (device.index or 0) >= torch.cuda.device_count():
        raise Refused(f"device {device}: this machine has {torch.cuda.device_count()} GPU(s)")


def load_model(cls: Any, request: LoadRequest) -> Any:
    """A pretrained model in fp32, every weight of it from the checkpoint.

    Raises:
        Refused: the weights cannot be had, or the checkpoint lacks some (an encoder without its
            head, say): transformers would draw them at random.
    """
    model, info = from_pretrained(
        cls, request, use_safetensors=True, dtype=torch.float32, output_loading_info=True
    )
    # Used in training alone; published checkpoints leave it out.
    missing = sorted(k for k in info["missing_keys"] if not k.endswith("masked_spec_embed"))
    wrong = [*missing, *(str(key[0]) for key in info["mismatched_keys"])]
    if wrong:
        raise Refused(
            f"{request.name} lacks {len(wrong)} weights of a {cls.__name__} ({wrong[0]}, ...): "
            "it is no speech recognition checkpoint"
        )
    return model


def from_pretrained(cls: Any, request: LoadRequest, **arguments: Any) -> Any:
    """``cls.from_pretrained`` with safetensors only, no remote code, and one-line errors.

    Raises:
        Refused: the weights cannot be had; the reason says what to change.
    """
    folder = local_folder(request.name)
    source = request.name if folder is None else str(folder)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return cls.from_pretrained(
                source,
                revision=request.revision if folder is None else None,
                local_files_only=request.cached or folder is not None,
                trust_remote_code=False,
                **arguments,
            )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        text = " ".join(str(error).split())
        if is_out_of_memory(text):
            raise
        if "gated" in text.lower():
            raise Refused(gated(source)) from error
        raise Refused(f"cannot load {source}: {text[:300]}") from error
