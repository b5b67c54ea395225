"""Training clips: utterances, alone or joined, zero-padded to one length.

A benchmark clip is whole utterances with 0.25 s of digital silence between them, zero-padded to 5,
15, 30 or 60 s and given to the model without an attention mask. Training clips look the same, so
that silence is as familiar as speech.
"""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.training import espeak
from tools.training.corpus import built_in_sentences, training_sentence, training_voice
from tools.training.espeak import SAMPLE_RATE, Samples

GAP_S = 0.25
"""Seconds of digital silence between the joined utterances of a benchmark clip."""


@dataclass(frozen=True)
class Spoken:
    """One utterance.

    Attributes:
        samples: 16-bit samples at 16 kHz, shape (samples,).
        text: What is said.
    """

    samples: NDArray[np.int16]
    text: str

    @property
    def waveform(self) -> Samples:
        """Samples as float32, full scale 1."""
        return self.samples.astype(np.float32) / np.float32(32767.0)


@dataclass(frozen=True)
class Batch:
    """Clips of one length.

    Attributes:
        waveforms: Shape (clips, samples), float32 at 16 kHz.
        texts: The reference of each clip.
    """

    waveforms: NDArray[np.float32]
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Pool:
    """What training clips are made of.

    Attributes:
        whole: Whole sentences.
        tails: Ends of sentences, beginning abruptly, as after a cut at a window's edge.
        heads: Beginnings of sentences, ending abruptly.
        phrases: One to three words of a sentence: what training begins with.
    """

    whole: tuple[Spoken, ...]
    tails: tuple[Spoken, ...]
    heads: tuple[Spoken, ...]
    phrases: tuple[Spoken, ...]

    @property
    def hours(self) -> float:
        """Hours of audio in all."""
        every = (*self.whole, *self.tails, *self.heads, *self.phrases)
        return sum(len(one.samples) for one in every) / SAMPLE_RATE / 3600


def make_pool(sentences: int, fragments: int, phrases: int, *, seed: int, workers: int = 2) -> Pool:
    """Speaks training sentences with random voices.

    Args:
        sentences: Number of whole utterances.
        fragments: Number of sentence ends, and again of sentence beginnings.
        phrases: Number of phrases of one to three words.
        seed: Seed of sentences, voices and cuts.
        workers: Parallel espeak-ng processes.

    Returns:
        The pool. No utterance has a sentence of the built-in speech.
    """
    rng = random.Random(seed)
    held_out = frozenset(built_in_sentences())

    def prepare(count: int, kind: str) -> list[tuple[str, str, random.Random]]:
        return [
            (training_sentence(rng, held_out), kind, random.Random(rng.random()))
            for _ in range(count)
        ]

    def make(job: tuple[str, str, random.Random]) -> Spoken:
        text, kind, own = job
        words = text.split()
        cut = own.randint(1, len(words) - 1)
        first, count = own.randrange(len(words)), own.randint(1, 3)
        said = {
            "whole": words,
            "tail": words[cut:],
            "head": words[:cut],
            "phrase": words[first : first + count],
        }[kind]
        samples = espeak.to_int16(espeak.speak(" ".join(said), training_voice(own)))
        edge = int((espeak.MARGIN_S + own.uniform(0.0, 0.03)) * SAMPLE_RATE)
        if kind == "tail":
            samples = samples[edge:]
        elif kind == "head":
            samples = samples[:-edge]
        return Spoken(samples, " ".join(said))

    wanted = {"whole": sentences, "tail": fragments, "head": fragments, "phrase": phrases}
    with ThreadPoolExecutor(workers) as executor:
        made = {
            kind: tuple(executor.map(make, prepare(count, kind))) for kind, count in wanted.items()
        }
    return Pool(made["whole"], made["tail"], made["head"], made["phrase"])


class ClipMaker:
    """Joins utterances of a pool to augmented clips of an exact length."""

    def __init__(self, pool: Pool, seed: int, cut_share: float = 0.0) -> None:
        """Takes the pool.

        Args:
            pool: Utterances.
            seed: Seed of every draw.
            cut_share: Share of clips that begin with a sentence's end, and of clips that end with
                a sentence's beginning.
        """
        self._pool = pool
        self._cut_share = cut_share
        self._rng = random.Random(seed)
        self._noise = np.random.default_rng(seed)

    def batch(self, clips: int, seconds: float) -> Batch:
        """Makes a batch of clips of `seconds` each."""
        made = [self._clip(seconds) for _ in range(clips)]
        return Batch(np.stack([samples for samples, _ in made]), tuple(text for _, text in made))

    def phrases(self, clips: int, seconds: float) -> Batch:
        """Makes a batch of short clips with one phrase each, beginning anywhere."""
        length = round(seconds * SAMPLE_RATE)
        fitting = [one for one in self._pool.phrases if len(one.samples) <= length]
        waveforms = np.zeros((clips, length), dtype=np.float32)
        texts: list[str] = []
        for row in waveforms:
            chosen = self._rng.choice(fitting)
            self._put(row, self._rng.randint(0, length - len(chosen.samples)), chosen, texts)
            row[:] = self._augment(row)
        return Batch(waveforms, tuple(texts))

    def _clip(self, seconds: float) -> tuple[Samples, str]:
        rng = self._rng
        length = round(seconds * SAMPLE_RATE)
        clip = np.zeros(length, dtype=np.float32)
        full = rng.random() < 0.6
        wanted = length if full else int(length * rng.uniform(0.1, 1.0))
        texts: list[str] = []
        position = 0
        if self._pool.tails and rng.random() < self._cut_share:
            position = self._put(clip, 0, rng.choice(self._pool.tails), texts)
        misses = 0
        while position < wanted and misses < 3:
            start = position + self._gap() if texts else 0
            chosen = rng.choice(self._pool.whole)
            if start + len(chosen.samples) <= length:
                position = self._put(clip, start, chosen, texts)
            else:
                misses += 1
        if self._pool.heads and rng.random() < self._cut_share:
            head = rng.choice(self._pool.heads)
            start = length - len(head.samples)
            if start >= position + int(0.1 * SAMPLE_RATE):
                self._put(clip, start, head, texts)
        return self._augment(clip), " ".join(texts)

    def _put(self, clip: Samples, start: int, spoken: Spoken, texts: list[str]) -> int:
        samples = spoken.waveform * np.float32(10 ** (self._rng.uniform(-8.0, 3.0) / 20))
        end = min(start + len(samples), len(clip))
        clip[start:end] = samples[: end - start]
        texts.append(spoken.text)
        return end

    def _gap(self) -> int:
        usual = self._rng.random() < 0.6
        return int((GAP_S if usual else self._rng.uniform(0.0, 0.8)) * SAMPLE_RATE)

    def _augment(self, clip: Samples) -> Samples:
        if self._rng.random() < 0.25:
            level = 10 ** (self._rng.uniform(-70.0, -35.0) / 20)
            clip = clip + (self._noise.standard_normal(len(clip)) * level).astype(np.float32)
        return clip
