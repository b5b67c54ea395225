"""The closed vocabulary, the sentence grammar and the voices behind the built-in speech.

Everything here was written for asrprof, so the sentences carry no licence but our own. The words
were chosen without homophones (no `to` beside `two`, no `for` beside `four`), so that a reference
has one right spelling.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

CORPUS_VERSION = "1"
"""Changes whenever the words, the grammar, the voices or the built-in sentences change."""

SLOTS: dict[str, tuple[str, ...]] = {
    "number": ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    "many": ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    "colour": ("red", "green", "blue", "yellow", "black", "white"),
    "animal": ("dog", "cat", "horse", "bird", "rabbit"),
    "things": ("apples", "boats", "cups", "books", "flowers"),
    "place": ("house", "river", "market", "garden", "station", "school"),
    "fixture": ("door", "window", "box", "table"),
    "opening": ("door", "window", "box"),
    "size": ("small", "big", "old"),
    "where": ("near", "under", "behind"),
    "outside": ("near", "behind"),
    "move": ("bring", "take"),
    "switch": ("open", "close"),
    "does": ("waits", "sleeps", "runs"),
    "day": ("monday", "friday", "sunday"),
    "when": ("today", "tomorrow", "now"),
    "part": ("morning", "evening"),
}
"""The words that may fill each slot of a template."""

TEMPLATES: tuple[str, ...] = (
    "please {switch} the {opening}",
    "please {switch} the {colour} {opening} now",
    "{move} {many} {colour} {things} from the {place}",
    "please {move} the {things} from the {fixture} {when}",
    "put {many} {things} {where} the {fixture}",
    "put the {colour} {things} {where} the {size} {fixture}",
    "the {size} {animal} {does} {where} the {fixture}",
    "the {colour} {animal} {does} {outside} the {place}",
    "the {animal} {does} at the {place} {when}",
    "the {animal} is {size} and {colour}",
    "the {place} is {outside} the {place}",
    "we meet at the {place} on {day}",
    "we meet at {number} on {day} {part}",
    "we {move} {many} {things} from the {place} {when}",
    "the train leaves the {place} at {number}",
    "the {colour} train leaves at {number} {when}",
    "the train from the {place} is {outside} the {place}",
    "{many} {colour} {things} and {many} {colour} {things}",
    "{many} {size} {things} on the {fixture}",
    "call {number} {number} {number} {number} now",
    "please call {number} {number} {number} on {day}",
    "call the {place} {when} at {number}",
)
"""Sentence patterns; every one gives sentences of 4 to 9 words."""


def vocabulary() -> tuple[str, ...]:
    """Returns every word that the grammar can say, sorted."""
    words = {word for choices in SLOTS.values() for word in choices}
    for template in TEMPLATES:
        words.update(part for part in template.split() if not part.startswith("{"))
    return tuple(sorted(words))


def sentence(rng: random.Random) -> str:
    """Draws one sentence: a template with its slots filled.

    The same word is not drawn twice for two slots of one kind, except in telephone numbers.
    """
    template = rng.choice(TEMPLATES)
    words: list[str] = []
    for part in template.split():
        if not part.startswith("{"):
            words.append(part)
            continue
        choices = [word for word in SLOTS[part.strip("{}")] if word not in words]
        words.append(rng.choice(SLOTS["number"] if part == "{number}" else choices))
    return " ".join(words)


@dataclass(frozen=True)
class Voice:
    """One synthetic speaker.

    Attributes:
        name: The speaker's name in manifests.
        accent: espeak-ng's language, such as `en-gb-scotland`. British English is `en` here:
            espeak-ng 1.51 silently ignores a variant that is added to `en-gb`.
        variant: espeak-ng's voice variant, such as `f2`; empty for the accent's own voice.
        words_per_minute: Speaking rate given to espeak-ng.
        pitch: espeak-ng's pitch, 0 to 99.
    """

    name: str
    accent: str
    variant: str
    words_per_minute: int
    pitch: int

    @property
    def espeak_voice(self) -> str:
        """The value of espeak-ng's `-v` option."""
        return f"{self.accent}+{self.variant}" if self.variant else self.accent


BUILT_IN_VOICES: tuple[Voice, ...] = (
    Voice("alder", "en", "", 142, 50),
    Voice("birch", "en-us", "f2", 152, 55),
    Voice("cedar", "en-gb-scotland", "m3", 137, 40),
    Voice("elm", "en-gb-x-rp", "f3", 147, 60),
    Voice("fir", "en-us-nyc", "m1", 157, 45),
    Voice("hazel", "en-gb-x-gbclan", "f4", 142, 50),
    Voice("larch", "en-us", "m7", 132, 35),
    Voice("maple", "en-gb-x-gbcwmd", "f1", 152, 52),
    Voice("oak", "en-029", "m4", 142, 45),
    Voice("willow", "en-us", "Andrea", 150, 58),
)
"""The ten speakers of the built-in speech."""

HELD_OUT_VARIANTS: frozenset[str] = frozenset({"m4", "Andrea"})
"""Variants that no training voice uses, so that `oak` and `willow` are unheard in training."""

TRAINING_ACCENTS: tuple[str, ...] = (
    "en",
    "en-us",
    "en-gb-scotland",
    "en-gb-x-rp",
    "en-us-nyc",
    "en-gb-x-gbclan",
    "en-gb-x-gbcwmd",
)
"""Accents heard in training: `en-029`, the held-out `oak`'s, is not among them."""

TRAINING_VARIANTS: tuple[str, ...] = (
    "", "f1", "f2", "f3", "f4", "f5", "m1", "m2", "m3", "m5", "m6", "m7", "m8", "Annie", "Denis",
    "Michael", "Alicia", "linda", "steph", "rob", "Gene", "Lee", "Mike", "belinda", "paul",
    "travis",
)  # fmt: skip
"""Variants heard in training (robots, whispers and croaks are left out)."""


def training_voice(rng: random.Random) -> Voice:
    """Draws a speaker: any training accent and variant, any moderate rate and pitch."""
    accent, variant = rng.choice(TRAINING_ACCENTS), rng.choice(TRAINING_VARIANTS)
    rate, pitch = rng.randint(125, 185), rng.randint(25, 75)
    return Voice(f"{accent}-{variant}-{rate}-{pitch}", accent, variant, rate, pitch)


def is_held_out(voice: Voice) -> bool:
    """Says whether training never hears this voice's timbre."""
    return voice.variant in HELD_OUT_VARIANTS


def built_in_sentences(count: int = 110, seed: int = 2024) -> tuple[str, ...]:
    """Returns the sentences of the built-in speech.

    Sentences are drawn from the grammar without repeats; whenever words have not been said yet, a
    sentence with one of them is preferred, so that the first part of the list covers the
    vocabulary.

    Args:
        count: Number of sentences.
        seed: Seed of the draw.

    Returns:
        `count` distinct sentences. Training skips every one of them.
    """
    rng = random.Random(seed)
    chosen: list[str] = []
    missing = set(vocabulary())
    while len(chosen) < count:
        candidates = sorted({sentence(rng) for _ in range(30)} - set(chosen))
        best = max(candidates, key=lambda text: len(missing & set(text.split())))
        pick = best if missing else rng.choice(candidates)
        chosen.append(pick)
        missing -= set(pick.split())
    return tuple(chosen)


def training_sentence(rng: random.Random, held_out: frozenset[str]) -> str:
    """Draws a sentence that is not in `held_out`."""
    while True:
        text = sentence(rng)
        if text not in held_out:
            return text
