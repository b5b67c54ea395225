"""Whisper through faster-whisper, which runs on CTranslate2: what many people use in production.

The same clips, the same region, the same windows and the same beam as the other Whisper engine:
features and text by faster-whisper, all windows of a batch decoded at once by its model. Its own
``transcribe()`` is not used: voice activity detection, retries at other temperatures and time
stamps would make its work depend on the text. As faster-whisper does it, a short clip's features
are padded with zeros; transformers pads its waveform with silence.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import torch
from faster_whisper import WhisperModel
from faster_whisper.audio import pad_or_trim
from numpy.typing import NDArray

from runner.clips.clip import SAMPLE_RATE, Waveform
from runner.engines.base import (
    DecoderPasses,
    Engine,
    LoadRequest,
    Mark,
    Transcription,
    Unmeasurable,
    no_mark,
)
from runner.engines.catalogue import local_folder
from runner.engines.ctranslate2_conversion import Source, converted
from runner.engines.hub import gated
from runner.engines.windows import cut_windows, fixed_tokens, join_windows
from runner.errors import NoEffect, Refused
from store.records import Figure, FlopsReading, Proof

_FLOATS = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16"}
_PARTS = {"precision", "quantization", "beams", "batching"}
"""Parts of a variant that it has."""


class FasterWhisperEngine(Engine):
    """One Whisper model, converted to CTranslate2."""

    family = "faster-whisper"
    token_each_pass = True

    def __init__(self, request: LoadRequest) -> None:
        self.variant = request.variant
        self.beams = request.variant.beams
        self.compute_type = compute_type(request)
        device, _, index = request.device.partition(":")
        random = request.weights == "random"
        self.converted = converted(
            Source(
                name=request.name if random else str(_checkpoint(request)),
                quantization=self.compute_type,
                seed=request.seed if random else None,
            )
        )
        self.model = WhisperModel(
            str(self.converted.folder),
            device=device,
            device_index=int(index or 0),
            compute_type=self.compute_type,
            cpu_threads=torch.get_num_threads(),
            local_files_only=True,
        )
        self.config = self.converted.config
        settings = self.converted.settings
        self.prompt = prompt_tokens(settings)
        self.end: int = settings.eos_token_id
        self.window: int = self.model.feature_extractor.n_samples
        self.longest = self.config.max_target_positions - len(self.prompt)
        self.tokens_per_second = request.tokens_per_audio_second if random else None
        self.cap: int | None = None
        self.parameters = _parameters(self.config)
        self.weights_bytes = self.converted.weights_bytes
        self.revision = request.revision if local_folder(request.name) is None else None

    def transcribe(self, batch: Sequence[Waveform], mark: Mark = no_mark) -> Transcription:
        """See :class:`~runner.engines.base.Engine`. Windows of a clip are joined by a space."""
        windows = cut_windows(batch, self.window)
        extractor = self.model.feature_extractor
        features = self._features(windows)
        mark("features")
        view = _view(features)
        mark("transfer")
        encoded = self.model.model.encode(view, to_cpu=False)
        mark("encode")
        tokens, fixed = self._tokens(max(map(len, windows)) / SAMPLE_RATE)
        found = self._generate(encoded, len(windows), tokens, fixed=fixed)
        ids = [row.sequences_ids[0] for row in found]
        mark("decode")
        texts = self.model.hf_tokenizer.decode_batch(ids)
        joined = join_windows(texts, batch, self.window)
        mark("text")
        # The end of text is left out of the ids; it was a token all the same.
        lengths = [min(len(row) + 1, tokens) for row in ids]
        return Transcription(
            texts=joined,
            tokens=sum(lengths),
            windows=len(windows),
            decoder_calls=max(lengths),
            input_samples=features.shape[0] * features.shape[-1] * extractor.hop_length,
        )

    def _tokens(self, seconds: float) -> tuple[int, bool]:
        """Most tokens of a row, and whether it is to have exactly as many."""
        if self.tokens_per_second is None:
            return self.cap or self.longest, False
        return fixed_tokens(self.tokens_per_second, seconds, self.longest, self.cap), True

    def _features(self, windows: Sequence[Waveform]) -> NDArray[np.float32]:
        """Log-mel features, ``(windows, mels, frames)``."""
        extractor = self.model.feature_extractor
        return np.stack([pad_or_trim(extractor(wave), extractor.nb_max_frames) for wave in windows])

    def _generate(
        self, encoded: Any, rows: int, tokens: int, *, fixed: bool, hypotheses: int = 1
    ) -> Sequence[Any]:
        """Decodes what was encoded; ``hypotheses`` are given of each row."""
        found: Sequence[Any] = self.model.model.generate(
            encoded,
            [self.prompt] * rows,
            beam_size=self.beams,
            num_hypotheses=hypotheses,
            # CTranslate2 halves it.
            max_length=2 * tokens,
            suppress_blank=True,
            suppress_tokens=[-1, self.end] if fixed else [-1],
        )
        return found

    def synchronize(self) -> None:
        """Ids are on the host when a batch is through."""

    def prove(self, batch: Sequence[Waveform]) -> tuple[Proof, ...]:
        """Asks the loaded model for its number format, and for as many hypotheses as beams."""
        variant = self.variant
        found = self.model.model.compute_type
        if found != self.compute_type:
            raise NoEffect(
                f"variant {variant.name}: {self.compute_type} did not take effect: "
                f"CTranslate2 computes in {found}"
            )
        words = f"{found}, {self.converted.weights_bytes / 1e6:.1f} MB of weights"
        proofs = [Proof(part="precision", asked=variant.precision, found=words)]
        if variant.quantization is not None:
            proofs.append(Proof(part="quantization", asked=variant.quantization, found=words))
        if variant.beams > 1:
            proofs.append(self._prove_beams(batch))
        return tuple(proofs)

    def _prove_beams(self, batch: Sequence[Waveform]) -> Proof:
        """A search has as many hypotheses as it has beams, and refuses to give more."""
        asked = self.variant.beams
        windows = cut_windows(batch, self.window)
        encoded = self.model.model.encode(_view(self._features(windows)), to_cpu=False)
        nothing = f"variant {self.variant.name}: beams {asked} did not take effect: "
        with self.shortened(4):
            tokens, fixed = self._tokens(max(map(len, windows)) / SAMPLE_RATE)
            try:
                rows = self._generate(encoded, len(windows), tokens, fixed=fixed, hypotheses=asked)
            except ValueError as error:
                raise NoEffect(nothing + " ".join(str(error).split())) from error
        given = {len(row.sequences_ids) for row in rows}
        if given != {asked}:
            raise NoEffect(f"{nothing}the search has {sorted(given)} hypotheses")
        return Proof(part="beams", asked=str(asked), found=f"{asked} hypotheses of each window")

    def figures(self) -> tuple[Figure, ...]:
        """What the conversion took, where this case had to make it."""
        seconds = self.converted.seconds
        if seconds is None:
            return ()
        return (Figure(name="conversion_s", value=seconds, note="in load_s; cached from now on"),)

    def decoder_passes(self, batch: Sequence[Waveform], tokens: int) -> DecoderPasses:
        """See :meth:`~runner.engines.base.Engine.decoder_passes`."""
        raise Unmeasurable("CTranslate2 decodes a whole text in one call: its steps cannot be seen")

    @contextmanager
    def shortened(self, tokens: int) -> Iterator[None]:
        """Caps the decoder at ``tokens`` a row."""
        self.cap = min(tokens, self.longest)
        try:
            yield
        finally:
            self.cap = None

    def flops(
        self, *, samples: int, batch: int, decoder_calls: float | None
    ) -> tuple[FlopsReading, ...]:
        """Counts the original: the same encoder, prefill and cached steps."""
        from runner.measure.flops import count_flops

        return count_flops(
            self.config,
            samples=samples,
            batch=batch,
            windows=math.ceil(samples / self.window),
            prompt_tokens=len(self.prompt),
            tokens=min(round(decoder_calls or 1), self.longest),
            beams=self.beams,
        )


def _view(features: NDArray[np.float32]) -> Any:
    return ctranslate2.StorageView.from_array(np.ascontiguousarray(features, np.float32))


def compute_type(request: LoadRequest) -> str:
    """CTranslate2's name of the number format of a variant.

    Raises:
        Refused: it has no such format, or not on this device.
    """
    variant = request.variant
    lacking = sorted(set(variant.parts) - _PARTS)
    if lacking:
        raise Refused(f"variant {variant.name}: faster-whisper has no {', '.join(lacking)}")
    if variant.precision not in _FLOATS:
        raise Refused(f"variant {variant.name}: faster-whisper has no {variant.precision}")
    if variant.quantization not in (None, "int8-dynamic"):
        raise Refused(
            f"variant {variant.name}: faster-whisper has no {variant.quantization}; "
            "use int8-dynamic"
        )
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


def prompt_tokens(settings: Any) -> list[int]:
    """The tokens before the first generated one: start, language, task, no time stamps."""
    tokens = [settings.decoder_start_token_id]
    if getattr(settings, "is_multilingual", False):
        tokens += [settings.lang_to_id["<|en|>"], settings.task_to_id["transcribe"]]
    silent = getattr(settings, "no_timestamps_token_id", None)
    return tokens if silent is None else [*tokens, silent]


def _checkpoint(request: LoadRequest) -> Path:
    """The folder of the original's files, fetched if need be.

    Raises:
        Refused: they cannot be had.
    """
    folder = local_folder(request.name)
    if folder is not None:
        return folder
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError

    try:
        return Path(
            snapshot_download(
                request.name,
                revision=request.revision,
                local_files_only=request.cached,
                allow_patterns=["*.json", "*.txt", "*.safetensors"],
            )
        )
    except GatedRepoError as error:
        raise Refused(gated(request.name)) from error
    except Exception as error:
        words = " ".join(str(error).split())[:300]
        raise Refused(f"cannot load {request.name}: {words}") from error


def _parameters(config: Any) -> int:
    from runner.measure.flops.models import build

    return sum(parameter.numel() for parameter in build(config).parameters())
