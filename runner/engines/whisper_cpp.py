"""Whisper through whisper.cpp: C++ without a framework, what phones and small machines run.

The same clips, the same region, the same windows and the same prompt as the other Whisper engines.
Front end, encoder and decoder are whisper.cpp's; the loop over the tokens is here. Its own
(``whisper_full``) cuts and retries by what it finds, ends a text after 220 tokens, and takes ids of
special tokens for granted that a small vocabulary does not have. It has no batches: windows are
transcribed one after the other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from transformers import AutoTokenizer, WhisperFeatureExtractor

from runner.catalogue.models import local_folder
from runner.clips.clip import SAMPLE_RATE, Waveform
from runner.engines.base import (
    DecoderPasses,
    Engine,
    LoadRequest,
    Mark,
    Technique,
    Transcription,
    Unmeasurable,
    Workload,
    no_mark,
)
from runner.engines.ggml_conversion import Source, converted
from runner.engines.language import Language
from runner.engines.long_form import TakesLongForm, cut
from runner.engines.token_budget import TokenBudget
from runner.engines.whisper_checkpoint import announce, refuse_detection
from runner.engines.whisper_cpp_library import FRAME, HOP, VERSION, WhisperCpp
from runner.engines.whisper_cpp_techniques import (
    WHISPER_CPP_TECHNIQUES,
    flash_attention,
    format_name,
)
from runner.engines.whisper_settings import parameter_count
from runner.engines.working_threads import WorkingThreads
from runner.errors import NoEffect, Refused
from store.records import Proof, Scalar

DIFFERENCES = (
    "clips one after the other; keys and values in f16; GELU by its tanh approximation from a "
    "table in f16"
)
"""What cannot be made equal to transformers."""


class WhisperCppEngine(TakesLongForm, TokenBudget, Engine):
    """One Whisper model, converted to whisper.cpp's file."""

    family = "whisper-cpp"
    capabilities = frozenset({"generate", "audio_ctx", "windows"})
    own_techniques = WHISPER_CPP_TECHNIQUES

    def __init__(self, request: LoadRequest, techniques: Sequence[Technique[Any]] = ()) -> None:
        super().__init__(request, techniques)
        random = request.weights == "random"
        source = Source.of(
            request, format_name(request.variant), audio_positions=request.variant.audio_ctx
        )
        self.converted = converted(source)
        layout = self.converted.layout
        self.threads = torch.get_num_threads()
        self.model = WhisperCpp(
            self.converted.file,
            # It is on by default in whisper.cpp, and adds keys of zeros to the model's own.
            flash_attention=request.variant.attention == "flash",
            threads=self.threads,
        )
        self.audio_positions = self.model.audio_positions
        self.config = self.converted.config
        self.tokenizer = AutoTokenizer.from_pretrained(self.converted.folder)
        self.extractor = WhisperFeatureExtractor.from_pretrained(self.converted.folder)
        self.own_front_end = (self.extractor.n_fft, self.extractor.hop_length) == (FRAME, HOP)
        settings = self.converted.settings
        self.prompt = self.told.tokens()
        self.end: int = settings.eos_token_id
        self.never = np.array(settings.suppress_tokens or [], np.intp)
        """Tokens that no text has."""
        self.never_first = np.array(settings.begin_suppress_tokens or [], np.intp)
        """Tokens that no text begins with."""
        # The encoder halves the frames.
        self.window: int = 2 * self.audio_positions * self.extractor.hop_length
        self.window_s = self.window / SAMPLE_RATE
        self.longest = self.config.max_target_positions - len(self.prompt)
        self.tokens_per_second = request.tokens_per_audio_second if random else None
        for technique in self.techniques:
            technique.apply(self)
        self.parameters = parameter_count(self.config)
        self.weights_bytes = layout.weights_bytes
        self.revision = request.revision if local_folder(request.name) is None else None

    def language_of(self, request: LoadRequest) -> Language | None:
        """See :meth:`~runner.engines.base.Engine.language_of`. Its prompt says it."""
        self.told, _, self.remarks = announce(request)
        refuse_detection(self.told, self.family)
        return self.told.language

    @classmethod
    def check_device(cls, device: str) -> None:
        """Refuses GPUs, which the package is not built for."""
        if device != "cpu":
            raise Refused(f"device {device}: pywhispercpp's whisper.cpp runs on the CPU only")

    def transcribe(self, batch: Sequence[Waveform], mark: Mark = no_mark) -> Transcription:
        """See :class:`~runner.engines.base.Engine`. Windows of a clip are joined by a space."""
        found = cut(batch, self.window, self.long_form)
        windows = found.windows
        if not windows:
            return found.unheard()
        most, fixed = self.token_limit(max(map(len, windows)) / SAMPLE_RATE)
        rows = []
        for window in windows:
            self._hear(window)
            mark("features")
            mark("transfer")  # The spectrum is where it is needed.
            self.model.encode()
            mark("encode")
            rows.append(self._decode(most, fixed, mark))
        texts = self.tokenizer.batch_decode(rows, skip_special_tokens=True)
        joined = found.join(texts)
        mark("text")
        limits = [row[-1] != self.end for row in rows]
        tokens = sum(map(len, rows))
        return Transcription(
            texts=tuple(clip.text for clip in joined),
            at_limit=found.in_any(limits) if self.ends_by_itself else None,
            tokens=tokens,
            windows=len(windows),
            decoder_calls=tokens,
            input_samples=len(windows) * self.window,
            prefills=len(windows),
            seams=tuple(clip.seams for clip in joined),
        )

    def _hear(self, window: Waveform) -> None:
        """Has the model take a window's log-mel features."""
        if self.own_front_end:
            self.model.hear(window)
        else:
            features = self.extractor(window, sampling_rate=SAMPLE_RATE, return_tensors="np")
            self.model.take(features.input_features[0])

    def _decode(self, most: int, fixed: bool, mark: Mark) -> list[int]:
        """The tokens of the window that was encoded, the most likely one at each step.

        Args:
            most: Most tokens.
            fixed: Whether there are to be just as many.
            mark: Called after the prefill and after the last step.
        """
        found: list[int] = []
        following, past = self.prompt, 0
        while len(found) < most:
            logits = self.model.decode(following, past)
            logits[self.never] = -math.inf
            if not found:
                logits[self.never_first] = -math.inf
            if fixed:
                logits[self.end] = -math.inf
            token = int(logits.argmax())
            if not found:
                mark("prefill")
            found.append(token)
            if token == self.end:
                break
            past += len(following)
            following = [token]
        mark("decode")
        return found

    def synchronize(self) -> None:
        """The CPU has always done what it was asked to."""

    def verify(self, batch: Sequence[Waveform]) -> tuple[Proof, ...]:
        """See :meth:`~runner.engines.base.Engine.verify`; also looks at what every variant has."""
        with self.shortened(2), WorkingThreads() as working:
            self.transcribe(batch[:1])
        if working.count is not None and working.count < self.threads:
            raise NoEffect(
                f"variant {self.request.variant.name}: {self.threads} threads were asked for, and "
                f"only {working.count} computed"
            )
        flash = flash_attention(self.model.said)
        front_end = "its own" if self.own_front_end else "that of transformers, for its hop"
        found = (
            f"{working.count or 'an unknown number of'} threads computed; "
            f"flash attention {'on' if flash else 'off'}; {self.audio_positions} audio positions; "
            f"front end {front_end}; unlike transformers: {DIFFERENCES}"
        )
        proof = Proof(technique="engine", requested=f"whisper.cpp {VERSION}", found=found)
        return (*super().verify(batch), proof)

    def figures(self) -> tuple[Scalar, ...]:
        """What the conversion took, where this case had to make it, and what techniques found."""
        return (*self.converted.figures(), *super().figures())

    def decoder_passes(self, batch: Sequence[Waveform], tokens: int) -> DecoderPasses:
        """See :meth:`~runner.engines.base.Engine.decoder_passes`."""
        raise Unmeasurable("what a decoder step of whisper.cpp spends its time on cannot be seen")

    def workload(self, *, samples: int, batch: int, decoder_calls: float | None) -> Workload:
        """See :meth:`~runner.engines.base.Engine.workload`.

        It is the original's work: the same encoder, prefill and cached steps. A pass is of one
        window, so each has its share of the passes.
        """
        windows = self.long_form.count(samples, self.window)
        return Workload(
            config=self.config,
            samples=samples,
            batch=batch,
            windows=windows,
            prompt_tokens=len(self.prompt),
            tokens=max(1, min(round((decoder_calls or 1) / (batch * windows)), self.longest)),
        )
