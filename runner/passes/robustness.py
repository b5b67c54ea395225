"""Speech under noise, and what is written where nobody speaks."""

from __future__ import annotations

from dataclasses import replace

from runner.clips import load_clips
from runner.engines.base import Unmeasurable
from runner.measure.quality import Transcribed
from runner.measure.robustness import by_character, conditions, heard, judge
from runner.measure.utterances import transcribe_utterances
from runner.passes.base import Context, Pass
from store.noise_records import NoiseLevel
from store.records import Result, Scalar


class RobustnessPass(Pass):
    """Every condition once, in the batches of the quality pass."""

    reason_field = "robustness_reason"

    def run(self, context: Context, result: Result) -> Result:
        """See :class:`~runner.passes.base.Pass`."""
        task = context.task
        if result.weights == "random":
            raise Unmeasurable("random weights")
        if task.utterances is None:
            raise Unmeasurable("no utterances were prepared")
        utterances = load_clips(task.utterances.path).clips
        wordless = load_clips(task.wordless.path).clips if task.wordless is not None else ()
        batch_size = 1 if task.case.variant.chunk_seconds is not None else task.batch_size
        characters = by_character(utterances)
        levels = []
        listened = conditions(task.robustness, wordless=bool(wordless))
        for place, condition in enumerate(listened):

            def tell(share: float, place: int = place, title: str = condition.title) -> None:
                context.progress(f"robustness: {title}", (place + share) / len(listened))

            known = context.quality.texts if condition.kind == "clean" else {}
            if all(one.id in known for one in utterances):
                transcribed = tuple(
                    Transcribed(
                        clip_id=one.id,
                        reference=one.reference,
                        hypothesis=known[one.id],
                        audio_seconds=one.speech_seconds,
                        speaker=one.speaker,
                        recording=one.recording,
                    )
                    for one in utterances
                )
            else:
                transcribed = transcribe_utterances(
                    context.engine,
                    tuple(heard(condition, utterances, wordless)),
                    batch_size,
                    clock=context.clock,
                    progress=tell,
                )
            levels.append(
                judge(
                    condition,
                    transcribed,
                    seed=task.seed,
                    normaliser=task.normaliser,
                    by_character=characters,
                )
            )
        figures = _figures(levels, characters)
        return replace(result, noise_levels=tuple(levels), figures=(*result.figures, *figures))


def _figures(levels: list[NoiseLevel], characters: bool) -> tuple[Scalar, ...]:
    """Invented words a minute over silence and faint noise; None of a language without words."""
    quiet = [one for one in levels if one.condition in ("silence", "faint noise")]
    if characters:
        return ()
    invented = sum(one.invented or 0 for one in quiet)
    minutes = sum(one.audio_s for one in quiet) / 60
    return (
        Scalar(
            name="invented_words_per_minute",
            value=invented / minutes,
            note=f"{invented} words in {60 * minutes:.0f} s of digital silence and faint noise",
        ),
    )
