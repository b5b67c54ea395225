"""Ways to take audio longer than an encoder's window: where it is cut, how texts are joined.

``windows``: full windows one after the other, whatever word the end of one falls into. ``overlap``:
windows that share a third with the next, each text kept to the middle of what both say. ``vad``:
cuts between stretches of speech, and what lies between two windows is not heard. ``sequential``:
no cut beforehand, the model's own time stamps say where the next window begins; each engine has
its own loop for that, and this module only its name.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import islice, pairwise
from typing import ClassVar

from runner.clips.clip import SAMPLE_RATE, Waveform
from runner.engines.base import Transcription, Unmeasurable
from runner.engines.speech_detector import speech_spans

Span = tuple[int, int]
"""First sample, and the one after the last."""

SHARED = 3
"""A window shares one part of so many with the next (strides of a sixth at both ends, as
transformers' pipeline has them)."""
_LETTERS_A_SECOND = 25
"""More are not said: where in a text what two windows share can be."""
_FEWEST_LETTERS = 3
"""A shorter run that two texts share may be chance."""
_ALIKE = 2 / 3
"""Two texts of the same audio are more alike (by difflib's ratio) about the run that they share; of
different audio, which is all that is left where a model ended its text early, they are less than
half alike, whatever run they share."""


@dataclass(frozen=True)
class Joined:
    """The text of a clip, put together."""

    text: str
    seams: tuple[int, ...]
    """How many words of it lie before each place where the texts of two windows meet."""


class LongForm(ABC):
    """One way."""

    name: ClassVar[str]

    @abstractmethod
    def spans(self, wave: Waveform, size: int) -> list[Span]:
        """The windows of a clip.

        Args:
            wave: Shape (samples,).
            size: Most samples of a window.
        """

    def count(self, samples: int, size: int) -> int:
        """Windows of any clip of so many samples.

        Raises:
            Unmeasurable: what is said in it decides.
        """
        raise Unmeasurable(f"long_form {self.name}: what is said decides how much is computed")

    def join(self, texts: Sequence[str], size: int | None) -> Joined:
        """The text of a clip, from those of its windows.

        Args:
            texts: In order.
            size: Most samples of a window; None where a clip is one.
        """
        said = [text.strip() for text in texts]
        words = [len(text.split()) for text in said]
        seams = tuple(sum(words[:place]) for place in range(1, len(said)))
        return Joined(" ".join(said), seams)


class Windows(LongForm):
    """Full windows, the last one in part."""

    name = "windows"

    def spans(self, wave: Waveform, size: int) -> list[Span]:
        """See :meth:`LongForm.spans`."""
        starts = range(0, max(1, len(wave)), size)
        return [(start, min(start + size, len(wave))) for start in starts]

    def count(self, samples: int, size: int) -> int:
        """See :meth:`LongForm.count`."""
        return max(1, math.ceil(samples / size))


class Sequential(Windows):
    """The model's time stamps decide; for what looks at a decoder alone, full windows."""

    name = "sequential"

    def count(self, samples: int, size: int) -> int:
        """See :meth:`LongForm.count`."""
        return LongForm.count(self, samples, size)


class Overlap(LongForm):
    """Windows that share a third with the next."""

    name = "overlap"

    def spans(self, wave: Waveform, size: int) -> list[Span]:
        """See :meth:`LongForm.spans`."""
        step = size - size // SHARED
        return [
            (number * step, min(number * step + size, len(wave)))
            for number in range(self.count(len(wave), size))
        ]

    def count(self, samples: int, size: int) -> int:
        """See :meth:`LongForm.count`."""
        step = size - size // SHARED
        return 1 + max(0, math.ceil((samples - size) / step))

    def join(self, texts: Sequence[str], size: int | None) -> Joined:
        """See :meth:`LongForm.join`."""
        if size is None or len(texts) < 2:
            return super().join(texts, size)
        most = math.ceil(_LETTERS_A_SECOND * (size // SHARED) / SAMPLE_RATE)
        whole, seams = texts[0].strip(), []
        for text in texts[1:]:
            before, after = merge(whole, text.strip(), most)
            seams.append(len(before.split()))
            whole = before + after
        return Joined(whole, tuple(seams))


class Vad(LongForm):
    """Windows that begin and end with speech, as long as the pauses allow."""

    name = "vad"

    def spans(self, wave: Waveform, size: int) -> list[Span]:
        """See :meth:`LongForm.spans`; none where nobody speaks."""
        return pack(speech_spans(wave, size), size)


WAYS: dict[str, type[LongForm]] = {way.name: way for way in (Windows, Sequential, Overlap, Vad)}
WINDOWS = Windows()


class TakesLongForm:
    """What engines with a window share."""

    long_form: LongForm = WINDOWS
    """How audio beyond the window is taken."""


def pack(spans: Sequence[Span], size: int) -> list[Span]:
    """Neighbouring stretches of speech, with the pauses between them, in windows.

    Args:
        spans: Of speech, in order.
        size: Most samples of a window; a longer stretch is cut.
    """
    packed: list[Span] = []
    for start, end in spans:
        first = packed[-1][0] if packed else start
        if packed and end - first <= size:
            packed[-1] = (first, end)
            continue
        packed += [(begin, min(begin + size, end)) for begin in range(start, end, size)]
    return packed


def merge(left: str, right: str, most: int) -> tuple[str, str]:
    """Two texts whose ends are of the same audio: the first's beginning and the second's rest.

    They meet in the middle of the longest run of letters that both have there, between two words
    if there are two. Where they share none, or what would be left out about it is not alike, both
    are kept whole: it was said once.

    Args:
        left: The earlier.
        right: The later.
        most: Letters of each that can be of the same audio.

    Returns:
        The two parts, to be put together as they are.
    """
    ours, theirs = _letters(left)[-most:], _letters(right)[:most]
    said = [left[place].casefold() for place in ours]
    again = [right[place].casefold() for place in theirs]
    run = SequenceMatcher(None, said, again, autojunk=False).find_longest_match()
    # As if both began and ended together.
    behind = len(said) - run.a
    shared = SequenceMatcher(
        None, said[max(0, run.a - run.b) :], again[: run.b + behind], autojunk=False
    )
    if run.size < _FEWEST_LETTERS or shared.ratio() < _ALIKE:
        return left, f" {right}" if left and right else right
    same = [(ours[run.a + n], theirs[run.b + n]) for n in range(run.size)]
    between_words = [
        n
        for n, ((here, there), (next_here, next_there)) in enumerate(pairwise(same))
        if " " in left[here:next_here] and " " in right[there:next_there]
    ]
    middle = (run.size - 1) // 2
    last = min(between_words or [middle], key=lambda n: abs(n - middle))
    here, there = same[last]
    return left[: here + 1], right[there + 1 :]


def _letters(text: str) -> list[int]:
    """Where in a text its letters and figures are."""
    return [place for place, character in enumerate(text) if character.isalnum()]


@dataclass(frozen=True)
class Cut:
    """The clips of a batch, cut."""

    windows: list[Waveform]
    """Of all clips, clip by clip."""
    counts: tuple[int, ...]
    """Windows of each clip."""
    size: int | None
    """Most samples of a window; None where a clip is one."""
    way: LongForm

    def join(self, texts: Sequence[str]) -> tuple[Joined, ...]:
        """Each clip's text, from those of all windows."""
        following = iter(texts)
        return tuple(
            self.way.join(tuple(islice(following, count)), self.size) for count in self.counts
        )

    def in_any(self, flags: Sequence[bool]) -> tuple[bool, ...]:
        """Whether a flag of its windows is set, a value a clip."""
        following = iter(flags)
        return tuple(any(list(islice(following, count))) for count in self.counts)

    def unheard(self) -> Transcription:
        """What a batch without a window comes to."""
        clips = len(self.counts)
        return Transcription(
            texts=("",) * clips,
            at_limit=(False,) * clips,
            tokens=0,
            windows=0,
            decoder_calls=0,
            input_samples=0,
            prefills=0,
            seams=((),) * clips,
        )


def cut(batch: Sequence[Waveform], size: int | None, way: LongForm = WINDOWS) -> Cut:
    """Cuts the clips of a batch into windows.

    Args:
        batch: Clips of (samples,) each.
        size: Most samples of a window; None where a clip is taken in one piece.
        way: How.
    """
    if size is None:
        return Cut(list(batch), (1,) * len(batch), None, way)
    spans = [way.spans(wave, size) for wave in batch]
    windows = [wave[start:end] for wave, of in zip(batch, spans, strict=True) for start, end in of]
    return Cut(windows, tuple(map(len, spans)), size, way)
