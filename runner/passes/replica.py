"""The process of a copy of a model under load: `python -m runner.passes.replica FD`.

Each has an interpreter and threads of its own, as the workers of a server have. Both ends of the
pipe are ours; it ends with the process at the other end.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from runner.clips.clip import Waveform
from runner.engines.base import Engine, LoadRequest
from runner.errors import error_words

_MOST = 160
"""Letters of an error that are told."""


@dataclass(frozen=True)
class Begin:
    """To a replica, once: what to load."""

    request: LoadRequest
    threads: int
    utterances: Path
    """The prepared utterances, which are told by their numbers from then on."""


@dataclass(frozen=True)
class Said:
    """From a replica: texts of a batch, or why there are none. Without either it is loaded."""

    texts: tuple[str, ...] | None = None
    error: str | None = None


def serve(connection: Connection) -> None:
    """Loads the model, runs it once, and transcribes what it is told."""
    begin: Begin = connection.recv()
    try:
        engine, waves = _load(begin)
    except Exception as error:  # noqa: BLE001  (the process that asked says it)
        connection.send(Said(error=error_words(error, _MOST)))
        return
    connection.send(Said())
    while True:
        numbers: tuple[int, ...] = connection.recv()
        try:
            texts = engine.transcribe([waves[number] for number in numbers]).texts
            engine.synchronize()
        except Exception as error:  # noqa: BLE001  (counted; the next batch may go well)
            connection.send(Said(error=error_words(error, _MOST)))
        else:
            connection.send(Said(tuple(texts)))


def _load(begin: Begin) -> tuple[Engine, list[Waveform]]:
    import runner.quiet  # noqa: F401, I001  (first: it silences what the others import)

    import torch
    import transformers

    from runner.clips import load_clips
    from runner.load import load_engine

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(begin.threads)
    waves = [one.audio for one in load_clips(begin.utterances).clips]
    engine = load_engine(begin.request)
    engine.transcribe(waves[:1])
    engine.synchronize()
    return engine, waves


def main(arguments: list[str]) -> int:
    """Entry point; its argument is the number of the pipe's file."""
    try:
        with Connection(int(arguments[0])) as connection:
            serve(connection)
    except (EOFError, OSError):
        return 0  # The other process has no more work, or is gone.
    return 0


if __name__ == "__main__":
    # Under its own name: what is sent must be of the classes that the other end knows.
    from runner.passes.replica import main as run

    sys.exit(run(sys.argv[1:]))
