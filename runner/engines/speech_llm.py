"""Language models that hear, through transformers: an encoder whose output stands in the prompt.

There is no cross-attention: each position of the audio is a token of the prompt, so the prompt is
as long as the audio, and the first pass of the decoder reads all of it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import torch

from runner.clips.clip import Waveform
from runner.engines.architectures import feature_extractor, published_config
from runner.engines.audio_prompt import AudioPrompt
from runner.engines.base import DecoderPasses, LoadRequest, Mark, Unmeasurable, Workload, no_mark
from runner.engines.generation import Passes
from runner.engines.pretrained import load_model, no_memory
from runner.engines.search_settings import plain_search, published_settings, set_aside
from runner.engines.seq2seq import Seq2SeqEngine
from runner.engines.seq2seq_decoder import Seq2SeqDecoder
from runner.engines.vocabulary import piece_tokenizer

FEWEST_TOKENS = 512
"""Of a text that ends by itself, as the publishers of such models allow a short clip."""


class SpeechLLMEngine(Seq2SeqEngine):
    """One such model."""

    capabilities = frozenset({"torch", "linear", "attention", "generate", "kv_cache"})
    bounds = ("max_new_tokens", "min_new_tokens")
    model_class: ClassVar[Any]
    """The class of transformers."""
    audio_prompt: AudioPrompt

    @property
    def encoder(self) -> Any:
        """See :attr:`~runner.engines.torch_engine.TorchEngine.encoder`."""
        return self.model.get_encoder(modality="audio")

    def settle(self) -> None:
        """See :meth:`~runner.engines.seq2seq.Seq2SeqEngine.settle`."""
        # Of the audio too: how long a prompt is, the clip decides.
        self.prompt = self.audio_prompt.tokens(0)
        self.longest = self.model.config.get_text_config().max_position_embeddings - self.prompt
        # Unset, or generate() would hold it against the whole prompt.
        self.model.generation_config.max_length = None

    def make_random(self, request: LoadRequest) -> None:
        """See :meth:`~runner.engines.seq2seq.Seq2SeqEngine.make_random`."""
        config: Any = published_config(request.name)
        torch.manual_seed(request.seed)
        with no_memory(request):
            model = self.model_class(config)
        self.extractor = feature_extractor(request.name)
        size = config.text_config.vocab_size
        self.tokenizer = piece_tokenizer(size, special=size)
        self.audio_prompt = self.published_prompt(config)
        model.generation_config.pad_token_id = self.audio_prompt.padding
        self.place(model)

    @abstractmethod
    def published_prompt(self, config: Any) -> AudioPrompt:
        """The prompt of the published models, in the ids of a tokenizer that is not at hand.

        Args:
            config: The configuration.
        """

    def load_weights(self, request: LoadRequest, config: Any) -> Any:
        """The pretrained model, which searches as its variant says.

        Args:
            request: What to load.
            config: Its configuration.
        """
        published = published_settings(request, config)
        self.remarks = tuple(filter(None, [set_aside(published, request.variant.beams)]))
        model = load_model(self.model_class, request)
        model.generation_config = plain_search(published)
        return model

    @abstractmethod
    def positions(self, samples: int) -> int:
        """Positions of the prompt that the audio of one clip takes.

        Args:
            samples: Of the clip, at 16 kHz.
        """

    @abstractmethod
    def feature_masks(self, windows: list[Waveform]) -> dict[str, torch.Tensor]:
        """What tells the encoder where padding begins, on the host."""

    @property
    @abstractmethod
    def positions_a_second(self) -> float:
        """Positions of the prompt that a second of audio takes."""

    def most_tokens(self, seconds: float) -> int:
        """As many as the audio has positions, for no language is said faster; and a few."""
        return min(self.longest, max(FEWEST_TOKENS, round(seconds * self.positions_a_second)))

    def bound(self, tokens: int, *, fixed: bool) -> None:
        """See :meth:`~runner.engines.generation.GenerateEngine.bound`; prompts differ in length."""
        settings = self.model.generation_config
        settings.max_new_tokens = tokens
        settings.min_new_tokens = tokens if fixed else None

    def masks(self, windows: list[Waveform]) -> dict[str, torch.Tensor]:
        """Prompts and masks of the clips, on the device."""
        ids, mask = self.audio_prompt.rows([self.positions(len(wave)) for wave in windows])
        made = {"input_ids": ids, "attention_mask": mask, **self.feature_masks(windows)}
        return {name: values.to(self.device) for name, values in made.items()}

    @contextmanager
    def following(self, mark: Mark) -> Iterator[Passes]:
        """See :meth:`~runner.engines.generation.GenerateEngine.following`.

        A streamer would be told of the prompt before the encoder has run, so hooks mark the stages.
        """
        greedy = self.model.generation_config.num_beams in (None, 1)
        if greedy and mark is no_mark:
            yield Passes(None)
            return
        # The head runs after the decoder: the stage ends a little before the first token is there.
        with self.watching(mark) as passes:
            yield passes

    def _generate(
        self, features: torch.Tensor, masks: dict[str, torch.Tensor], mark: Mark
    ) -> tuple[torch.Tensor, int]:
        with self.following(mark) as passes:
            generated = self.answer(features, masks)
        generated = generated.cpu()
        mark("decode")
        return generated, generated.shape[1] if passes.count is None else passes.count

    def answer(self, features: torch.Tensor, masks: dict[str, torch.Tensor]) -> torch.Tensor:
        """The ids that follow the prompts, ``(clips, tokens)``.

        Args:
            features: The encoder's input on the device, ``(clips or windows, ...)``.
            masks: What :meth:`masks` gives.
        """
        settings = {}
        if self.model.generation_config.use_cache is False:
            # Every pass looks for the audio's places in the prompt and in what was said so far.
            settings["suppress_tokens"] = [self.audio_prompt.audio]
        ids: torch.Tensor = self.model.generate(input_features=features, **masks, **settings)
        return ids[:, masks["input_ids"].shape[1] :]

    def decoder_passes(self, batch: Sequence[Waveform], tokens: int) -> DecoderPasses:
        """See :meth:`~runner.engines.base.Engine.decoder_passes`."""
        if self.model.generation_config.use_cache is False:
            raise Unmeasurable("without a cache every pass encodes the audio anew")
        windows = list(batch)
        features = self.features(windows).to(self.device, self.dtype)
        return SpeechLLMDecoder(self, features, self.masks(windows), tokens)

    @abstractmethod
    def hear(self, features: torch.Tensor, masks: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """The embeddings of the audio, ``(positions of all clips, width)``.

        Args:
            features: The encoder's input on the device, ``(clips or windows, ...)``.
            masks: What :meth:`masks` gives.
        """

    def embed(self, features: torch.Tensor, masks: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """The embeddings of the prompts, ``(clips, tokens, width)``, the audio's among them.

        Args:
            features: The encoder's input on the device, ``(clips or windows, ...)``.
            masks: What :meth:`masks` gives.
        """
        heard = self.hear(features, masks)
        ids = masks["input_ids"]
        embedded: torch.Tensor = self.model.get_input_embeddings()(ids)
        place = (ids == self.audio_prompt.audio).unsqueeze(-1)
        return embedded.masked_scatter(place, heard.to(embedded.dtype))

    def workload(self, *, samples: int, batch: int, decoder_calls: float | None) -> Workload:
        """See :meth:`~runner.engines.base.Engine.workload`."""
        settings = self.model.generation_config
        if (settings.num_beams or 1) > 1:
            raise Unmeasurable("the beams of a model whose audio stands in its prompt")
        return Workload(
            config=self.model.config,
            samples=samples,
            batch=batch,
            prompt_tokens=self.prompt,
            tokens=None if decoder_calls is None else min(round(decoder_calls), self.longest),
            cached=settings.use_cache is not False,
        )


class SpeechLLMDecoder(Seq2SeqDecoder):
    """The decoder by itself, with the audio's embeddings at hand."""

    parts: ClassVar[Mapping[str, str]] = {
        "self_attn": "self_attention_share",
        "mlp": "feed_forward_share",
        "lm_head": "vocabulary_share",
    }

    def __init__(
        self,
        engine: SpeechLLMEngine,
        features: torch.Tensor,
        masks: Mapping[str, torch.Tensor],
        tokens: int,
    ) -> None:
        """Runs the encoder once.

        Args:
            engine: The model.
            features: The encoder's input on the device, ``(clips or windows, ...)``.
            masks: Prompts and masks of the clips.
            tokens: Tokens to decode a row; the decoder's limit where that is fewer.
        """
        self._engine = engine
        self._tokens = min(tokens, engine.longest)
        self._mask = masks["attention_mask"]
        self.rows = len(self._mask)
        decoder = engine.model.get_decoder()
        self._name = next(n for n, module in engine.model.named_modules() if module is decoder)
        with engine.inference():
            self._embedded = engine.embed(features, masks)

    def _decodes(self, name: str) -> bool:
        return name == "lm_head" or name.startswith(f"{self._name}.")

    def _generate(self) -> None:
        with self._engine.exactly(self._tokens), self._engine.inference():
            self._engine.model.generate(inputs_embeds=self._embedded, attention_mask=self._mask)
            self._engine.synchronize()
