"""The parts of a variant that whisper.cpp has, each in its own way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from runner.clips.clip import Waveform
from runner.config import Variant
from runner.engines.base import Technique
from runner.engines.ggml_file import FORMATS
from store.records import Proof, Scalar

_QUANTISED = {"int8-dynamic": "q8_0", "q5_0": "q5_0", "q4_0": "q4_0"}
"""By what a config calls them. All round what they multiply as it comes, in blocks of 32."""


def format_name(variant: Variant) -> str:
    """GGML's name of the number format of a variant's matrices."""
    return "f16" if variant.quantization is None else _QUANTISED[variant.quantization]


class NumberFormat(Technique[Any]):
    """What the matrices are kept in; the model was converted to it."""

    def apply(self, engine: Any) -> None:
        """Nothing: the conversion has done it."""

    def verify(self, engine: Any, batch: Sequence[Waveform]) -> Proof:
        """Asks the loaded model for its format, and counts the tensors of its file."""
        asked = FORMATS[format_name(self.variant)]
        if engine.model.file_type != asked.file_type:
            raise self.no_effect(
                f"whisper.cpp loaded a file of type {engine.model.file_type}, not of "
                f"{asked.file_type} ({asked.name})"
            )
        layout = engine.converted.layout
        kinds = Counter(tensor.format.name for tensor in layout.tensors.values())
        if not kinds[asked.name]:
            raise self.no_effect(f"no tensor of the model file is in {asked.name}")
        listed = ", ".join(f"{count} in {name}" for name, count in kinds.most_common())
        return self.proof(f"tensors: {listed}; {layout.weights_bytes / 1e6:.1f} MB of weights")


class Precision(NumberFormat):
    """The floating-point format."""

    part = "precision"

    def unsupported_reason(self) -> str | None:
        """It has half precision, and what is quantised has no other beside it."""
        if self.variant.autocast:
            return "whisper-cpp has no autocast"
        if self.variant.quantization is not None:
            fits = self.variant.precision == "fp32"
            return None if fits else 'goes without "quantization": the rest is in f16 and f32'
        if self.variant.precision == "fp32":
            return "whisper-cpp has no fp32: whisper.cpp computes convolutions in f16; use fp16"
        if self.variant.precision != "fp16":
            return f"whisper-cpp has no {self.variant.precision}; use fp16"
        return None


class Quantization(NumberFormat):
    """Blocks of 32 integers with a scale each, in all matrices."""

    part = "quantization"

    def unsupported_reason(self) -> str | None:
        """It has GGML's formats, for all matrices."""
        if self.requested not in _QUANTISED:
            return f"whisper-cpp has none such; use {', '.join(_QUANTISED)}"
        if self.variant.quantize_only is not None:
            return "whisper-cpp has no quantize_only"
        return None

    def figures(self, engine: Any) -> tuple[Scalar, ...]:
        """Bytes of the model against those in half precision."""
        before = 2 * sum(
            tensor.bytes * tensor.format.block // tensor.format.block_bytes
            for tensor in engine.converted.layout.tensors.values()
        )
        return (
            Scalar(
                name="size_ratio",
                value=engine.weights_bytes / before,
                note="bytes of the weights against all of them in f16",
            ),
        )


class Attention(Technique[Any]):
    """Whether attention is one fused function."""

    part = "attention"

    def unsupported_reason(self) -> str | None:
        """It has no choice of PyTorch's."""
        return "whisper-cpp has no sdpa; use flash or eager" if self.requested == "sdpa" else None

    def apply(self, engine: Any) -> None:
        """Nothing: the model was loaded so."""

    def verify(self, engine: Any, batch: Sequence[Waveform]) -> Proof:
        """Reads what whisper.cpp said as it loaded the model."""
        found = flash_attention(engine.model.said)
        if found != (self.requested == "flash"):
            raise self.no_effect(f"whisper.cpp says that flash attention is {found}")
        return self.proof(f"flash attention {'on' if found else 'off'}, whisper.cpp says")


def flash_attention(said: Sequence[str]) -> bool | None:
    """What whisper.cpp said of its attention; None where it said nothing.

    Args:
        said: Its lines.
    """
    for line in said:
        _, mark, flag = line.partition("flash attn = ")
        if mark:
            return flag == "1"
    return None


WHISPER_CPP_TECHNIQUES: tuple[type[Technique[Any]], ...] = (Precision, Quantization, Attention)
