"""The figures that thop and fvcore print, to compare with studies that used them.

They are no count of the work: neither tool sees fused attention, and published figures mix FLOPs
(twice thop's number) with multiply-accumulates (fvcore's number as it is). Both are kept apart
from the count that we report, and labelled.
"""

from __future__ import annotations

import copy
import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from runner.flops.models import WAVEFORM, WHISPER, build, encoder_input, is_whisper
from runner.flops.readings import no_reading
from store.records import FlopsReading

if TYPE_CHECKING:
    from transformers import PretrainedConfig

STAGE = "encoder"
STUDIED = (WHISPER, *(kind for kind in WAVEFORM if kind != "wavlm"), "parakeet_ctc")
"""Model types that the tools are pointed at."""


def study_flops(
    config: PretrainedConfig,
    *,
    samples: int,
    batch: int = 1,
    methods: Sequence[str] = ("thop", "fvcore"),
) -> tuple[FlopsReading, ...]:
    """What thop and fvcore say of the encoder (of a CTC model: the whole model).

    Args:
        config: Any transformers configuration.
        samples: Samples of one (padded) clip at 16 kHz.
        batch: Clips.
        methods: ``thop``, ``fvcore`` or both. fvcore runs small models for real, on the CPU.

    Returns:
        One reading of method ``thop``, whose ``flops`` are twice the tool's number, and one of
        method ``fvcore``, whose ``flops`` are the tool's number. ``macs`` is the tool's number in
        both. A tool that is not installed or fails gives a reading without a figure, and why.
    """
    return tuple(_reading(method, config, samples, batch) for method in methods)


def _reading(method: str, config: PretrainedConfig, samples: int, batch: int) -> FlopsReading:
    macs_of, factor = {"thop": (_thop_macs, 2), "fvcore": (_fvcore_macs, 1)}[method]
    if config.model_type not in STUDIED:
        return no_reading(method, STAGE, f"not tried on the model type {config.model_type!r}")
    try:
        macs = macs_of(config, samples, batch)
    except ImportError as error:
        # thop imports distutils, which Python 3.12 removed and setuptools brings back.
        return no_reading(method, STAGE, f"{method} cannot be imported ({error}): install it")
    except Exception as error:  # noqa: BLE001  A foreign tool fails as it likes; we say how.
        return no_reading(method, STAGE, f"{method} failed: {type(error).__name__}: {error}")
    unit = "2 x the tool's MACs" if factor == 2 else "the tool's MACs, not doubled"
    note = f"study-compatible: {unit}, fused attention excluded; no count of the work"
    return FlopsReading(method=method, stage=STAGE, flops=factor * macs, macs=macs, note=note)


def _subject(config: PretrainedConfig, *, device: str, attention: str) -> Any:
    """The module that the tools are pointed at: an encoder, or a whole CTC model.

    It is built for one call and thrown away: the tools register buffers and hooks on it, and
    leave them behind when the forward pass fails.
    """
    model = build(config, device=device, attention=attention)
    return model.get_encoder() if is_whisper(config) else model


def _thop_macs(config: PretrainedConfig, samples: int, batch: int) -> int:
    """Thop's number. Its hooks read shapes and module attributes only, so meta tensors do."""
    thop = importlib.import_module("thop")
    model = _subject(config, device="meta", attention="eager")
    inputs = encoder_input(config, samples=samples, batch=batch)
    macs, _ = thop.profile(model, inputs=(inputs,), verbose=False)
    return int(macs)


def _fvcore_macs(config: PretrainedConfig, samples: int, batch: int) -> int:
    """Fvcore's number, from real passes of models of one and two layers.

    fvcore traces with TorchScript, which works on no meta tensor. Its figure is linear in the
    layers, which are alike, and in the batch (but for positions, which are computed once). Small
    passes therefore give the exact figure, without the memory and the minutes of the large ones.
    """
    fvcore = importlib.import_module("fvcore.nn")

    def of_batch(clips: int) -> int:
        one = _fvcore_pass(fvcore, _with_depth(config, 1), samples, clips)
        layers = _depth(config)
        if layers == 1:
            return one
        two = _fvcore_pass(fvcore, _with_depth(config, 2), samples, clips)
        return one + (layers - 1) * (two - one)

    first = of_batch(1)
    return first if batch == 1 else first + (batch - 1) * (of_batch(2) - first)


def _fvcore_pass(fvcore: Any, config: PretrainedConfig, samples: int, batch: int) -> int:
    inputs = encoder_input(config, samples=samples, batch=batch, device="cpu")
    # Fused attention is transformers' default, so it is what a study ran. fvcore does not see it.
    model = _subject(config, device="cpu", attention="sdpa")
    analysis = fvcore.FlopCountAnalysis(model, inputs)
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    analysis.tracer_warnings("none")
    with torch.no_grad():
        return int(analysis.total())


def _depth(config: Any) -> int:
    """Layers of the encoder."""
    layers: int = (
        config.encoder_layers
        if is_whisper(config)
        else getattr(config, "encoder_config", config).num_hidden_layers
    )
    return layers


def _with_depth(config: Any, layers: int) -> Any:
    """A copy of ``config`` with that many encoder layers, and as good as no decoder."""
    short = copy.deepcopy(config)
    if is_whisper(config):
        short.encoder_layers = layers
        short.decoder_layers = 1
    else:
        getattr(short, "encoder_config", short).num_hidden_layers = layers
    return short
