"""Encoders with a decoder through transformers: what Whisper, Moonshine and Canary have in common.

Audio longer than the encoder's window, where it has one, is cut into windows, all of them one
batch; without overlap unless the variant's ``long_form`` says so. Transformers' own long-form loop
is used by ``sequential`` alone: it decodes a number of passes that depends on the predicted
timestamps, so its work is not comparable between models, and with random weights it loops.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch.nn.utils.rnn import pad_sequence

from runner.clips.clip import SAMPLE_RATE, Waveform
from runner.engines.base import (
    DecoderPasses,
    LoadRequest,
    Mark,
    Technique,
    Transcription,
    Unmeasurable,
    Workload,
    no_mark,
)
from runner.engines.chunks import Chunks
from runner.engines.generation import GenerateEngine
from runner.engines.long_form import TakesLongForm, cut
from runner.engines.seq2seq_decoder import Seq2SeqDecoder
from runner.engines.speculation import Speculation
from runner.engines.text_ends import text_ends
from runner.engines.whisper_fallback import decode_with_fallback
from runner.errors import Refused


class Seq2SeqEngine(TakesLongForm, GenerateEngine):
    """One model with an encoder and a decoder, pretrained or with random weights."""

    extractor: Any
    window: int | None = None
    """Samples of one encoder window; None where a clip is encoded in one piece."""
    fills_window: ClassVar[bool] = True
    """Whether audio shorter than a window is padded to a full one."""
    prompt_ids: tuple[int, ...] = ()
    """What each text begins with; nothing where the generation settings say it."""
    time_stamps: ClassVar[bool] = False
    """Whether its text can say when it was spoken."""

    def __init__(self, request: LoadRequest, techniques: Sequence[Technique[Any]] = ()) -> None:
        super().__init__(request, techniques)
        if request.variant.long_form == "sequential" and not self.time_stamps:
            raise Refused(
                f"variant {request.variant.name}: {request.name} writes no time stamps, by which "
                '"sequential" finds its windows: choose another "long_form"'
            )
        if request.made:
            self.make_random(request)
        else:
            self.load(request)
        if request.weights == "random":
            self.tokens_per_second = request.tokens_per_audio_second
        self.settle()

    @abstractmethod
    def load(self, request: LoadRequest) -> None:
        """Loads the checkpoint, its feature extractor and its tokenizer.

        Raises:
            Refused: they cannot be had.
        """

    @abstractmethod
    def make_random(self, request: LoadRequest) -> None:
        """Makes the published architecture with random weights."""

    @abstractmethod
    def settle(self) -> None:
        """Sets what the loaded model decides: window, prompt, longest text."""

    @abstractmethod
    def features(self, windows: list[Waveform]) -> torch.Tensor:
        """The encoder's input on the host, ``(windows, ...)``."""

    @abstractmethod
    def input_samples(self, features: torch.Tensor) -> int:
        """Samples that the encoder's input, ``(windows, ...)``, stands for, padding included."""

    def beginnings(self, rows: int) -> dict[str, Any]:
        """See :meth:`~runner.engines.generation.GenerateEngine.beginnings`."""
        if not self.prompt_ids:
            return {}
        return {"decoder_input_ids": torch.tensor([self.prompt_ids] * rows, device=self.device)}

    def masks(self, windows: list[Waveform]) -> dict[str, torch.Tensor]:
        """What tells the model where padding begins: nothing where a window is always full."""
        return {}

    def listen(self, features: torch.Tensor, mark: Mark) -> dict[str, Any]:
        """What comes before the text: arguments of ``generate()`` for these features.

        Args:
            features: The encoder's input on the device, ``(windows, ...)``.
            mark: Called at the end of each stage.
        """
        return {}

    @abstractmethod
    def most_tokens(self, seconds: float) -> int:
        """Most tokens of a text that ends by itself.

        Args:
            seconds: Of the longest window.
        """

    def transcribe(self, batch: Sequence[Waveform], mark: Mark = no_mark) -> Transcription:
        """See :class:`~runner.engines.base.Engine`. Windows of a clip are joined by a space."""
        if self.chunks is not None:
            return self._stream(batch, self.chunks, mark)
        return self._transcribe(batch, mark)

    def _stream(self, batch: Sequence[Waveform], chunks: Chunks, mark: Mark) -> Transcription:
        """Hears and decodes chunk by chunk, each by itself."""
        parts: list[Transcription] = []
        texts: list[str] = []
        for windows in chunks.windows(batch):
            parts.append(self._transcribe(windows, mark))
            texts = [
                " ".join(filter(None, said)) for said in zip(*(p.texts for p in parts), strict=True)
            ]
            self.after_chunk(texts)
        limits = [part.at_limit for part in parts if part.at_limit is not None]
        return Transcription(
            texts=tuple(texts),
            at_limit=tuple(map(any, zip(*limits, strict=True))) if limits else None,
            tokens=sum(part.tokens or 0 for part in parts),
            windows=sum(part.windows or 0 for part in parts),
            decoder_calls=sum(part.decoder_calls or 0 for part in parts),
            prefills=sum(part.prefills for part in parts),
        )

    def _transcribe(self, batch: Sequence[Waveform], mark: Mark) -> Transcription:
        found = cut(batch, self.window, self.long_form)
        windows = found.windows
        if not windows:
            return found.unheard()
        features = self.features(windows)
        mark("features")
        features = features.to(self.device, self.dtype)
        mark("transfer")
        self.bound_decoder(max(map(len, windows)) / SAMPLE_RATE)
        with self.inference():
            decoded = self._decode(features, self.masks(windows), mark)
        joined = found.join(decoded.texts)
        mark("text")
        at_limit = found.in_any(decoded.at_limit)
        return Transcription(
            texts=tuple(clip.text for clip in joined),
            at_limit=at_limit if self.ends_by_itself else None,
            tokens=decoded.tokens,
            windows=len(windows),
            decoder_calls=decoded.passes,
            input_samples=self.input_samples(features),
            prefills=decoded.prefills,
            seams=tuple(clip.seams for clip in joined),
        )

    def _decode(
        self, features: torch.Tensor, masks: dict[str, torch.Tensor], mark: Mark
    ) -> _Decoded:
        """The texts of all windows."""
        if self.fallback is not None and self.ends_by_itself:
            settled, passes = decode_with_fallback(self, self.fallback, features, mark)
            return _Decoded(
                texts=[window.text for window in settled.windows],
                at_limit=[window.at_limit for window in settled.windows],
                tokens=settled.tokens,
                passes=passes + settled.passes,
                prefills=1 + settled.rounds,
            )
        if self.speculation is None:
            generated, passes = self._generate(features, masks, mark)
        else:
            generated, passes = self._speculate(self.speculation, features, mark)
        ends = text_ends(generated, self.model.generation_config.eos_token_id)
        return _Decoded(
            texts=self.texts_of(generated),
            at_limit=ends.at_limit,
            tokens=sum(ends.tokens),
            passes=passes,
            prefills=1 if self.speculation is None else len(features),
        )

    def texts_of(self, generated: torch.Tensor) -> list[str]:
        """What the ids of each row, ``(rows, tokens)``, say."""
        texts: list[str] = self.tokenizer.batch_decode(generated, skip_special_tokens=True)
        return texts

    def _generate(
        self, features: torch.Tensor, masks: dict[str, torch.Tensor], mark: Mark
    ) -> tuple[torch.Tensor, int]:
        """Decodes all rows at once: the ids without the prompt, on the host, and the passes."""
        heard = self.listen(features, mark)
        with self.following(mark) as passes:
            ids = self.model.generate(
                features,
                streamer=passes.streamer,
                **self.beginnings(len(features)),
                **masks,
                **heard,
            )
        generated = ids[:, self.prompt :].cpu()
        mark("decode")
        return generated, generated.shape[1] if passes.count is None else passes.count

    def _speculate(
        self, speculation: Speculation, features: torch.Tensor, mark: Mark
    ) -> tuple[torch.Tensor, int]:
        """Decodes row by row: rows would keep drafts of different lengths."""
        rows = []
        calls = 0
        # Whisper's generate() takes the word alone, without a model, for an assistant.
        drafter = speculation.drafter
        assistant = {} if drafter is None else {"assistant_model": drafter}
        for row in features.split(1):
            with self.following(mark) as passes:
                ids = self.model.generate(row, **assistant)
            rows.append(ids[0, self.prompt :].cpu())
            mark("decode")
            calls += passes.count or 0
            speculation.finish(self.prompt, rows[-1])
        padding = float(self.model.generation_config.pad_token_id)
        return pad_sequence(rows, batch_first=True, padding_value=padding), calls

    def decoder_passes(self, batch: Sequence[Waveform], tokens: int) -> DecoderPasses:
        """See :meth:`~runner.engines.base.Engine.decoder_passes`."""
        if self.speculation is not None:
            raise Unmeasurable("with drafts a decoder pass has no one position")
        if self.model.generation_config.compile_config is not None:
            raise Unmeasurable("compiled code does not tell its steps apart")
        windows = cut(batch, self.window).windows
        features = self.features(windows).to(self.device, self.dtype)
        with self.inference():
            self.listen(features, no_mark)
        return Seq2SeqDecoder(self, features, tokens, self.masks(windows))

    def bound_decoder(self, seconds: float) -> None:
        """Sets how many tokens a row generates.

        Args:
            seconds: Of the longest window.
        """
        tokens, fixed = self.token_limit(seconds)
        self.bound(tokens, fixed=fixed)

    def fixed_calls(self, samples: int) -> float | None:
        """See :meth:`~runner.engines.base.Engine.fixed_calls`."""
        if self.tokens_per_second is None:
            return None
        return self.token_limit(min(samples, self.window or samples) / SAMPLE_RATE)[0]

    def workload(self, *, samples: int, batch: int, decoder_calls: float | None) -> Workload:
        """See :meth:`~runner.engines.base.Engine.workload`."""
        if self.speculation is not None:
            raise Unmeasurable("the drafts decide how much is computed")
        if self.chunks is not None:
            raise Unmeasurable("how many tokens each chunk decodes is not kept")
        if self.fallback is not None:
            self.fallback.check_countable()
        settings = self.model.generation_config
        windows = None if self.window is None else self.long_form.count(samples, self.window)
        if windows is not None and not self.fills_window:
            # Rows as long as the longest of them, which is a whole clip or a full window.
            samples, batch, windows = min(samples, self.window or samples), batch * windows, 1
        return Workload(
            config=self.model.config,
            samples=samples,
            batch=batch,
            windows=windows,
            prompt_tokens=self.prompt,
            tokens=None if decoder_calls is None else min(round(decoder_calls), self.longest),
            cached=settings.use_cache is not False,
            beams=settings.num_beams or 1,
        )


@dataclass(frozen=True)
class _Decoded:
    """What the windows of a batch came to."""

    texts: Sequence[str]
    at_limit: Sequence[bool]
    """Whether the length limit ended it, for each window."""
    tokens: int
    """Of all windows, end-of-text included."""
    passes: int
    """Of the decoder."""
    prefills: int
