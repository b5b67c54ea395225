"""Whisper's temperature fallback through transformers: texts with their probability, and samples.

Both come from a logits processor: the log probability of a token is taken a step later, when the
token is known, so that no more than one step's scores are kept.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import LogitsProcessor
from transformers.generation.streamers import BaseStreamer
from transformers.modeling_outputs import BaseModelOutput

from runner.engines.base import Mark
from runner.engines.fallback import Fallback, Settled, WindowText
from runner.engines.generation import GenerateEngine
from runner.engines.text_ends import text_ends


class TokenScores(LogitsProcessor):  # type: ignore[misc]
    """Log probabilities of the tokens that are chosen, and above temperature 0 the choice itself.

    Sampling is by Gumbel noise: the highest of scores / temperature + noise is a sample of their
    softmax. All rows of a batch are given the same noise, so a window's sample depends neither on
    its neighbours nor on what was sampled before.
    """

    def __init__(self, *, temperature: float = 0.0, noise: torch.Generator | None = None) -> None:
        """Scores one ``generate()`` of one beam, without sampling of its own.

        Args:
            temperature: 0 to leave the choice as it is.
            noise: What noise is drawn from, on the model's device; for a temperature above 0.
        """
        self._temperature = temperature
        self._noise = noise
        self._last: torch.Tensor | None = None
        """Log probabilities of the last step, ``(rows, vocabulary)``."""
        self._chosen: list[torch.Tensor] = []
        """Of each step before it those of the chosen tokens, ``(rows,)``."""

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Scores for the next token, ``(rows, vocabulary)``, given the tokens so far."""
        self._keep(input_ids[:, -1])
        # Before the temperature, as the publishers take it.
        self._last = scores.log_softmax(dim=-1)
        if self._noise is None:
            return scores
        exponential = torch.empty_like(scores[0]).exponential_(generator=self._noise)
        gumbel = -exponential.clamp_min(torch.finfo(scores.dtype).tiny).log()
        return scores / self._temperature + gumbel

    def _keep(self, tokens: torch.Tensor) -> None:
        if self._last is not None:
            self._chosen.append(self._last.gather(1, tokens[:, None]).squeeze(1))

    def finish(self, generated: torch.Tensor) -> torch.Tensor:
        """Log probability of every token, ``(rows, tokens)``, on the host.

        Args:
            generated: Ids without the prompt, ``(rows, tokens)``.
        """
        self._keep(generated[:, -1])
        return torch.stack(self._chosen, dim=1).cpu()


def decode_with_fallback(
    engine: GenerateEngine, fallback: Fallback, features: torch.Tensor, mark: Mark
) -> tuple[Settled, int]:
    """Decodes a batch, and again what fails: the texts, and the passes of the first decoding.

    Args:
        engine: It decodes greedily.
        fallback: Says what fails.
        features: Log-mel features on the device, ``(windows, mels, frames)``.
        mark: Called at the end of each stage.
    """
    # By itself, and not within generate(): texts that are decoded again need it too.
    encoded = engine.model.get_encoder()(features).last_hidden_state

    def again(indices: Sequence[int], temperature: float) -> tuple[list[WindowText], int]:
        rows = torch.tensor(indices, device=encoded.device)
        noise = torch.Generator(device=encoded.device)
        noise.manual_seed(fallback.seed + fallback.temperatures.index(temperature))
        scores = TokenScores(temperature=temperature, noise=noise)
        return _decode(engine, features[rows], encoded[rows], scores, None)

    with engine.following(mark) as watched:
        first, passes = _decode(engine, features, encoded, TokenScores(), watched.streamer)
    settled = fallback.settle(first, again)
    mark("decode")
    return settled, passes


def _decode(
    engine: GenerateEngine,
    features: torch.Tensor,
    encoded: torch.Tensor,
    scores: TokenScores,
    streamer: BaseStreamer | None,
) -> tuple[list[WindowText], int]:
    """Texts of some windows, and the passes of the decoder."""
    ids = engine.model.generate(
        features,
        # generate() may write into what it is given.
        encoder_outputs=BaseModelOutput(last_hidden_state=encoded),
        logits_processor=[scores],
        streamer=streamer,
    )
    generated = ids[:, engine.prompt :]
    probabilities = scores.finish(generated)
    generated = generated.cpu()
    ends = text_ends(generated, engine.model.generation_config.eos_token_id)
    texts = engine.tokenizer.batch_decode(generated, skip_special_tokens=True)
    windows = [
        WindowText(text, tokens, at_limit, float(row[:tokens].mean()))
        for text, tokens, at_limit, row in zip(
            texts, ends.tokens, ends.at_limit, probabilities, strict=True
        )
    ]
    return windows, generated.shape[1]
