"""Ctrl-C while audio is decoded ends the reading, and neither the process nor the file."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from runner.clips.undisturbed import undisturbed

INTERRUPTED = """
import os, random, signal, sys, threading, time
from pathlib import Path
from runner.clips.audio import read_audio
from runner.clips.survey import survey
from runner.config import Data

reads = {"decode": lambda: read_audio(data, "file"), "look": lambda: survey(corpus)}
path, read = Path(sys.argv[1]), reads[sys.argv[2]]
data = path.read_bytes()
corpus = Data(source="folder", path=str(path.parent))
drawn = random.Random(0)

def interrupt():
    time.sleep(0.01 + 0.01 * drawn.random())
    os.kill(os.getpid(), signal.SIGINT)

ended = 0
for _ in range(40):
    thread = threading.Thread(target=interrupt)
    try:
        thread.start()
        while True:
            read()
    except KeyboardInterrupt:
        ended += 1
    thread.join()
print(ended)
"""


@pytest.fixture
def handled() -> Iterator[list[int]]:
    """What a handler of SIGINT was told."""
    told: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: told.append(number))
    yield told
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    ("what", "name"), [("decode", "noise.wav"), ("look", "noise.wav"), ("look", "noise.aiff")]
)
def test_every_interrupt_ends_the_reading_and_no_file_seems_broken(
    what: str, name: str, tmp_path: Path
) -> None:
    # The header of a WAV is read without libsndfile, that of an AIFF with it.
    file = tmp_path / name
    noise = np.random.default_rng(0).normal(0, 0.1, 1600)
    soundfile.write(file, noise, 16_000)
    (tmp_path / "manifest.jsonl").write_text(f'{{"file": "{name}", "text": "a word"}}')
    # An exception in a callback of libsndfile would be told on stderr.
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, str(file), what],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "40\n", "")


def test_the_handler_is_called_once_when_the_block_is_over(handled: list[int]) -> None:
    mine = signal.getsignal(signal.SIGINT)
    with undisturbed():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        assert handled == []
    assert handled == [signal.SIGINT]
    assert signal.getsignal(signal.SIGINT) is mine


def test_an_error_in_the_block_is_not_lost(handled: list[int]) -> None:
    mine = signal.getsignal(signal.SIGINT)
    with pytest.raises(soundfile.SoundFileError), undisturbed():
        soundfile.SoundFile(io.BytesIO(b"no audio"))
    assert handled == []
    assert signal.getsignal(signal.SIGINT) is mine


def test_other_threads_and_ignored_signals_are_left_as_they_are() -> None:
    seen: list[object] = []

    def block() -> None:
        with undisturbed():
            seen.append(signal.getsignal(signal.SIGINT))

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=block)
    thread.start()
    thread.join()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        block()
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == [before, signal.SIG_IGN]
