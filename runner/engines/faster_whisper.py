"""Whisper through faster-whisper, which runs on CTranslate2: what many people use in production.

The same clips, the same region, the same windows and the same beam as the other Whisper engine:
features and text by faster-whisper, all windows of a batch decoded at once by its model. Its own
``transcribe()`` is used by ``sequential`` of a variant's ``long_form`` alone: voice activity
detection and time stamps would make its work depend on the text. So do retries at other
temperatures, which a variant's ``fallback`` adds. As faster-whisper does it, a short clip's
features are padded with zeros; transformers pads its waveform with silence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ctranslate2
import numpy as np
import torch
from faster_whisper.audio import pad_or_trim
from numpy.typing import NDArray

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
from runner.engines.conversion import Source
from runner.engines.ctranslate2_conversion import converted
from runner.engines.ctranslate2_techniques import CTRANSLATE2_TECHNIQUES, compute_type
from runner.engines.fallback import Fallback, Settled, WindowText
from runner.engines.faster_whisper_sequential import WatchedModel, transcribe_sequentially
from runner.engines.long_form import TakesLongForm, cut
from runner.engines.token_budget import TokenBudget
from runner.engines.whisper_checkpoint import announce
from runner.engines.whisper_prompt import WhisperPrompt, check_time_stamps
from runner.engines.whisper_settings import (
    ENGLISH_VOCABULARY,
    parameter_count,
)
from runner.errors import Refused, is_out_of_memory
from store.records import Scalar


class FasterWhisperEngine(TakesLongForm, TokenBudget, Engine):
    """One Whisper model, converted to CTranslate2."""

    family = "faster-whisper"
    capabilities = frozenset({"generate", "windows"})
    own_techniques = CTRANSLATE2_TECHNIQUES
    fallback: Fallback | None = None
    """What has unlikely texts decoded again, or None."""
    token_each_pass = True

    def __init__(self, request: LoadRequest, techniques: Sequence[Technique[Any]] = ()) -> None:
        super().__init__(request, techniques)
        self.beams = request.variant.beams
        self.compute_type = compute_type(request)
        device, _, index = request.device.partition(":")
        random = request.weights == "random"
        self.spoken = self._speak(request)
        self.language = self.spoken.language
        self.converted = converted(Source.of(request, self.compute_type))
        try:
            self.model = WatchedModel(
                str(self.converted.folder),
                device=device,
                device_index=int(index or 0),
                compute_type=self.compute_type,
                cpu_threads=torch.get_num_threads(),
                local_files_only=True,
            )
        except MemoryError:
            raise
        except Exception as error:
            if is_out_of_memory(str(error)):
                raise
            words = " ".join(str(error).split())[:300]
            raise Refused(f"faster-whisper cannot load {request.name}: {words}") from error
        self.config = self.converted.config
        self.prompt = self.spoken.tokens()
        self.end: int = self.converted.settings.eos_token_id
        self.window: int = self.model.feature_extractor.n_samples
        self.window_s = self.window / SAMPLE_RATE
        self.longest = self.config.max_target_positions - len(self.prompt)
        self.tokens_per_second = request.tokens_per_audio_second if random else None
        for technique in self.techniques:
            technique.apply(self)
        self.parameters = parameter_count(self.config)
        self.weights_bytes = self.converted.weights_bytes
        self.revision = request.revision if local_folder(request.name) is None else None

    def language_of(self, request: LoadRequest) -> None:
        """Its prompt says it."""

    def _speak(self, request: LoadRequest) -> WhisperPrompt:
        """The prompt, before anything is converted.

        Raises:
            Refused: the model lacks the language that is asked for.
        """
        spoken, config, self.remarks = announce(request)
        if spoken.detects and config.vocab_size <= ENGLISH_VOCABULARY:
            raise Refused(
                "CTranslate2 detects languages in the published vocabularies alone, and "
                f"{request.name} has one of {config.vocab_size} tokens: name the language"
            )
        check_time_stamps(request, spoken)
        if request.variant.long_form == "sequential" and config.vocab_size < ENGLISH_VOCABULARY:
            raise Refused(
                f"variant {request.variant.name}: faster-whisper's loop takes the published "
                f"vocabularies alone, and {request.name} has one of {config.vocab_size} tokens"
            )
        return spoken

    def transcribe(self, batch: Sequence[Waveform], mark: Mark = no_mark) -> Transcription:
        """See :class:`~runner.engines.base.Engine`. Windows of a clip are joined by a space."""
        if self.long_form.name == "sequential":
            return self._sequentially(batch, mark)
        heard = cut(batch, self.window, self.long_form)
        windows = heard.windows
        if not windows:
            return heard.unheard()
        extractor = self.model.feature_extractor
        features = self._features(windows)
        mark("features")
        view = _view(features)
        mark("transfer")
        encoded = self.model.model.encode(view, to_cpu=False)
        mark("encode")
        prompts = self._prompts(encoded, len(windows))
        if self.spoken.detects:
            mark("detect")
        tokens, fixed = self.token_limit(max(map(len, windows)) / SAMPLE_RATE)
        found = self._generate(encoded, prompts, tokens, fixed=fixed)
        passes = max(_length(row, tokens) for row in found)
        if self.fallback is not None and self.ends_by_itself:
            settled = self._fall_back(self.fallback, found, features, encoded, prompts)
            mark("decode")
        else:
            mark("decode")
            said = self._window_texts(found, tokens)
            settled = Settled(said, sum(window.tokens for window in said), passes=0, rounds=0)
        joined = heard.join([window.text for window in settled.windows])
        mark("text")
        limits = [window.at_limit for window in settled.windows]
        return Transcription(
            texts=tuple(clip.text for clip in joined),
            at_limit=heard.in_any(limits) if self.ends_by_itself else None,
            tokens=settled.tokens,
            windows=len(windows),
            decoder_calls=passes + settled.passes,
            input_samples=features.shape[0] * features.shape[-1] * extractor.hop_length,
            prefills=1 + settled.rounds,
            seams=tuple(clip.seams for clip in joined),
        )

    def _sequentially(self, batch: Sequence[Waveform], mark: Mark) -> Transcription:
        told = self.spoken.language
        return transcribe_sequentially(
            self.model,
            batch,
            mark,
            language=None if told is None else told.code,
            beams=self.beams,
            # Without the token that asks for no time stamps.
            most_tokens=self.longest + 1,
            cap=self.cap,
        )

    def _window_texts(self, found: Sequence[Any], tokens: int) -> tuple[WindowText, ...]:
        """What was decoded.

        Args:
            found: CTranslate2's result of each window.
            tokens: Most that a window may have.
        """
        texts = self.model.hf_tokenizer.decode_batch([row.sequences_ids[0] for row in found])
        return tuple(
            WindowText(
                text=text,
                tokens=_length(row, tokens),
                at_limit=len(row.sequences_ids[0]) >= tokens,
                mean_log_probability=_mean_log_probability(row),
            )
            for text, row in zip(texts, found, strict=True)
        )

    def _fall_back(
        self,
        fallback: Fallback,
        found: Sequence[Any],
        features: NDArray[np.float32],
        encoded: Any,
        prompts: Sequence[list[int]],
    ) -> Settled:
        """Decodes again what fails.

        Args:
            fallback: Says what fails.
            found: CTranslate2's result of each window.
            features: Of all windows, ``(windows, mels, frames)``.
            encoded: The encoder's output of all windows, on the device.
            prompts: The prompt of each window.
        """

        def again(indices: Sequence[int], temperature: float) -> tuple[Sequence[WindowText], int]:
            # CTranslate2 cannot take some rows of what it has encoded.
            part = encoded if len(indices) == len(found) else self._encode(features[indices])
            told = [prompts[index] for index in indices]
            rows = self._generate(part, told, self.longest, fixed=False, temperature=temperature)
            return self._window_texts(rows, self.longest), max(
                _length(row, self.longest) for row in rows
            )

        return fallback.settle(self._window_texts(found, self.longest), again)

    def _prompts(self, encoded: Any, rows: int) -> list[list[int]]:
        """The prompt of each window, its language found out where that is asked for.

        Args:
            encoded: The encoder's output.
            rows: Windows in it.
        """
        if not self.spoken.detects:
            return [self.prompt] * rows
        known = self.spoken.languages
        likeliest = (
            next(code for token, _ in found if (code := token.strip("<|>")) in known)
            for found in self.model.model.detect_language(encoded)
        )
        return [self.spoken.tokens(code) for code in likeliest]

    def _encode(self, features: NDArray[np.float32]) -> Any:
        """The encoder's output, on the device."""
        return self.model.model.encode(_view(features), to_cpu=False)

    def _features(self, windows: Sequence[Waveform]) -> NDArray[np.float32]:
        """Log-mel features, ``(windows, mels, frames)``."""
        extractor = self.model.feature_extractor
        # It takes the maximum of the frames, of which a clip shorter than one has none.
        heard = [np.pad(wave, (0, max(0, extractor.hop_length - len(wave)))) for wave in windows]
        return np.stack([pad_or_trim(extractor(wave), extractor.nb_max_frames) for wave in heard])

    def _generate(
        self,
        encoded: Any,
        prompts: Sequence[list[int]],
        tokens: int,
        *,
        fixed: bool,
        hypotheses: int = 1,
        temperature: float = 0.0,
    ) -> Sequence[Any]:
        """Decodes what was encoded.

        Args:
            encoded: The encoder's output.
            prompts: The prompt of each window.
            tokens: Most tokens of a row.
            fixed: Whether every row is to have just as many.
            hypotheses: How many of each row are given.
            temperature: Above 0 tokens are sampled, without beams.
        """
        sampling = {"sampling_topk": 0, "sampling_temperature": temperature} if temperature else {}
        found: Sequence[Any] = self.model.model.generate(
            encoded,
            list(prompts),
            beam_size=1 if temperature else self.beams,
            num_hypotheses=hypotheses,
            # CTranslate2 halves it.
            max_length=2 * tokens,
            suppress_blank=True,
            suppress_tokens=[-1, self.end] if fixed else [-1],
            return_scores=self.fallback is not None,
            **sampling,
        )
        return found

    def synchronize(self) -> None:
        """Ids are on the host when a batch is through."""

    def figures(self) -> tuple[Scalar, ...]:
        """What the conversion took, where this case had to make it, and what techniques found."""
        return (*self.converted.figures(), *super().figures())

    def hypotheses(self, batch: Sequence[Waveform], count: int) -> list[int]:
        """How many hypotheses the search gives of each window, in a short pass.

        Args:
            batch: Waveforms, each of shape (samples,).
            count: How many are asked for.

        Raises:
            ValueError: the search follows fewer.
        """
        windows = cut(batch, self.window).windows
        encoded = self._encode(self._features(windows))
        with self.shortened(4):
            tokens, fixed = self.token_limit(max(map(len, windows)) / SAMPLE_RATE)
            prompts = self._prompts(encoded, len(windows))
            rows = self._generate(encoded, prompts, tokens, fixed=fixed, hypotheses=count)
        return [len(row.sequences_ids) for row in rows]

    def decoder_passes(self, batch: Sequence[Waveform], tokens: int) -> DecoderPasses:
        """See :meth:`~runner.engines.base.Engine.decoder_passes`."""
        raise Unmeasurable("CTranslate2 decodes a whole text in one call: its steps cannot be seen")

    def workload(self, *, samples: int, batch: int, decoder_calls: float | None) -> Workload:
        """See :meth:`~runner.engines.base.Engine.workload`.

        It is the original's work: the same encoder, prefill and cached steps.
        """
        if self.fallback is not None:
            self.fallback.check_countable()
        return Workload(
            config=self.config,
            samples=samples,
            batch=batch,
            windows=self.long_form.count(samples, self.window),
            prompt_tokens=len(self.prompt),
            tokens=min(round(decoder_calls or 1), self.longest),
            beams=self.beams,
            detects=self.spoken.detects,
        )


def _length(row: Any, most: int) -> int:
    """Tokens of a result; the end of text is left out of its ids, and was a token all the same."""
    return min(len(row.sequences_ids[0]) + 1, most)


def _mean_log_probability(row: Any) -> float:
    """Mean log probability of a token, as faster-whisper takes it; 0 where it is not known.

    That is where no scores were asked for, and of an empty text, whose score CTranslate2 divides
    by its length.
    """
    tokens = len(row.sequences_ids[0])
    if not row.scores or not tokens:
        return 0.0
    # A score is the sum by the tokens without the end, whose probability is in the sum.
    score: float = row.scores[0]
    return score * tokens / (tokens + 1)


def _view(features: NDArray[np.float32]) -> Any:
    return ctranslate2.StorageView.from_array(np.ascontiguousarray(features, np.float32))
