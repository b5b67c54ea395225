"""Data sets become clips of an exact length, with the reference text that belongs to them."""

from runner.clips.batches import batches
from runner.clips.clip import SAMPLE_RATE, Clip, ClipSet, Utterance, Waveform
from runner.clips.prepare import load_clips, prepare

__all__ = [
    "SAMPLE_RATE",
    "Clip",
    "ClipSet",
    "Utterance",
    "Waveform",
    "batches",
    "load_clips",
    "prepare",
]
