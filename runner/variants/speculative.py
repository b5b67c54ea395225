"""Speculative decoding: a small assistant drafts tokens, the model checks them all in one pass.

A draft is kept up to the first token that the model would not have chosen, so the text is the
model's own. It is quicker where the assistant is much cheaper and mostly right. Leviathan et al.
(2023), Fast inference from transformers via speculative decoding. Without an assistant, drafts are
looked up in the text so far: that costs nothing, and pays where a text repeats itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import torch

from runner.clips.clip import Waveform
from runner.config import Variant
from runner.errors import Refused
from runner.variants.base import Technique
from store.records import Figure, Proof

if TYPE_CHECKING:
    from runner.engines.torch_engine import TorchEngine

LONGEST_MATCH = 2
"""Tokens that are looked for at most: transformers' default."""
SELF = "self"
"""The model as its own assistant: every draft is kept, at the full price of each."""


class Assistant(Technique):
    """Which model drafts."""

    part = "assistant"
    families = frozenset({"whisper"})
    same_text = True

    def apply(self, engine: TorchEngine) -> None:
        """Loads the assistant beside the model.

        Raises:
            Refused: the two do not fit together.
        """
        from runner.engines.load import family_of
        from runner.engines.whisper import WhisperEngine

        assert isinstance(engine, WhisperEngine)
        name = self.request.name if self.asked == SELF else self.asked
        asked = replace(
            self.request,
            name=name,
            revision=self.request.revision if self.asked == SELF else None,
            variant=Variant(
                name=self.variant.name,
                precision=self.variant.precision,
                attention=self.variant.attention,
            ),
        )
        family = family_of(asked)
        if family != engine.family:
            raise Refused(
                f"variant {self.variant.name}: {self.asked} cannot draft for "
                f"{self.request.name}: an assistant must be a smaller Whisper of the same "
                f"vocabulary, and this is a {family} model"
            )
        drafter = WhisperEngine(asked)
        self._refuse_other_shapes(engine.model.config, drafter.model.config)
        settings = drafter.model.generation_config
        settings.num_assistant_tokens = self.variant.draft_tokens
        settings.num_assistant_tokens_schedule = "constant"
        # By default drafting ends at the first token that the assistant is unsure of.
        settings.assistant_confidence_threshold = 0.0
        engine.speculation = Speculation(engine.model, drafter.model)

    def _refuse_other_shapes(self, model: Any, drafter: Any) -> None:
        for field in ("vocab_size", "num_mel_bins", "max_source_positions"):
            if getattr(model, field) != getattr(drafter, field):
                raise Refused(
                    f"variant {self.variant.name}: {self.asked} cannot draft for "
                    f"{self.request.name}: {field} is {getattr(drafter, field)}, not "
                    f"{getattr(model, field)}"
                )

    def prove(self, engine: TorchEngine, batch: Sequence[Waveform]) -> Proof:
        """Counts drafts and passes of one clip."""
        speculation = _speculation(engine)
        if speculation is None:
            raise self.no_effect("there is no assistant")
        speculation.reset()
        engine.transcribe(batch[:1])
        found = (
            f"{speculation.drafted} tokens drafted in {speculation.drafter_passes} passes of the "
            f"assistant, {speculation.passes} passes of the model"
        )
        if not speculation.drafted or not speculation.drafter_passes:
            raise self.no_effect(found)
        speculation.reset()
        return self.proof(found)

    def figures(self, engine: TorchEngine) -> tuple[Figure, ...]:
        """The acceptance rate over all that ran since the proof, warm-up included."""
        speculation = _speculation(engine)
        return () if speculation is None else speculation.figures()


class PromptLookup(Technique):
    """Drafts without an assistant: what came after the same tokens earlier in the text."""

    part = "prompt_lookup"
    families = frozenset({"whisper"})
    same_text = True

    def obstacle(self) -> str | None:
        """Random weights say one token again and again: every look-up would be right."""
        if self.request.weights == "random":
            return 'random weights repeat themselves, and speech does not; use "pretrained" ones'
        return None

    def apply(self, engine: TorchEngine) -> None:
        """Sets it for ``generate()``."""
        from runner.engines.whisper import WhisperEngine

        assert isinstance(engine, WhisperEngine)
        settings = engine.model.generation_config
        settings.prompt_lookup_num_tokens = self.variant.prompt_lookup
        settings.max_matching_ngram_size = LONGEST_MATCH
        engine.speculation = Speculation(engine.model, None)

    def prove(self, engine: TorchEngine, batch: Sequence[Waveform]) -> Proof:
        """Looks at what drafts; a text without repetitions has nothing to draft from."""
        speculation = _speculation(engine)
        drafters: list[str] = []
        make = engine.model._get_candidate_generator

        def made(*arguments: Any, **keywords: Any) -> Any:
            drafter = make(*arguments, **keywords)
            drafters.append(type(drafter).__name__)
            return drafter

        if speculation is not None:
            speculation.reset()
        engine.model._get_candidate_generator = made
        try:
            engine.transcribe(batch)
        finally:
            del engine.model._get_candidate_generator
        if speculation is None or set(drafters) != {"PromptLookupCandidateGenerator"}:
            raise self.no_effect(f"drafts came from {', '.join(set(drafters)) or 'nowhere'}")
        found = (
            f"{len(drafters)} rows looked up; {speculation.drafted} tokens drafted, "
            f"{speculation.passes} passes of the model"
        )
        speculation.reset()
        return self.proof(found)

    def figures(self, engine: TorchEngine) -> tuple[Figure, ...]:
        """The acceptance rate over all that ran since the proof, warm-up included."""
        speculation = _speculation(engine)
        return () if speculation is None else speculation.figures()


def _speculation(engine: TorchEngine) -> Speculation | None:
    found: Speculation | None = getattr(engine, "speculation", None)
    return found


class Speculation:
    """What drafts, and what becomes of the drafts."""

    def __init__(self, model: Any, drafter: Any | None) -> None:
        """Counts a model's passes from now on.

        Args:
            model: What checks the drafts.
            drafter: The assistant; None where drafts are looked up.
        """
        self.drafter = drafter
        self.reset()
        # They stay: counting a pass costs nothing beside it.
        model.get_decoder().register_forward_pre_hook(self._passed, with_kwargs=True)
        if drafter is not None:
            drafter.get_decoder().register_forward_pre_hook(self._drafted, with_kwargs=True)

    def figures(self) -> tuple[Figure, ...]:
        """What was kept of all drafts since the last reset, and what that saved."""
        figures = []
        if self.drafted:
            figures.append(
                Figure(
                    name="acceptance",
                    value=self.accepted / self.drafted,
                    note=f"{self.accepted} of {self.drafted} drafted tokens kept",
                )
            )
        if self.passes:
            figures.append(
                Figure(
                    name="tokens_per_pass",
                    value=self.tokens / self.passes,
                    note="tokens for each pass of the model's decoder; 1 without drafts",
                )
            )
        return tuple(figures)

    def reset(self) -> None:
        """Starts counting anew."""
        self.passes = 0
        self.drafter_passes = 0
        self.drafted = 0
        self.accepted = 0
        self.tokens = 0
        self._checked: list[tuple[int, torch.Tensor]] = []
        """Passes of the row in hand: tokens in the cache, and the ids that were given."""

    def _passed(self, module: Any, arguments: Any, keywords: dict[str, Any]) -> None:
        cached = int(keywords["past_key_values"].get_seq_length())
        self._checked.append((cached, keywords["input_ids"][0].clone()))

    def _drafted(self, module: Any, arguments: Any, keywords: dict[str, Any]) -> None:
        self.drafter_passes += 1

    def finish(self, prompt: int, generated: torch.Tensor) -> None:
        """A row has been decoded.

        Args:
            prompt: Tokens before the first generated one.
            generated: The row's tokens without the prompt, on the host.
        """
        tokens = generated.tolist()
        for cached, given in self._checked:
            # A pass is given the tokens that are not cached yet, then the drafts.
            known = max(cached + 1, prompt)
            drafts = given[known - cached :].tolist()
            self.drafted += len(drafts)
            self.accepted += _agreeing(drafts, tokens[known - prompt :])
        self.passes += len(self._checked)
        self.tokens += len(tokens)
        self._checked = []


def _agreeing(drafts: list[int], tokens: list[int]) -> int:
    """How many drafts are as the text went on, from the first."""
    pairs = zip(drafts, tokens, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
