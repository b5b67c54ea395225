"""Speculative decoding: a small assistant drafts tokens, the model checks them all in one pass.

A draft is kept up to the first token that the model would not have chosen, so the text is the
model's own. It is quicker where the assistant is much cheaper and mostly right. Leviathan et al.
(2023), Fast inference from transformers via speculative decoding. Without an assistant, drafts are
looked up in the text so far: that costs nothing, and pays where a text repeats itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from runner.clips.clip import Waveform
from runner.config import Variant
from runner.engines.base import Technique
from runner.engines.generation import GenerateEngine
from runner.engines.pretrained import family_of
from runner.engines.speculation import Speculation
from runner.errors import Refused
from store.records import Proof, Scalar

LONGEST_MATCH = 2
"""Tokens that are looked for at most: transformers' default."""
SELF = "self"
"""The model as its own assistant: every draft is kept, at the full price of each."""


class Assistant(Technique[GenerateEngine]):
    """Which model drafts."""

    part = "assistant"
    needs = frozenset({"torch", "speculation"})
    same_text = True

    def apply(self, engine: GenerateEngine) -> None:
        """Loads the assistant beside the model.

        Raises:
            Refused: the two do not fit together.
        """
        name = self.request.name if self.requested == SELF else self.requested
        asked = replace(
            self.request,
            name=name,
            revision=self.request.revision if self.requested == SELF else None,
            variant=Variant(
                name=self.variant.name,
                precision=self.variant.precision,
                attention=self.variant.attention,
            ),
        )
        family = family_of(asked)
        if family != engine.family:
            raise Refused(
                f"variant {self.variant.name}: {self.requested} cannot draft for "
                f"{self.request.name}: an assistant must be a smaller Whisper of the same "
                f"vocabulary, and this is a {family} model"
            )
        drafter: Any = self.load(asked)
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
                    f"variant {self.variant.name}: {self.requested} cannot draft for "
                    f"{self.request.name}: {field} is {getattr(drafter, field)}, not "
                    f"{getattr(model, field)}"
                )

    def verify(self, engine: GenerateEngine, batch: Sequence[Waveform]) -> Proof:
        """Counts drafts and passes of one clip."""
        speculation = engine.speculation
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

    def figures(self, engine: GenerateEngine) -> tuple[Scalar, ...]:
        """The acceptance rate over all that ran since the proof, warm-up included."""
        speculation = engine.speculation
        return () if speculation is None else speculation.figures()


class PromptLookup(Technique[GenerateEngine]):
    """Drafts without an assistant: what came after the same tokens earlier in the text."""

    part = "prompt_lookup"
    needs = frozenset({"torch", "speculation"})
    same_text = True

    def unsupported_reason(self) -> str | None:
        """Random weights say one token again and again: every look-up would be right."""
        if self.request.weights == "random":
            return 'random weights repeat themselves, and speech does not; use "pretrained" ones'
        return None

    def apply(self, engine: GenerateEngine) -> None:
        """Sets it for ``generate()``."""
        settings = engine.model.generation_config
        settings.prompt_lookup_num_tokens = self.variant.prompt_lookup
        settings.max_matching_ngram_size = LONGEST_MATCH
        engine.speculation = Speculation(engine.model, None)

    def verify(self, engine: GenerateEngine, batch: Sequence[Waveform]) -> Proof:
        """Looks at what drafts; a text without repetitions has nothing to draft from."""
        speculation = engine.speculation
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

    def figures(self, engine: GenerateEngine) -> tuple[Scalar, ...]:
        """The acceptance rate over all that ran since the proof, warm-up included."""
        speculation = engine.speculation
        return () if speculation is None else speculation.figures()
