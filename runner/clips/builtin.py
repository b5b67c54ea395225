"""The synthesised speech that ships with asrprof."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable

from runner.clips.clip import Speech
from runner.clips.entry import Entry
from runner.clips.manifest import Progress, parse_jsonl
from runner.clips.reading import read_entries
from runner.errors import UserError


def read_builtin(
    limit: int | None = None,
    *,
    text_column: str | None = None,
    progress: Progress | None = None,
    root: Traversable | None = None,
) -> Speech:
    """Read the built-in speech from the package's data.

    Args:
        limit: How many utterances to take, in the manifest's order; all when None.
        text_column: The manifest's key of the transcript.
        progress: Told after every utterance.
        root: The folder that holds the manifest; the package's own when None.

    Raises:
        UserError: the installation lacks the files, or they are damaged.
    """
    folder = files("runner.clips").joinpath("speech") if root is None else root
    entries = parse_jsonl(_read(folder, "manifest.jsonl"), "built-in speech", text_column)

    def read(entry: Entry) -> bytes:
        return _read(folder, entry.file)

    speech = read_entries(entries, read, limit, progress)
    if speech.unreadable:
        raise UserError(
            f"the built-in speech is damaged ({speech.unreadable[0]}); install asrprof again"
        )
    return speech


def _read(folder: Traversable, name: str) -> bytes:
    try:
        return folder.joinpath(name).read_bytes()
    except OSError as error:
        raise UserError(f"the built-in speech lacks {name}; install asrprof again") from error
