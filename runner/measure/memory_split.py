"""Memory of a batch by what it is for: weights, activations, key-value cache.

Weights and cache are summed from the tensors themselves. Activations are what a pass needs beyond
what lay there before it: on a GPU by the framework's allocator, exactly; on a CPU by the peak of
the resident set, which also holds the libraries' work space and what the allocator rounds up.
"""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import torch

from runner.clips.clip import Waveform
from runner.engines.base import Unmeasurable
from runner.engines.hooks import hooked
from runner.engines.kv_cache import CacheWatch
from store.records import Scalar

if TYPE_CHECKING:
    from runner.engines.torch_engine import TorchEngine


class Meter(Protocol):
    """Bytes in use, and their highest since the last `reset`."""

    source: str
    """Where the figures come from, in words."""

    def reset(self) -> int:
        """Starts the peak afresh; returns the bytes in use now."""

    def peak(self) -> int:
        """The highest since then."""


class AllocatorMeter:
    """A GPU's, as PyTorch's allocator hands it out."""

    source = "of the GPU's memory, by the framework's allocator"

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def reset(self) -> int:
        torch.cuda.synchronize(self._device)
        torch.cuda.reset_peak_memory_stats(self._device)
        return int(torch.cuda.memory_allocated(self._device))

    def peak(self) -> int:
        torch.cuda.synchronize(self._device)
        return int(torch.cuda.max_memory_allocated(self._device))


class ResidentMeter:
    """This process's resident set, as Linux counts it."""

    source = "of the resident set, libraries' work space included"

    def __init__(self, process: Path = Path("/proc/self")) -> None:
        self._process = process

    def reset(self) -> int:
        """See :class:`Meter`.

        Raises:
            Unmeasurable: the kernel does not give the peak afresh.
        """
        gc.collect()
        _give_back_freed()
        try:
            (self._process / "clear_refs").write_text("5")
        except OSError as error:
            raise Unmeasurable(
                f"the kernel's peak of the resident set cannot be reset ({error.strerror})"
            ) from error
        return self._status("VmRSS")

    def peak(self) -> int:
        return self._status("VmHWM")

    def _status(self, key: str) -> int:
        for line in (self._process / "status").read_text().splitlines():
            if line.startswith(f"{key}:"):
                return int(line.split()[1]) * 1024
        raise Unmeasurable(f"the kernel does not say {key} of this process")


def split_memory(
    engine: TorchEngine, batch: Sequence[Waveform], *, meter: Meter | None = None
) -> tuple[Scalar, ...]:
    """Weights, activations and cache of one batch.

    Args:
        engine: A warm engine.
        batch: The batch that needs most.
        meter: Of the engine's device by default.

    Returns:
        ``memory_weights_bytes``, ``memory_activations_bytes`` and ``memory_cache_bytes``; the
        last is 0 where the model keeps nothing from token to token.

    Raises:
        Unmeasurable: there is no peak to be had.
    """
    on_gpu = engine.device.type == "cuda"
    if meter is None:
        meter = AllocatorMeter(engine.device) if on_gpu else ResidentMeter()
    encoded = 0

    def after_encoder(*_: object) -> None:
        nonlocal encoded
        encoded = max(encoded, meter.peak())

    decoder = decoder_of(engine)
    with hooked([engine.encoder], after_encoder, before=False):
        before = meter.reset()
        engine.transcribe(batch)
        peak = meter.peak()
    # In a pass of its own: looking costs time alone, but nothing should be alive for it.
    cache = _cache_bytes(engine, batch) if decoder else 0
    # The cache fills while the decoder runs: a peak before that has none of it.
    in_encoder = encoded >= peak
    activations = max(0, peak - before - (0 if in_encoder else cache))
    where = "" if not decoder else ", highest in the encoder" if in_encoder else ", in the decoder"
    beyond = f"{meter.source}: what a batch needs beyond weights and cache{where}"
    whose = "the model" if len(engine.models) == 1 else "the model and its assistant"
    kept = f"keys and values of a batch at its end, of {whose}, by the tensors"
    return (
        _figure("weights", engine.weights_bytes or 0, f"of {whose}, by the tensors"),
        _figure("activations", activations, beyond),
        _figure("cache", cache, kept if decoder else "none: nothing is kept from token to token"),
    )


def _cache_bytes(engine: TorchEngine, batch: Sequence[Waveform]) -> int:
    """Bytes of the caches of all models that are loaded, as each one's last pass left them."""
    watches = []
    with ExitStack() as watching:
        for model in engine.models:
            watches.append(CacheWatch())
            watching.enter_context(watches[-1].watching(model))
        engine.transcribe(batch)
    return sum(watch.self_bytes + watch.cross_bytes for watch in watches)


def weights_alone(weights_bytes: int | None, reason: str) -> tuple[Scalar, ...]:
    """The split of an engine that shows its weights and nothing else.

    Raises:
        Unmeasurable: it does not even show these.
    """
    if weights_bytes is None:
        raise Unmeasurable(reason)
    note = f"of the model, by its tensors; activations and cache are not known: {reason}"
    return (_figure("weights", weights_bytes, note),)


def decoder_of(engine: TorchEngine) -> bool:
    """Whether a decoder with a key-value cache runs."""
    return engine.token_each_pass


def _figure(name: str, value: int, note: str) -> Scalar:
    return Scalar(name=f"memory_{name}_bytes", value=float(value), note=note)


def _give_back_freed() -> None:
    """Has the C library return what was freed, or a warm pass would seem to need nothing."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
