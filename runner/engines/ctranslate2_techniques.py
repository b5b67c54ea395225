"""The parts of a variant that CTranslate2 has, each in its own way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ctranslate2

from runner.clips.clip import Waveform
from runner.engines.base import LoadRequest, Technique
from runner.engines.fallback import Fallback, fallback_unsupported_reason
from runner.errors import Refused
from store.records import Proof, Scalar

_FLOATS = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16"}


def compute_type(request: LoadRequest) -> str:
    """CTranslate2's name of the number format of a variant.

    Raises:
        Refused: it has no such format on this device, or there is no such device.
    """
    variant = request.variant
    floats = _FLOATS[variant.precision]
    name = floats if variant.quantization is None else f"int8_{floats}"
    device, _, index = request.device.partition(":")
    if device == "cuda" and ctranslate2.get_cuda_device_count() <= int(index or 0):
        raise Refused(f"device {request.device}: CTranslate2 finds no such NVIDIA GPU here")
    there = ctranslate2.get_supported_compute_types(device, int(index or 0))
    if name not in there:
        raise Refused(
            f"variant {variant.name}: CTranslate2 has no {name} on this {device}; "
            f"it has {', '.join(sorted(there))}"
        )
    return name


class NumberFormat(Technique[Any]):
    """What weights and products are computed in; the model was converted to it."""

    def apply(self, engine: Any) -> None:
        """Nothing: the conversion has done it."""

    def verify(self, engine: Any, batch: Sequence[Waveform]) -> Proof:
        """Asks the loaded model for its number format."""
        found = engine.model.model.compute_type
        if found != engine.compute_type:
            raise self.no_effect(f"CTranslate2 computes in {found}, not in {engine.compute_type}")
        return self.proof(f"{found}, {engine.converted.weights_bytes / 1e6:.1f} MB of weights")


class Precision(NumberFormat):
    """The floating-point format."""

    part = "precision"

    def unsupported_reason(self) -> str | None:
        """It has no TF32 and no autocast."""
        if self.variant.autocast:
            return "faster-whisper has no autocast"
        if self.variant.precision not in _FLOATS:
            return f"faster-whisper has no {self.variant.precision}; use {', '.join(_FLOATS)}"
        return None


class Quantization(NumberFormat):
    """INT8 weights, with activations rounded as they come."""

    part = "quantization"

    def unsupported_reason(self) -> str | None:
        """It has one method, for all layers."""
        if self.requested != "int8-dynamic":
            return "faster-whisper has none such; use int8-dynamic"
        if self.variant.quantize_only is not None:
            return "faster-whisper has no quantize_only"
        return None


class Beams(Technique[Any]):
    """The width of the beam."""

    part = "beams"

    def apply(self, engine: Any) -> None:
        """Sets it for the search."""
        engine.beams = self.variant.beams

    def verify(self, engine: Any, batch: Sequence[Waveform]) -> Proof:
        """A search has as many hypotheses as it has beams, and refuses to give more."""
        try:
            given = set(engine.hypotheses(batch, self.variant.beams))
        except ValueError as error:
            raise self.no_effect(" ".join(str(error).split())) from error
        if given != {self.variant.beams}:
            raise self.no_effect(f"the search has {sorted(given)} hypotheses")
        return self.proof(f"{self.requested} hypotheses of each window")


class TemperatureFallback(Technique[Any]):
    """Whether failing texts are decoded again."""

    part = "fallback"

    def unsupported_reason(self) -> str | None:
        """See :func:`~runner.engines.fallback.fallback_unsupported_reason`."""
        return fallback_unsupported_reason(self.request)

    def apply(self, engine: Any) -> None:
        """Has the engine judge its texts."""
        # It counts once a process: CTranslate2 begins no sequence of random numbers anew.
        ctranslate2.set_random_seed(self.request.seed)
        engine.fallback = Fallback(self.request.seed)

    def verify(self, engine: Any, batch: Sequence[Waveform]) -> Proof:
        """Has a clip decoded again that no text of it can pass."""
        fallback: Fallback = engine.fallback
        with fallback.forced():
            given = engine.transcribe(batch[:1])
        again = given.prefills - 1
        if again != 1:
            raise self.no_effect(f"a text that fails was decoded again {again} times")
        return self.proof(
            f"{fallback.words}; texts made to fail: 1, decoded {1 + again} times, "
            f"in {given.decoder_calls} passes"
        )

    def observe(self, engine: Any, batches: Sequence[Sequence[Waveform]]) -> None:
        """Runs the timed batches once more, to count what is decoded again."""
        engine.fallback.count(engine.transcribe, batches)

    def figures(self, engine: Any) -> tuple[Scalar, ...]:
        """How many windows were decoded again."""
        found: tuple[Scalar, ...] = engine.fallback.figures()
        return found


CTRANSLATE2_TECHNIQUES: tuple[type[Technique[Any]], ...] = (
    Precision,
    Quantization,
    Beams,
    TemperatureFallback,
)
