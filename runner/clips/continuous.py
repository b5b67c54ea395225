"""Clips of an exact length from speech that belongs together.

A recogniser is built for speech that goes on: one recording, one speaker. Where unrelated speakers
are joined, some models end their text at the change, so that they do less work than the clip holds,
and a latency of it is of less work too. Here no clip holds two known speakers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from runner.clips.clip import SAMPLE_RATE, ClipOrigin, Sound, Utterance
from runner.clips.joining import (
    LONGEST_PAUSE_SAMPLES,
    SILENCE,
    Group,
    Packing,
    clip_samples,
    clips_of,
    drawn_samples,
    nothing_fits,
    rank,
    too_long,
)
from runner.errors import UserError

_ROUNDING_SAMPLES = SAMPLE_RATE // 100
"""Start times are often written to the hundredth of a second: by so little two utterances that
touch may seem to overlap."""


def continuous(
    utterances: Sequence[Utterance], *, audio_seconds: float, seed: int, mixed: bool = False
) -> Packing:
    """Fill clips with consecutive speech; every utterance that fits goes into exactly one.

    1. The utterances of a recording, in order, are cut into runs: a run ends where another known
       speaker speaks, where two utterances overlap, where more than `LONGEST_PAUSE_S` lie between
       two whose times are known, and where an utterance is longer than a clip. A clip takes
       utterances of a run while they fit, with the true audio between them where a file holds
       both, else with 0.25 s of silence: origin "recording".
    2. Utterances that are then alone in a clip, or of no known recording, and whose speaker is
       known, are joined with those of the same speaker, in the source's order, with 0.25 s of
       silence, while they fit: origin "speaker".
    3. Any other utterance has a clip of its own: origin "utterance".

    The seed decides the order of the clips, and of mixed lengths each clip's own length, which is
    drawn as in `pack`; it does not decide which utterances are neighbours.

    Args:
        utterances: With different ids. Their order counts for recordings whose utterances do not
            all say where they begin, and for the utterances of one speaker.
        audio_seconds: Exact length of every clip; of mixed lengths the longest.
        seed: Seed of the order.
        mixed: Whether clips are of different lengths.

    Raises:
        UserError: no utterance is as short as a clip.
    """
    total = clip_samples(audio_seconds)
    fitting = [utterance for utterance in utterances if len(utterance.sound) <= total]
    if not fitting:
        raise UserError(nothing_fits(utterances, audio_seconds))

    def length(first: Utterance) -> int:
        return drawn_samples(seed, total, first.id) if mixed else total

    together: list[Group] = []
    for track in _tracks(utterances):
        for run in _runs(track, total):
            together += (
                group for group in _fill(run, length, _pause, "recording") if _joins(group)
            )
    placed = {utterance.id for group in together for utterance in group.utterances}
    rest = [utterance for utterance in fitting if utterance.id not in placed]
    for voice in _by(rest, lambda utterance: utterance.speaker):
        together += _fill(voice, length, _silence, "speaker")
    together += (Group((one,), (), "utterance") for one in rest if one.speaker is None)
    groups = _in_order(together, seed, total, padded=not mixed)
    clips = clips_of(groups, audio_seconds=audio_seconds, mixed=mixed)
    return Packing(clips=clips, omitted=too_long(utterances, total))


def _tracks(utterances: Iterable[Utterance]) -> Iterator[list[Utterance]]:
    """The utterances of every recording: in time where all say it, else in the source's order."""
    for track in _by(utterances, lambda utterance: utterance.recording):
        starts = {one.id: one.start_s for one in track if one.start_s is not None}
        if len(starts) == len(track):
            # Two that begin at once overlap; the id makes their order the same for any input.
            track.sort(key=lambda one: (starts[one.id], one.id))
        yield track


def _runs(track: Iterable[Utterance], longest: int) -> Iterator[list[Utterance]]:
    """Cut a recording where its utterances do not simply follow one another.

    Args:
        track: The recording's utterances, those that are longer than a clip too.
        longest: Samples of a clip.
    """
    run: list[Utterance] = []
    speaker: str | None = None
    spoken_until = 0
    for utterance in track:
        start = _start(utterance)
        fits = len(utterance.sound) <= longest
        other = None not in (speaker, utterance.speaker) and utterance.speaker != speaker
        # Against all before it: an utterance may lie inside an earlier one that is not in the run.
        overlaps = start is not None and start < spoken_until - _ROUNDING_SAMPLES
        if run and (not fits or other or overlaps or _far(run[-1], utterance)):
            yield run
            run, speaker = [], None
        if fits:
            run.append(utterance)
            speaker = speaker or utterance.speaker
        if start is not None:
            spoken_until = max(spoken_until, start + len(utterance.sound))
    if run:
        yield run


def _fill(
    run: Iterable[Utterance],
    length: Callable[[Utterance], int],
    pause: Callable[[Utterance, Utterance], Sound],
    origin: ClipOrigin,
) -> Iterator[Group]:
    """Take utterances in order while they fit; the next one begins a new group.

    Args:
        run: The utterances, each as short as a clip.
        length: Samples to fill when a group begins with this utterance.
        pause: What lies between two.
        origin: Of groups of two utterances and more.
    """
    taken: list[Utterance] = []
    pauses: list[Sound] = []
    room = 0
    for utterance in run:
        gap = pause(taken[-1], utterance) if taken else SILENCE
        needed = len(gap) + len(utterance.sound)
        if taken and needed <= room:
            pauses.append(gap)
            room -= needed
        else:
            if taken:
                yield _group(taken, pauses, origin)
            taken, pauses = [], []
            room = length(utterance) - len(utterance.sound)
        taken.append(utterance)
    if taken:
        yield _group(taken, pauses, origin)


def _group(taken: list[Utterance], pauses: list[Sound], origin: ClipOrigin) -> Group:
    return Group(tuple(taken), tuple(pauses), origin if len(taken) > 1 else "utterance")


def _joins(group: Group) -> bool:
    return len(group.utterances) > 1


def _in_order(groups: Iterable[Group], seed: int, total: int, *, padded: bool) -> list[Group]:
    """Shuffled, but those that are mostly padding last, the fullest of them first.

    Timing takes the first clips. One that is mostly padding is less work than its length says, so
    that clips filled to four fifths go first; of a set with few of them the fullest others follow.

    Args:
        groups: In any order.
        seed: Seed of the order.
        total: Samples of a clip, or of the longest.
        padded: Whether clips are padded to that; those that are not are all full.
    """

    def key(group: Group) -> tuple[bool, int, bytes]:
        full = not padded or 5 * group.samples >= 4 * total
        shuffled = rank(seed, total, group.utterances[0].id)
        return not full, 0 if full else -group.samples, shuffled

    return sorted(groups, key=key)


def _by(
    utterances: Iterable[Utterance], label: Callable[[Utterance], str | None]
) -> list[list[Utterance]]:
    """The utterances of every known label, each in the order given."""
    found: dict[str, list[Utterance]] = {}
    for utterance in utterances:
        value = label(utterance)
        if value is not None:
            found.setdefault(value, []).append(utterance)
    return list(found.values())


def _start(utterance: Utterance) -> int | None:
    """The sample of its recording that an utterance begins at."""
    return None if utterance.start_s is None else round(utterance.start_s * SAMPLE_RATE)


def _gap(before: Utterance, utterance: Utterance) -> int | None:
    """Samples from the end of one to the start of the other; None where that is not known."""
    first, second = _start(before), _start(utterance)
    return None if first is None or second is None else second - first - len(before.sound)


def _far(before: Utterance, utterance: Utterance) -> bool:
    gap = _gap(before, utterance)
    return gap is not None and gap > LONGEST_PAUSE_SAMPLES


def _pause(before: Utterance, utterance: Utterance) -> Sound:
    """The true audio between two, where the second one's pause is what follows the first."""
    pause = utterance.pause
    return pause if pause is not None and len(pause) == _gap(before, utterance) else SILENCE


def _silence(before: Utterance, utterance: Utterance) -> Sound:
    del before, utterance
    return SILENCE
