"""The speech of a job: clips of every length to time, and the utterances to judge by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.catalogue.measures import COUNTS
from runner.clips import ClipSet, prepare, prepare_utterances
from runner.clips.clip import ClipOrigin, Omitted
from runner.clips.lengths import fitting
from runner.clips.prepare import forget_sources
from runner.clips.untold import first_of
from runner.clips.wordless import prepare_wordless
from runner.config import ENGLISH, Benchmark
from runner.errors import UserError
from runner.grid import Case
from runner.measure.normalisers import fit_for, named, odd, unfit
from runner.measure.quality import not_scored
from runner.measure.quality_pass import coverage_of
from runner.task import Utterances

_ORIGINS: dict[ClipOrigin, str] = {
    "recording": "of consecutive utterances of one recording",
    "speaker": "of one speaker",
    "utterance": "of one utterance",
    "any": "of utterances of anyone",
}


@dataclass(frozen=True)
class PreparedClips:
    """Where the clips of one length lie, and what they are."""

    path: Path
    fingerprint: str
    remarks: tuple[str, ...]
    """What a reader of the figures should know of them."""


@dataclass(frozen=True)
class JobSpeech:
    """What the cases of a job are measured with."""

    clips: dict[tuple[float, bool], PreparedClips]
    """To be timed: by length, and whether that is the longest of mixed ones."""
    utterances: Utterances | None
    """Transcribed for the word error rate; None where none is asked for."""
    normaliser: str
    """What references and hypotheses go through, by its whole name."""
    about_words: tuple[str, ...] = ()
    """What a reader of the error rates should know."""
    wordless: Utterances | None = None
    """Rows without words, where they are asked for and there are any."""
    about_rows: tuple[str, ...] = ()
    """What of the source is in no figure at all."""

    @property
    def remarks(self) -> list[str]:
        """What a reader of all figures should know."""
        found = [text for clips in self.clips.values() for text in clips.remarks]
        words = (f"word error rate: {text}" for text in self.about_words)
        return [*self.about_rows, *found, *words]

    def path_of(self, case: Case) -> Path | None:
        """Where the clips of a case lie; None where it needs none."""
        found = self.clips.get((case.audio_seconds, case.mixed))
        return None if found is None else found.path

    def fingerprints(self, audio_seconds: float) -> set[str]:
        """Fingerprints of the clips of a length in seconds, exact and mixed."""
        return {found.fingerprint for key, found in self.clips.items() if key[0] == audio_seconds}


def prepare_speech(
    benchmark: Benchmark, cases: Sequence[Case], progress: Callable[[str, float], None]
) -> JobSpeech:
    """Prepares the speech of some cases, from the cache where it is there.

    Args:
        benchmark: Whose data it is.
        cases: What is to be measured.
        progress: Told what is being done and which share of it (0 to 1) is over.

    Raises:
        UserError: the data cannot be used as configured.
    """
    try:
        return _prepared(benchmark, cases, progress)
    finally:
        # A run may go on for days.
        forget_sources()


def _prepared(
    benchmark: Benchmark, cases: Sequence[Case], progress: Callable[[str, float], None]
) -> JobSpeech:
    clips = {}
    sets: list[ClipSet] = []
    references: list[str] = []
    if set(benchmark.measures) <= COUNTS:
        # Shapes say it all, but for which lengths clips of mixed ones have.
        timed = [case for case in cases if case.mixed or case.batch_size == "max"]
    else:
        timed = list(cases)
    for seconds, mixed in dict.fromkeys((case.audio_seconds, case.mixed) for case in timed):
        found = prepare(
            benchmark.data,
            audio_seconds=seconds,
            mixed=mixed,
            seed=benchmark.seed,
            progress=progress,
        )
        clips[seconds, mixed] = PreparedClips(found.path, found.fingerprint, _remarks(found))
        sets.append(found)
        references = [clip.reference for clip in found.clips]
    judged = _utterances(benchmark, cases, progress)
    rows = next((_about_rows(one.omitted) for one in (*sets, judged) if one is not None), ())
    if judged is None:
        return JobSpeech(clips, None, _normaliser(benchmark, references), about_rows=rows)
    references = [clip.reference for clip in judged.clips]
    normaliser = _normaliser(benchmark, references)
    if reason := unfit(references, normaliser):
        raise UserError(f"data.normaliser: {reason}")
    return JobSpeech(
        clips,
        Utterances(judged.path, judged.fingerprint),
        normaliser,
        tuple(_about_words(benchmark, judged, normaliser)),
        _wordless(benchmark, progress),
        rows,
    )


def _about_rows(omitted: Omitted) -> tuple[str, ...]:
    """Which rows and files of a source are in no figure: they have no text, or no usable audio."""
    found = []
    if omitted.unreadable:
        # Several rows may be of one file.
        count, reasons = len(omitted.unreadable), dict.fromkeys(omitted.unreadable)
        rows = "1 row is" if count == 1 else f"{count:,} rows are"
        found.append(f"{rows} left out: {first_of(reasons, len(reasons))}")
    if omitted.untold.count:
        found.append(str(omitted.untold))
    return tuple(found)


def _wordless(benchmark: Benchmark, progress: Callable[[str, float], None]) -> Utterances | None:
    if "robustness" not in benchmark.measures:
        return None
    found = prepare_wordless(
        benchmark.data,
        seed=benchmark.seed,
        longest_s=benchmark.limits.quality_longest_seconds,
        progress=progress,
    )
    return None if found is None else Utterances(found.path, found.fingerprint)


def _normaliser(benchmark: Benchmark, references: Sequence[str]) -> str:
    asked = benchmark.data.normaliser
    if asked is None:
        return fit_for(references) if references else ENGLISH
    return named(asked)


def _about_words(benchmark: Benchmark, judged: ClipSet, normaliser: str) -> Iterator[str]:
    """What of the data is in no rate, and what is to be said of the normaliser."""
    if left_out := not_scored(coverage_of(judged)):
        yield left_out
    if benchmark.data.normaliser is None and normaliser != ENGLISH:
        yield (
            f"by the normaliser {normaliser}, because the references are no English; "
            "data.normaliser names another"
        )
    if remark := odd([clip.reference for clip in judged.clips], normaliser):
        yield remark


def _utterances(
    benchmark: Benchmark, cases: Sequence[Case], progress: Callable[[str, float], None]
) -> ClipSet | None:
    """Every utterance by itself, where a case can be judged by its words."""
    if not {"quality", "load", "robustness"} & set(benchmark.measures):
        return None
    if "load" not in benchmark.measures and all(case.model.weights == "random" for case in cases):
        return None
    return prepare_utterances(
        benchmark.data,
        seed=benchmark.seed,
        limit=benchmark.limits.quality_utterances,
        longest_s=benchmark.limits.quality_longest_seconds,
        progress=progress,
    )


def _remarks(clips: ClipSet) -> tuple[str, ...]:
    """How a set of clips was made, what is in none of them, and what packing costs."""
    length = f"clips of {'up to ' if _mixed(clips) else ''}{clips.audio_seconds:g} s"
    counts = Counter(clip.origin for clip in clips.clips)
    made = ", ".join(
        f"{counts[origin]} {words}" for origin, words in _ORIGINS.items() if counts[origin]
    )
    spoken = sum(clip.speech_seconds for clip in clips.clips)
    share = spoken / sum(clip.seconds for clip in clips.clips)
    found = [f"{length}: {made}; {share:.0%} of their audio is speech{_shorter(clips, share)}"]
    if clips.omitted.too_long:
        too_long, words = clips.omitted.too_long, clips.omitted.too_long_words
        found.append(
            f"{length}: {too_long:,} of {clips.utterances + too_long:,} utterances ({words:,} of "
            f"{clips.words + words:,} words) are longer than a clip and in none"
        )
    if clips.kind == "packed":
        found.append(
            f"{length} are packed: they join utterances of anyone, after which some models stop "
            "early, so that their latency is of less work"
        )
    return tuple(found)


def _shorter(clips: ClipSet, share: float) -> str:
    """What length would fit, where most of the clips is silence."""
    better = fitting([clip.speech_seconds for clip in clips.clips])
    if share >= 0.5 or better is None or better >= clips.audio_seconds:
        return ""
    return f": shorter ones hold more of it, such as by --set 'audio_seconds=[{better:g}]'"


def _mixed(clips: ClipSet) -> bool:
    return len({len(clip.sound) for clip in clips.clips}) > 1
