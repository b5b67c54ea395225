"""Names of the ready-made variants. No torch here: the config checks against this."""

from __future__ import annotations

from runner.catalogue.names import unknown

VARIANTS: dict[str, dict[str, object]] = {
    "fp32": {},
    "tf32": {"precision": "tf32"},
    "fp16": {"precision": "fp16"},
    "bf16": {"precision": "bf16"},
    "fp16-autocast": {"precision": "fp16", "autocast": True},
    "bf16-autocast": {"precision": "bf16", "autocast": True},
    "eager": {"attention": "eager"},
    "sdpa": {"attention": "sdpa"},
    "flash-fp16": {"attention": "flash", "precision": "fp16"},
    "int8-dynamic": {"quantization": "int8-dynamic"},
    "int8-weight-only": {"quantization": "int8-weight-only"},
    "int4-weight-only": {"quantization": "int4-weight-only"},
    "int8-dynamic-torch": {"quantization": "int8-dynamic-torch"},
    "q5_0": {"quantization": "q5_0"},
    "q4_0": {"quantization": "q4_0"},
    "cache-dynamic": {"cache": "dynamic"},
    "cache-static": {"cache": "static"},
    "cache-off": {"cache": "off"},
    "beam-5": {"beams": 5},
    "compile": {"compile": "default"},
    "compile-reduce-overhead": {"compile": "reduce-overhead"},
    "compile-max-autotune": {"compile": "max-autotune"},
    "compile-decoder": {"cache": "static", "compile_decoder": "default"},
    "compile-decoder-reduce-overhead": {"cache": "static", "compile_decoder": "reduce-overhead"},
    "cuda-graph": {"cuda_graph": True},
    "self-assisted": {"assistant": "self"},
    "prompt-lookup": {"prompt_lookup": 5},
    "fallback": {"fallback": True},
    "long-windows": {"long_form": "windows"},
    "long-sequential": {"long_form": "sequential"},
    "long-overlap": {"long_form": "overlap"},
    "long-vad": {"long_form": "vad"},
}
"""Name -> the fields of :class:`~runner.config.Variant` that differ from their defaults."""


def check_variant(name: str) -> None:
    """Checks that ``name`` is a variant.

    Raises:
        ValueError: It is none; one line with the nearest known name.
    """
    if name not in VARIANTS:
        raise ValueError(unknown("variant", name, VARIANTS))
