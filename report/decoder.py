"""The decoder step by step: what a token costs at each position, and what a step spends it on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from report.study import Case, Study
from report.text import MISSING
from store import DecoderStep, Scalar

LATE_TO_EARLY = "late_to_early"
"""The figure that a runner stores of a profile that is long enough for it."""


@dataclass(frozen=True)
class Profile:
    """The decoder of one case."""

    case: Case
    steps: tuple[DecoderStep, ...]
    """By position; the first is the prefill."""
    figures: dict[str, float]
    """Figures of the result by their names, among them those drawn from the steps."""

    @property
    def tokens(self) -> tuple[DecoderStep, ...]:
        """The steps after the prefill: one token each."""
        return tuple(step for step in self.steps if step.position > 1)

    @property
    def late_to_early(self) -> float | None:
        """Time of the last tokens by that of the first; None where the profile is too short."""
        return self.figures.get(LATE_TO_EARLY)

    @property
    def early_s(self) -> float | None:
        """Seconds of one of the first tokens."""
        return self.figures.get("early_token_s")


def decoder_profiles(study: Study) -> list[Profile]:
    """Every case whose decoder was looked at, model by model, in the order of the study."""
    steps = study.children(DecoderStep, study.ended)
    cases = [case for case in study.ended if case.row.result_id in steps]
    figures = study.children(Scalar, cases)
    return [
        Profile(
            case,
            tuple(sorted(steps[case.row.result_id], key=lambda step: step.position)),
            {figure.name: figure.value for figure in figures.get(case.row.result_id, ())},
        )
        for case in sorted(cases, key=lambda case: (study.rank(case.model), case.place))
    ]


def in_words(profiles: Sequence[Profile]) -> str | None:
    """How the time of a token moves with its position, for the profiles of one model.

    Returns:
        One sentence, or None where no profile is long enough to say.
    """
    known = [profile for profile in profiles if profile.late_to_early is not None]
    if not known:
        return None
    names = [f"{profile.case.row.variant}{_batch(profile, known)}" for profile in known]
    first, *others = zip(names, map(ratio_cell, known), strict=True)
    said = [f"{first[0]}: the last tokens take {first[1]} times as long as the first"]
    said += [f"{name}: {ratio} times" for name, ratio in others]
    return f"{'; '.join(said)}."


def ratio_cell(profile: Profile) -> str:
    """The ratio, marked where the latency was not stable."""
    if profile.late_to_early is None:
        return MISSING
    return ("~" if profile.case.row.stable is False else "") + f"{profile.late_to_early:.2f}"


def _batch(profile: Profile, among: Sequence[Profile]) -> str:
    """The batch, where a variant was looked at with several."""
    case = profile.case
    alike = [other for other in among if other.case.row.variant == case.row.variant]
    return f" at batch {case.row.batch_size}" if len(alike) > 1 else ""
