"""Converts a Whisper of transformers to CTranslate2, once, into the cache.

In a process of its own: loading the original takes more memory than running the converted model,
and must not count as the case's.
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
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from runner.clips.cache import cache_root
from runner.errors import Refused, UserError, is_out_of_memory

_PART = ".part-"
"""Begins the name of a folder that is being written; then comes the process that writes it."""
_PR_SET_PDEATHSIG = 1

FILES = ["tokenizer.json", "preprocessor_config.json"]
"""What faster-whisper reads beside the converted weights."""


@dataclass(frozen=True)
class Source:
    """What to convert, and to which number format."""

    name: str
    """A folder with a checkpoint; with a seed: a published configuration."""
    quantization: str
    """As CTranslate2 calls it: ``float32``, ``int8_float32`` …"""
    seed: int | None = None
    """Of random weights; None for those of the checkpoint."""


@dataclass(frozen=True)
class Converted:
    """A converted model."""

    folder: Path
    seconds: float | None
    """What the conversion took; None where it was in the cache."""

    @property
    def settings(self) -> Any:
        """The generation settings that the original was published with."""
        from transformers import GenerationConfig

        return GenerationConfig.from_pretrained(self.folder)

    @property
    def config(self) -> Any:
        """The original's configuration."""
        from transformers import WhisperConfig

        return WhisperConfig.from_pretrained(self.folder / "original")

    @property
    def weights_bytes(self) -> int:
        """Bytes of the converted weights."""
        return (self.folder / "model.bin").stat().st_size


def converted(source: Source) -> Converted:
    """The converted model, from the cache if it is there.

    Raises:
        Refused: it cannot be converted, or not written.
    """
    try:
        root = cache_root(None) / "ctranslate2"
        folder = root / _key(source)
        if (folder / "model.bin").is_file():
            return Converted(folder, None)
        root.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        if sys.platform == "linux":
            _sweep(root)
        with tempfile.TemporaryDirectory(prefix=f"{_PART}{os.getpid()}-", dir=root) as part:
            _convert_apart(source, Path(part) / "model")
            shutil.rmtree(folder, ignore_errors=True)
            (Path(part) / "model").rename(folder)
    except (OSError, UserError) as error:
        raise Refused(
            f"cannot keep the converted model: {error}; set ASRPROF_CACHE to another folder"
        ) from error
    return Converted(folder, time.monotonic() - began)


def _key(source: Source) -> str:
    """A name that changes with the model, its format and the converter."""
    sha = hashlib.sha256(json.dumps(asdict(source), sort_keys=True).encode())
    sha.update(f"{version('ctranslate2')} {version('transformers')}".encode())
    if source.seed is None:
        for file in sorted(Path(source.name).glob("*")):
            if file.is_file():
                status = file.stat()
                sha.update(f"{file.name} {status.st_size} {status.st_mtime_ns}".encode())
    return f"{Path(source.name).name}-{source.quantization}-{sha.hexdigest()[:16]}"


def _convert_apart(source: Source, out: Path) -> None:
    process = subprocess.run(
        [sys.executable, "-m", __name__, json.dumps(asdict(source)), str(out), str(os.getpid())],
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode == 0:
        return
    lines = [line for line in process.stderr.splitlines() if line.strip()]
    words = lines[-1][:300] if lines else f"exit code {process.returncode}"
    if process.returncode < 0 or is_out_of_memory(words):
        raise MemoryError(f"converting {source.name} for CTranslate2: {words}")
    raise Refused(f"cannot convert {source.name} for CTranslate2: {words}")


def convert(source: Source, out: Path) -> None:
    """Converts, in this process."""
    from ctranslate2.converters import TransformersConverter

    with tempfile.TemporaryDirectory(prefix="asrprof-") as scratch:
        original = source.name
        if source.seed is not None:
            original = scratch
            _save_random(source.name, source.seed, Path(scratch))
        copied = [name for name in FILES if (Path(original) / name).is_file()]
        TransformersConverter(original, copy_files=copied).convert(
            str(out), quantization=source.quantization
        )
        for name, place in (("generation_config.json", "."), ("config.json", "original")):
            (out / place).mkdir(exist_ok=True)
            shutil.copyfile(Path(original) / name, out / place / name)


def _save_random(name: str, seed: int, folder: Path) -> None:
    """A checkpoint with the published architecture and weights drawn from a seed."""
    import torch
    from transformers import WhisperForConditionalGeneration

    from runner.engines.architectures import feature_extractor, published_config
    from runner.engines.vocabulary import piece_tokenizer
    from runner.engines.whisper import generation_config

    config = published_config(name)
    torch.manual_seed(seed)
    model = WhisperForConditionalGeneration(config)
    model.generation_config = generation_config(config)
    model.save_pretrained(folder)
    feature_extractor(name).save_pretrained(folder)
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


def end_with(parent: int) -> None:
    """Has the kernel end this process with the one that asked for it.

    A case that takes too long is killed, and would leave its conversion behind.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # It was gone before.
        sys.exit(1)


def _sweep(root: Path) -> None:
    """Removes what conversions that were killed have left."""
    for part in root.glob(f"{_PART}*"):
        owner = part.name.removeprefix(_PART).partition("-")[0]
        if owner.isdecimal() and not Path(f"/proc/{owner}").exists():
            shutil.rmtree(part, ignore_errors=True)


if __name__ == "__main__":
    end_with(int(sys.argv[3]))
    convert(Source(**json.loads(sys.argv[1])), Path(sys.argv[2]))
