"""A variant: how a model is run, everything else equal."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from runner.catalogue.models import check_model
from runner.catalogue.variants import VARIANTS
from runner.config.strict import VARIANT_NAME, ModelName, Strict


class Variant(Strict):
    """One execution variant: how the model is run, everything else equal."""

    name: Annotated[str, Field(pattern=VARIANT_NAME, max_length=60)]
    """What the variant is called in results; a ready-made name keeps its own meaning.
    Letters, digits, spaces and `_` `.` `+` `-`."""

    precision: Literal["fp32", "tf32", "fp16", "bf16"] = "fp32"
    """Number format of weights and activations. `tf32`: fp32 weights, products rounded to ten
    bits, on NVIDIA GPUs since Ampere."""

    autocast: bool = False
    """Keep fp32 weights and convert to `precision` at each product, leaving what is sensitive to
    rounding in fp32."""

    attention: Literal["eager", "sdpa", "flash"] | None = None
    """Implementation of attention; the library's choice when absent. `flash` needs an NVIDIA
    GPU, the package flash-attn and half precision."""

    quantization: (
        Literal["int8-dynamic", "int8-weight-only", "int8-dynamic-torch", "int8-dynamic-channel"]
        | Literal["int4-weight-only", "q5_0", "q4_0"]
        | None
    ) = None
    """INT8 weights of the linear layers. `dynamic`: activations are rounded too, and products are
    of integers; `-torch`: by PyTorch's older CPU kernels instead of torchao; `-channel`: on ONNX
    Runtime alone, a scale for each output instead of one for a layer. `int4-weight-only`: two
    weights a byte, with a scale for each 32, on CPUs. `q5_0`, `q4_0`: blocks of
    5-bit or 4-bit integers, of whisper.cpp alone, whose `int8-dynamic` is `q8_0`."""

    quantize_only: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """Quantise only the layers whose name matches this pattern (`*`, `?`), or one of several
    between commas, to see what each group of them costs in words."""

    cache: Literal["dynamic", "static", "off"] | None = None
    """Key-value cache of the decoder; dynamic when absent."""

    audio_ctx: Annotated[int, Field(ge=1, le=1500)] | None = None
    """Positions of the encoder that are computed, 50 for each second of audio, of whisper.cpp
    alone: a window is as much shorter. All when absent."""

    beams: Annotated[int, Field(ge=1, le=64)] = 1
    """Hypotheses that the decoder follows at once; 1 is greedy."""

    compile: Literal["default", "reduce-overhead", "max-autotune"] | None = None
    """Compile the encoder (of a CTC model: the model) in this mode of `torch.compile`.
    `reduce-overhead` is CUDA graphs and needs an NVIDIA GPU."""

    compile_decoder: Literal["default", "reduce-overhead", "max-autotune"] | None = None
    """Compile the decoder's step in this mode. It needs `"cache": "static"`."""

    cuda_graph: bool = False
    """Record the encoder's kernels once and replay them, on an NVIDIA GPU."""

    assistant: ModelName | None = None
    """A smaller model of the same family and vocabulary that drafts tokens; `self` is the model
    itself."""

    draft_tokens: Annotated[int, Field(ge=1, le=64)] = 5
    """Tokens that the assistant drafts at a time."""

    prompt_lookup: Annotated[int, Field(ge=1, le=64)] | None = None
    """Draft so many tokens at a time without an assistant: those that came after the same words
    earlier in the text."""

    fallback: bool = False
    """Decode a window's text again, by sampling at rising temperatures, where it repeats itself or
    the model holds it for unlikely: what Whisper's publishers do."""

    long_form: Literal["windows", "sequential", "overlap", "vad"] | None = None
    """How audio longer than a Whisper's window is taken. `windows`: cut into full windows, through
    whatever word is said there. `overlap`: windows share a third with the next, and their texts
    are merged. `vad`: cut in pauses that a detector finds, which are not transcribed.
    `sequential`: by the model's time stamps, as its publishers do. `windows` when absent."""

    batching: Literal["mixed", "sorted"] | None = None
    """Batches of clips of different lengths, up to `audio_seconds`, each padded to its longest:
    `mixed` as they come, `sorted` the same clips by length. All of one length when absent."""

    chunk_seconds: Annotated[float, Field(ge=0.08, le=30)] | None = None
    """Stream: transcribe a clip in chunks of this length, as if it were still being spoken."""

    left_seconds: Annotated[float, Field(ge=0, le=30)] = 0.0
    """Context before each chunk that a CTC model transcribes again."""

    right_seconds: Annotated[float, Field(ge=0, le=30)] = 0.0
    """Look-ahead after each chunk that a CTC model waits for."""

    @property
    def parts(self) -> dict[str, object]:
        """The fields that differ from their defaults; none for plain fp32."""
        return self.model_dump(exclude={"name"}, exclude_defaults=True)

    @model_validator(mode="after")
    def _keeps_its_meaning(self) -> Variant:
        ready = VARIANTS.get(self.name)
        if ready is not None and ready != self.parts:
            raise ValueError(f'"{self.name}" is a ready-made variant; give yours another name')
        return self

    @model_validator(mode="after")
    def _belongs_together(self) -> Variant:
        if self.autocast and self.precision not in ("fp16", "bf16"):
            raise ValueError('"autocast" needs "precision": "fp16" or "bf16"')
        if self.autocast and self.quantization is not None:
            raise ValueError('"autocast" would convert what "quantization" has rounded')
        if self.cuda_graph and (self.compile is not None or self.autocast):
            raise ValueError('"cuda_graph" goes with neither "compile" nor "autocast"')
        if self.compile_decoder is not None and (self.cache != "static" or self.beams > 1):
            raise ValueError('"compile_decoder" needs "cache": "static" and one beam')
        if self.compile_decoder is not None and self.fallback:
            raise ValueError(
                '"fallback" goes without "compile_decoder", which would compile anew for each '
                "number of windows that are decoded again"
            )
        if self.chunk_seconds is None and (self.left_seconds or self.right_seconds):
            raise ValueError('"left_seconds" and "right_seconds" need "chunk_seconds"')
        if self.quantize_only is not None and self.quantization is None:
            raise ValueError('"quantize_only" needs "quantization"')
        if self.long_form is not None and self.chunk_seconds is not None:
            raise ValueError('"long_form" goes without "chunk_seconds", which cuts a clip itself')
        if self.batching is not None and self.chunk_seconds is not None:
            raise ValueError('"batching" goes without "chunk_seconds": chunks are of one length')
        return self

    @model_validator(mode="after")
    def _goes_by_time_stamps(self) -> Variant:
        if self.long_form == "sequential":
            for part in ("fallback", "assistant", "prompt_lookup", "compile_decoder", "cuda_graph"):
                if getattr(self, part):
                    raise ValueError(
                        f'"long_form": "sequential" goes without "{part}": it decodes by a loop '
                        "of the library"
                    )
        return self

    @model_validator(mode="after")
    def _drafts_can_be_checked(self) -> Variant:
        if self.assistant is None and self.draft_tokens != 5:
            raise ValueError('"draft_tokens" needs "assistant"')
        if self.assistant is not None and self.prompt_lookup is not None:
            raise ValueError('drafts come from "assistant" or from "prompt_lookup", not from both')
        if self.assistant not in (None, "self"):
            check_model(self.assistant)
        for part in ("assistant", "prompt_lookup"):
            if getattr(self, part) is not None and self.fallback:
                raise ValueError(f'"fallback" goes without "{part}": samples take no drafts')
            alone = self.cache in (None, "dynamic") and self.beams == 1
            if getattr(self, part) is not None and not alone:
                raise ValueError(f'"{part}" works with a dynamic cache and one beam alone')
        return self
