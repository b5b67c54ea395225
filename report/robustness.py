"""What noise does to error rates, and what models write where nobody speaks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from report.study import Case, Study
from store import NoiseLevel


class SameSpeech(NamedTuple):
    """What error rates must share before they stand in one chart."""

    language: str | None
    headline: str | None
    normaliser: str | None
    version: str | None
    utterances: int
    audio_s: float
    """Of the speech: another length is other speech."""


@dataclass(frozen=True)
class Heard:
    """The conditions of one case."""

    case: Case
    levels: tuple[NoiseLevel, ...]

    @property
    def same(self) -> SameSpeech | None:
        """What its rates are of; None where there is no speech in it."""
        for level in self.levels:
            if level.condition == "clean":
                return SameSpeech(
                    self.case.row.language,
                    level.headline,
                    level.normaliser,
                    level.normaliser_version,
                    level.clips,
                    round(level.audio_s, 3),
                )
        return None

    def speech(self, noise: str | None) -> list[NoiseLevel]:
        """Clean speech and speech in one kind of noise, the loudest noise last."""
        clean = [one for one in self.levels if one.condition == "clean"]
        noisy = [one for one in self.levels if one.condition == "noise" and one.noise == noise]
        return [*clean, *sorted(noisy, key=lambda one: -(one.snr_db or 0.0))]

    @property
    def quiet(self) -> list[NoiseLevel]:
        """Conditions in which nobody speaks."""
        return [one for one in self.levels if one.invented is not None]


def robustness_of(study: Study) -> list[Heard]:
    """Every case that listened to noise, model by model, in the order of the study."""
    levels = study.children(NoiseLevel, study.ended)
    cases = [case for case in study.ended if case.row.result_id in levels]
    ordered = sorted(cases, key=lambda case: (study.rank(case.model), case.configuration))
    return [Heard(case, levels[case.row.result_id]) for case in ordered]


def of_same_speech(heard: list[Heard]) -> list[Heard]:
    """Those whose rates compare: of the speech, language and normaliser that most have."""
    counts = Counter(one.same for one in heard if one.same is not None)
    chosen = max(counts, key=lambda same: (counts[same], repr(same)), default=None)
    return [one for one in heard if one.same == chosen and chosen is not None]


def rate(level: NoiseLevel) -> tuple[float | None, float | None, float | None]:
    """The headline's rate and the ends of its interval."""
    if level.headline == "CER":
        return level.cer, level.cer_low, level.cer_high
    return level.wer, level.wer_low, level.wer_high
