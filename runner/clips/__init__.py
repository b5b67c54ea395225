"""Data sets become clips to time and utterances to score, with the text that belongs to them."""

from runner.clips.batches import batches
from runner.clips.clip import SAMPLE_RATE, Clip, ClipSet, Utterance, Waveform
from runner.clips.prepare import load_clips, prepare, prepare_utterances

__all__ = [
    "SAMPLE_RATE",
    "Clip",
    "ClipSet",
    "Utterance",
    "Waveform",
    "batches",
    "load_clips",
    "prepare",
    "prepare_utterances",
]
