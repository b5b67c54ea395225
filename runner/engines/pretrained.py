"""Weights and configurations of checkpoints, safetensors alone, with one-line errors."""

from __future__ import annotations

import mmap
import warnings
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from runner.catalogue.models import CATALOGUE, family_of_folder, family_of_type, local_folder
from runner.clips.clip import SAMPLE_RATE
from runner.engines.base import LoadRequest
from runner.engines.hub import gated
from runner.errors import Refused, is_out_of_memory

_IN_WORDS = (OSError, ValueError, RuntimeError, ImportError, SafetensorError)
"""Errors of loaders that explain themselves; others need their type's name beside them."""


def load_model(cls: Any, request: LoadRequest) -> Any:
    """A pretrained model in fp32, every weight of it from the checkpoint and in memory.

    Raises:
        Refused: the weights cannot be had, or the checkpoint lacks some (an encoder without its
            head, say): transformers would draw them at random.
    """
    if request.shapes_only:
        return _without_weights(cls, request)
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
    _read(model)
    return model


def _without_weights(cls: Any, request: LoadRequest) -> Any:
    """A model by its configuration alone, on the meta device."""
    from transformers import AutoConfig

    config = from_pretrained(AutoConfig, request)
    # Automatic classes call it otherwise than a model's own class.
    make = cls.from_config if hasattr(cls, "from_config") else cls._from_config
    with no_memory(request):
        return make(config, dtype=torch.float32)


def no_memory(request: LoadRequest) -> AbstractContextManager[object]:
    """A context in which a model is made without memory, where nothing but its shapes is wanted.

    Args:
        request: What is to be made.
    """
    return torch.device("meta") if request.shapes_only else nullcontext()


def _read(model: torch.nn.Module) -> None:
    """Touches every page of the weights.

    safetensors maps its file: what nothing has touched would be read by the first inference, and
    its time would be taken for the inference's.
    """
    for weight in model.state_dict().values():
        weight.detach().reshape(-1).view(torch.uint8)[:: mmap.PAGESIZE].sum()


def load_extractor(cls: Any, request: LoadRequest) -> Any:
    """The feature extractor of a checkpoint.

    Raises:
        Refused: there is none, or it takes audio at another rate than the clips have.
    """
    extractor = from_pretrained(cls, request)
    rate = extractor.sampling_rate
    if rate != SAMPLE_RATE:
        raise Refused(
            f"{request.name} takes audio at {rate} Hz, and clips have {SAMPLE_RATE} Hz: "
            "use a model of that rate"
        )
    return extractor


def from_pretrained(cls: Any, request: LoadRequest, **arguments: Any) -> Any:
    """``cls.from_pretrained`` with safetensors only, no remote code, and one-line errors.

    Args:
        cls: A class of transformers with ``from_pretrained``.
        request: What to load.
        arguments: Further arguments of ``cls.from_pretrained``.

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
    except MemoryError:
        raise
    except Exception as error:
        text = " ".join(str(error).split())
        if is_out_of_memory(text):
            raise
        if not isinstance(error, _IN_WORDS):
            text = f"{type(error).__name__}: {text}"
        if "gated" in text.lower():
            raise Refused(gated(source)) from error
        raise Refused(f"cannot load {source}: {text[:300]}") from error


def family_of(request: LoadRequest) -> str:
    """Which family a model is of; nothing but its configuration is read.

    Raises:
        Refused: none that runs here, or there is no such model.
    """
    entry = CATALOGUE.get(request.name)
    if entry is not None:
        return entry.family
    folder = Path(request.name).expanduser()
    try:
        if folder.is_dir():
            return family_of_folder(folder)
        return family_of_type(_hub_model_type(request), request.name)
    except ValueError as error:
        raise Refused(str(error)) from error


def _hub_model_type(request: LoadRequest) -> str:
    from transformers import AutoConfig

    return str(from_pretrained(AutoConfig, request).model_type)
