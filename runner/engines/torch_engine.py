"""What the PyTorch engines share: device, precision, loading with one-line errors."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from safetensors import SafetensorError

from runner.engines.base import Engine, LoadRequest
from runner.engines.catalogue import local_folder
from runner.engines.hub import gated
from runner.errors import Refused, is_out_of_memory
from store.records import FlopsReading

DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


class TorchEngine(Engine):
    """A transformers model on a torch device."""

    model: Any

    def place(self, model: Any, request: LoadRequest) -> None:
        """Moves the model to its device and precision and checks that it is there.

        fp32 means fp32: TF32 is switched off, which torch leaves on for convolutions.

        Raises:
            Refused: the device is not there, or the precision did not take effect.
        """
        self.device = torch.device(request.device)
        if self.device.type == "cuda":
            require_cuda(self.device)
        self.dtype = DTYPES[request.variant.precision]
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
        self.model = model.to(device=self.device, dtype=self.dtype).eval().requires_grad_(False)
        found = {p.dtype for p in self.model.parameters() if p.is_floating_point()}
        if found != {self.dtype}:
            raise Refused(
                f"variant {request.variant.name} did not take effect: parameters are {found}"
            )
        self.parameters = sum(p.numel() for p in self.model.parameters())
        self.weights_bytes = sum(p.numel() * p.element_size() for p in self.model.parameters())
        self.revision = getattr(self.model.config, "_commit_hash", None)

    def synchronize(self) -> None:
        """Waits for the GPU; the CPU has always done what it was asked to."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def study_flops(self, *, samples: int) -> tuple[FlopsReading, ...]:
        """Thop's and fvcore's figures of the encoder at batch 1, labelled as such."""
        from runner.measure.flops.study import study_flops

        return study_flops(self.model.config, samples=samples)


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
