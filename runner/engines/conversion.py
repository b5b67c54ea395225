"""Keeps a checkpoint that was converted for another library, made once, in the cache.

The conversion runs in a process of its own: loading the original takes more memory than running
the converted model, and must not count as the case's.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self, TypeVar

from runner.catalogue.models import local_folder
from runner.clips.cache import cache_root
from runner.engines.base import LoadRequest
from runner.engines.hub import gated
from runner.errors import Refused, UserError, error_words, is_out_of_memory
from store.records import Scalar

_PART = ".part-"
"""Begins the name of a folder that is being written; then comes the process that writes it."""
_PR_SET_PDEATHSIG = 1
_REFUSED = 3
"""Exit code of a conversion whose last line says why it cannot be made."""


@dataclass(frozen=True)
class Source:
    """What to convert, and to which number format."""

    name: str
    """A folder with a checkpoint; with a seed: a published configuration."""
    format: str
    """As the other library calls it: ``float32``, ``q8_0`` …"""
    seed: int | None = None
    """Of random weights; None for those of the checkpoint."""

    @classmethod
    def of(cls, request: LoadRequest, format: str, **more: Any) -> Self:
        """What to convert for a case.

        Args:
            request: The case's model.
            format: As the other library calls it.
            more: Fields that only this kind of source has.

        Raises:
            Refused: the checkpoint cannot be had.
        """
        if request.weights == "random":
            return cls(name=request.name, format=format, seed=request.seed, **more)
        return cls(name=str(checkpoint_folder(request)), format=format, **more)


SourceT = TypeVar("SourceT", bound=Source)


@dataclass(frozen=True)
class Converter:
    """What converts, and how to know that it is through."""

    library: str
    """Who reads the files, for messages."""
    folder: str
    """Where they are kept below the cache."""
    module: str
    """Run as a program: the source as JSON, the new folder, the process that asked for it."""
    packages: tuple[str, ...]
    """Distributions whose version can change the files."""
    is_whole: Callable[[Path], bool]
    """Whether a folder holds all that is read of it."""


@dataclass(frozen=True)
class Kept:
    """A converted model, in its folder of the cache."""

    folder: Path
    seconds: float | None
    """What the conversion took; None where it was in the cache."""

    @cached_property
    def settings(self) -> Any:
        """The generation settings that the original was published with."""
        from transformers import GenerationConfig

        return GenerationConfig.from_pretrained(self.folder)

    def figures(self) -> tuple[Scalar, ...]:
        """What the conversion took, where this case had to make it."""
        if self.seconds is None:
            return ()
        note = "in load_s; cached from now on"
        return (Scalar(name="conversion_s", value=self.seconds, note=note),)


KeptT = TypeVar("KeptT", bound=Kept)


def keep(source: Source, converter: Converter, kind: type[KeptT]) -> KeptT:
    """The converted model, from the cache if it is there and whole.

    Args:
        source: What to convert.
        converter: By what.
        kind: What knows its files.

    Raises:
        Refused: it cannot be converted, or not written.
    """
    try:
        root = cache_root(None) / converter.folder
        folder = root / entry(source, converter)
        if converter.is_whole(folder):
            return kind(folder, None)
        root.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        if sys.platform == "linux":
            sweep(root)
        with tempfile.TemporaryDirectory(prefix=f"{_PART}{os.getpid()}-", dir=root) as part:
            _convert_apart(source, converter, Path(part) / "model")
            _put(Path(part) / "model", folder, converter)
    except (OSError, UserError) as error:
        raise Refused(
            f"cannot keep the converted model: {error}; set ASRPROF_CACHE to another folder"
        ) from error
    return kind(folder, time.monotonic() - began)


def _put(made: Path, folder: Path, converter: Converter) -> None:
    """Moves an entry to its place, unless another process was there first and may read it."""
    if converter.is_whole(folder):
        return
    shutil.rmtree(folder, ignore_errors=True)
    try:
        made.rename(folder)
    except OSError:
        if not converter.is_whole(folder):
            raise


def entry(source: Source, converter: Converter) -> str:
    """A name in the cache that changes with the model, its format and the converter."""
    sha = hashlib.sha256(json.dumps(asdict(source), sort_keys=True).encode())
    sha.update(" ".join(map(version, converter.packages)).encode())
    if source.seed is None:
        for file in sorted(Path(source.name).glob("*")):
            if file.is_file():
                status = file.stat()
                sha.update(f"{file.name} {status.st_size} {status.st_mtime_ns}".encode())
    return f"{Path(source.name).name}-{source.format}-{sha.hexdigest()[:16]}"


def _convert_apart(source: Source, converter: Converter, out: Path) -> None:
    arguments = [json.dumps(asdict(source)), str(out), str(os.getpid())]
    process = subprocess.run(
        [sys.executable, "-m", converter.module, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode == 0:
        return
    lines = [line for line in process.stderr.splitlines() if line.strip()]
    if process.returncode == _REFUSED:
        raise Refused(lines[-1])
    words = lines[-1][:300] if lines else f"exit code {process.returncode}"
    if process.returncode < 0 or is_out_of_memory(words):
        raise MemoryError(f"converting {source.name} for {converter.library}: {words}")
    raise Refused(f"cannot convert {source.name} for {converter.library}: {words}")


def save_random_whisper(source: Source, folder: Path) -> None:
    """A checkpoint with the published architecture and weights drawn from a seed."""
    import torch
    from transformers import WhisperForConditionalGeneration

    from runner.engines.architectures import feature_extractor, published_config
    from runner.engines.vocabulary import piece_tokenizer
    from runner.engines.whisper_settings import generation_config

    config = published_config(source.name)
    torch.manual_seed(source.seed)
    model = WhisperForConditionalGeneration(config)
    model.generation_config = generation_config(config)
    model.save_pretrained(folder)
    feature_extractor(source.name).save_pretrained(folder)
    end = config.eos_token_id
    # CTranslate2 looks these up by their names.
    names = {
        end: "<|endoftext|>",
        config.decoder_start_token_id: "<|startoftranscript|>",
        model.generation_config.no_timestamps_token_id: "<|notimestamps|>",
    }
    tokenizer = piece_tokenizer(config.vocab_size, special=end, names=names)
    tokenizer.eos_token = names[end]
    tokenizer.save_pretrained(folder)


def checkpoint_folder(request: LoadRequest) -> Path:
    """The folder of the original's files, fetched if need be.

    Raises:
        Refused: they cannot be had.
    """
    folder = local_folder(request.name)
    if folder is not None:
        return folder
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError

    try:
        return Path(
            snapshot_download(
                request.name,
                revision=request.revision,
                local_files_only=request.cached,
                allow_patterns=["*.json", "*.txt", "*.safetensors"],
            )
        )
    except GatedRepoError as error:
        raise Refused(gated(request.name)) from error
    except Exception as error:
        words = " ".join(str(error).split())[:300]
        raise Refused(f"cannot load {request.name}: {words}") from error


def run_converter(kind: type[SourceT], convert: Callable[[SourceT, Path], None]) -> None:
    """Runs a converter as the program that `keep` starts; its last line says what went wrong.

    Args:
        kind: Of its sources.
        convert: Writes what is kept of a source into a new folder.
    """
    end_with(int(sys.argv[3]))
    try:
        convert(kind(**json.loads(sys.argv[1])), Path(sys.argv[2]))
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        sys.exit(_REFUSED)
    except Exception as failure:  # noqa: BLE001  (one line tells the process that asked)
        sys.exit(_words(failure))


def _words(error: BaseException) -> str:
    """One line of what went wrong first: PyTorch's exporter wraps it in advice."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error_words(error, 300)


def end_with(parent: int) -> None:
    """Has the kernel end this process with the one that asked for it.

    A case that takes too long is killed, and would leave its conversion behind.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # It was gone before.
        sys.exit(1)


def sweep(root: Path) -> None:
    """Removes what conversions that were killed have left."""
    for part in root.glob(f"{_PART}*"):
        owner = part.name.removeprefix(_PART).partition("-")[0]
        if owner.isdecimal() and not Path(f"/proc/{owner}").exists():
            shutil.rmtree(part, ignore_errors=True)
