"""A LoRA adapter of a checkpoint (Hu et al. 2021), added to the weights that it stands beside.

What is computed is then the model with its adapter at work, and every layer is still one product:
variants that replace layers fit, and nothing that is not always needed has to be installed.
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from runner.catalogue.models import local_folder
from runner.engines.base import LoadRequest
from runner.errors import Refused

_CONFIG, _WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_KEY = re.compile(r".*?(layers\.\d+\..+)\.lora_(A|B)\.weight")
"""Of a weight: the module of the decoder that it belongs to, and which of the two factors it is."""
_UNKNOWN = (
    *("use_dora", "rank_pattern", "alpha_pattern", "fan_in_fan_out", "modules_to_save"),
    *("lora_bias", "layer_replication"),
)
"""Settings that would change the arithmetic."""


def merge_adapter(model: Any, request: LoadRequest) -> None:
    """Adds the adapter that lies beside a checkpoint to the weights of its decoder.

    Args:
        model: The model, loaded.
        request: What it was loaded from.

    Raises:
        Refused: there is none, or it is of a kind that is not known here.
    """
    _set_free(model)
    config = json.loads(_file(request, _CONFIG).read_text(encoding="utf-8"))
    odd = [name for name in _UNKNOWN if config.get(name)]
    if config.get("peft_type") != "LORA" or odd or config.get("bias", "none") != "none":
        what = ", ".join(odd) or f"{config.get('peft_type')} with bias {config.get('bias')}"
        raise Refused(
            f"{request.name}: its adapter is not a plain LoRA ({what}): merge it with peft's "
            'merge_and_unload(), and set "has_lora_adapter": false in config.json'
        )
    rank = config["r"]
    scale = config["lora_alpha"] / (math.sqrt(rank) if config.get("use_rslora") else rank)
    _add(model.get_decoder(), load_file(_file(request, _WEIGHTS)), scale, request)


def _add(
    decoder: Any, weights: dict[str, torch.Tensor], scale: float, request: LoadRequest
) -> None:
    factors: dict[str, dict[str, torch.Tensor]] = {}
    for key, weight in weights.items():
        found = _KEY.fullmatch(key)
        if found is None:
            raise Refused(f"{request.name}: its adapter has {key}, which the decoder lacks")
        factors.setdefault(found[1], {})[found[2]] = weight.float()
    modules = dict(decoder.named_modules())
    for name, of in factors.items():
        if name not in modules or of.keys() != {"A", "B"}:
            raise Refused(f"{request.name}: its adapter does not fit the decoder's {name}")
        added = scale * (of["B"] @ of["A"])
        target = modules[name].weight
        if added.shape != target.shape:
            raise Refused(
                f"{request.name}: its adapter is of another size than the decoder's {name}"
            )
        with torch.no_grad():
            target += added.to(target.dtype)


def _set_free(model: Any) -> None:
    """Takes off what transformers has put around layers, as it does where peft is installed."""
    for name, module in list(model.named_modules()):
        if hasattr(module, "get_base_layer"):
            parent, _, last = name.rpartition(".")
            setattr(model.get_submodule(parent), last, module.get_base_layer())
    model._hf_peft_config_loaded = False


def _file(request: LoadRequest, name: str) -> Path:
    folder = local_folder(request.name)
    if folder is not None:
        found = folder / name
        path = str(found) if found.is_file() else None
    else:
        from transformers.utils import cached_file

        path = cached_file(
            request.name,
            name,
            revision=request.revision,
            local_files_only=request.cached,
            _raise_exceptions_for_missing_entries=False,
        )
    if path is None:
        raise Refused(
            f"no {name} in {folder or request.name}, and without its adapter the model does not "
            "transcribe: copy it from the published model, or set "
            '"has_lora_adapter": false in config.json where it is merged'
        )
    return Path(path)
