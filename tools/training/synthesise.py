"""Regenerates the built-in speech: `python -m tools.training.synthesise`.

The same espeak-ng version gives the same samples; another one speaks a little differently, so the
files in the repository are what counts. `--check` compares instead of writing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from tools.training import espeak
from tools.training.corpus import BUILT_IN_VOICES, built_in_sentences, is_held_out

SPEECH_FOLDER = Path(__file__).parents[2] / "runner" / "clips" / "speech"
"""The built-in speech, where it ships with the runner."""

MANIFEST = "manifest.jsonl"
LICENSE = "CC0-1.0"


@dataclass(frozen=True)
class Utterance:
    """One line of the manifest.

    Attributes:
        id: Unique name, such as `alder-001`.
        file: FLAC file beside the manifest: 16 kHz, mono, 16 bit.
        seconds: Length of the audio, seconds.
        text: What is said: lower-case words without punctuation.
        speaker: Name of the voice.
        license: SPDX licence of audio and text.
        sha256: SHA-256 of the decoded samples as little-endian 16-bit integers, hex.
        held_out_voice: Whether training never hears this voice's timbre.
        espeak_voice: What espeak-ng was asked for: accent and variant.
        words_per_minute: Speaking rate asked for.
        pitch: Pitch asked for, 0 to 99.
    """

    id: str
    file: str
    seconds: float
    text: str
    speaker: str
    license: str
    sha256: str
    held_out_voice: bool
    espeak_voice: str
    words_per_minute: int
    pitch: int


def samples_sha256(samples: NDArray[np.int16]) -> str:
    """Hashes samples of shape (samples,), independent of the file's compression."""
    return hashlib.sha256(samples.astype("<i2").tobytes()).hexdigest()


def synthesise() -> list[tuple[Utterance, NDArray[np.int16]]]:
    """Speaks every built-in sentence, the voices taking turns."""
    spoken = []
    for index, text in enumerate(built_in_sentences()):
        voice = BUILT_IN_VOICES[index % len(BUILT_IN_VOICES)]
        samples = espeak.to_int16(espeak.speak(text, voice))
        name = f"{voice.name}-{index + 1:03d}"
        utterance = Utterance(
            id=name,
            file=f"{name}.flac",
            seconds=round(len(samples) / espeak.SAMPLE_RATE, 4),
            text=text,
            speaker=voice.name,
            license=LICENSE,
            sha256=samples_sha256(samples),
            held_out_voice=is_held_out(voice),
            espeak_voice=voice.espeak_voice,
            words_per_minute=voice.words_per_minute,
            pitch=voice.pitch,
        )
        spoken.append((utterance, samples))
    return spoken


def read_manifest(folder: Path = SPEECH_FOLDER) -> list[Utterance]:
    """Reads the manifest of the built-in speech."""
    lines = (folder / MANIFEST).read_text(encoding="utf-8").splitlines()
    return [Utterance(**json.loads(line)) for line in lines]


def write(spoken: list[tuple[Utterance, NDArray[np.int16]]], folder: Path) -> None:
    """Writes the FLAC files and the manifest, removing FLAC files of an earlier set."""
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("*.flac"):
        stale.unlink()
    for utterance, samples in spoken:
        soundfile.write(folder / utterance.file, samples, espeak.SAMPLE_RATE, subtype="PCM_16")
    lines = [json.dumps(asdict(utterance)) + "\n" for utterance, _ in spoken]
    (folder / MANIFEST).write_text("".join(lines), encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Writes the built-in speech, or compares it with what is there."""
    parser = argparse.ArgumentParser(description="Regenerate the built-in speech.")
    parser.add_argument("--folder", type=Path, default=SPEECH_FOLDER)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    options = parser.parse_args(arguments)
    try:
        spoken = synthesise()
    except espeak.SpeechError as error:
        print(error, file=sys.stderr)
        return 2
    if options.check:
        same = [utterance for utterance, _ in spoken] == read_manifest(options.folder)
        print("same" if same else "different: another espeak-ng version, or an edited corpus")
        return 0 if same else 1
    write(spoken, options.folder)
    minutes = sum(utterance.seconds for utterance, _ in spoken) / 60
    print(f"{len(spoken)} utterances, {minutes:.2f} minutes, in {options.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
